"""The words of the demo's language, by what they do in a sentence. In every list the common words come first: a
word's frequency falls with its place in the list. Words after "|" are met in the test sets alone."""

NOUNS = {
    "person": """child king man woman cook girl boy guard friend farmer guide judge doctor teacher baker hunter sailor
        smith mother brother painter queen singer | fiddler neighbour weaver""",
    "animal": "dog horse fish fly cat bird duck bear cow mouse goat wolf | badger otter",
    "place": """house store market park field garden farm village river station bridge town mill hill school forest
        ford harbour church | orchard quarry""",
    "box": "box bag table basket shelf bed case drawer cover bench plate | hamper cradle",
    "tool": "brush hammer knife saw iron file rake spoon key cloth fork needle plane | chisel trowel",
    "food": "bread water drink orange soup cake apple fish egg milk tea pie duck butter | dumpling radish",
    "thing": """book cover letter light plan watch report door order picture paint note offer ring lamp hat paper chair
        wall coat fence boat table | blanket kettle""",
    "time": "morning evening night summer winter spring fall noon month week | dawn autumn",
    "event": "dance walk show play talk dinner ride visit feast fight rest march meeting storm | wedding",
}

# Whose "his" and "her" name a relation, not an owner.
RELATIVES = "friend mother brother child guard cook doctor teacher king queen guide judge"

DAYS = "Monday Sunday Friday May March Saturday Tuesday June"
NAMES = "Will Anna Rose Mark Hope Jack Baker Grace Bill Olga Hunter Drew Iris Pat | Otto Fern"
CITIES = "Marl Reading Cork Bath Lund Mill Ostby | Tarn"

# base, and where it is irregular base:past,participle
VERBS = {
    "motion": """walk go:went,gone march come:came,come run:ran,run return travel ride:rode,ridden move hurry climb
        sail | wander crawl""",
    "act": "clean cook open paint cut:cut,cut cover brush dry water hammer iron make:made,made warm empty "
           "light:lit,lit file break:broke,broken repair fix | polish carve",
    "put": "place store put:put,put drop leave:left,left box hide:hid,hidden plant lay:laid,laid | stack",
    "give": "give:gave,given show:showed,shown offer send:sent,sent hand sell:sold,sold bring:brought,brought | lend",
    "get": "take:took,taken order get:got,got book buy:bought,bought borrow steal:stole,stolen | fetch",
    "see": "see:saw,seen watch know:knew,known like love guard find:found,found remember judge fear hear:heard,heard "
           "| admire",
    "say": "say:said,said hope report know:knew,known see:saw,seen think:thought,thought believe hear:heard,heard "
           "answer fear remember | claim",
    "want": "want plan hope try like need begin:began,begun love offer forget:forgot,forgotten | refuse",
    "rest": "work rest sleep:slept,slept dance wait play talk sing:sang,sung stand:stood,stood fish "
            "fight:fought,fought swim:swam,swum | doze",
    "eat": "drink:drank,drunk eat:ate,eaten taste cook share | chew",
}

ADJECTIVES = """old light cold kind open young warm clean small dry late empty new early fast hard orange quiet big
    still happy dark red poor heavy | gloomy narrow"""
MANNER = "fast slowly late hard early quietly well still often quickly happily again badly | gladly warmly"
DIRECTIONS = "home back away down inside up out outside"
DEGREES = "very so too rather"

# What nouns are asked about by "how long" in space and in time.
LONG = "bridge river boat table fence field bench wall"

# Forms that the rules of spelling do not give.
PLURALS = {"child": "children", "man": "men", "woman": "women", "knife": "knives", "fish": "fish", "mouse": "mice",
           "wolf": "wolves", "shelf": "shelves"}
MASS = "paint bread soup water milk tea butter paper light"
DOUBLING = "run get cut put begin forget swim drop plan"

# Word pieces beyond letters and whole words, for the vocabulary.
SUFFIXES = "s es ed d ing er ers ly y ies ied en n t st ness ful ter ting ry le el ow ar or an on al"
