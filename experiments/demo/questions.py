"""Questions with their class. The first word decides little: "what" and "how" each open several classes, and the
noun, the verb or the preposition at the end tells which."""
import lexicon
from grammar import Grammar, Node, capital


def text(node):
    return [word.form for word, _ in node.words()]


class Questions(Grammar):
    CLASSES = {"HUM:ind": 6, "LOC:place": 5, "NUM:date": 4, "DESC:manner": 3.5, "NUM:count": 3, "ENTY:tool": 3,
               "DESC:def": 3, "ENTY:food": 2.5, "NUM:period": 2.5, "NUM:dist": 2}
    TRANSITIVE = {"act": 3, "put": 2, "see": 2, "get": 2}

    def auxiliary(self):
        return self.random.among({"did": 6, "will": 2, "can": 1})

    def asked(self, kind, complete=True):
        """ "did the king walk": with the verb's own complements, or bare."""
        verb = self.verb(kind, "base")
        if complete:
            getattr(self, kind)(verb)
        return [self.auxiliary()] + text(self.person(subject=True)) + text(verb)

    def with_object(self, kind, noun_kind=None):
        noun = self.noun(noun_kind) if noun_kind else self.some_thing()
        return self.asked(kind, complete=False) + text(noun)

    def which(self, noun_kind, plural=False):
        noun = self.noun(noun_kind, 0.1, plural)
        noun.left = [node for node in noun.left if node.rel == "amod"]
        return [self.random.among({"what": 3, "which": 2})] + text(noun)

    def told(self, kind):
        verb = self.verb(kind, "past")
        getattr(self, kind)(verb)
        return text(verb)

    def human(self):
        r = self.random
        shape = r.among({"told": 3, "object": 2, "to": 1, "with": 1, "which": 3, "asked": 1})
        kind = r.among({"act": 3, "give": 2, "get": 2, "motion": 2, "eat": 1, "see": 2})
        if shape == "told":
            return ["who"] + self.told(kind)
        if shape == "which":
            return self.which("person") + self.told(kind)
        who = ["who"] if r.chance(0.6) else self.which("person")
        if shape == "to":
            return who + self.with_object("give") + ["to"]
        if shape == "with":
            return who + self.asked(r.among({"motion": 1, "rest": 1})) + ["with"]
        return who + self.asked("see", complete=False)

    def location(self):
        r = self.random
        shape = r.among({"where": 4, "is": 1, "which": 4, "what": 2})
        if shape == "where":
            kind = r.among({"motion": 2, "rest": 2, "put": 2, "eat": 1})
            return ["where"] + (self.with_object(kind) if kind in ("put", "eat") else self.asked(kind, False))
        if shape == "is":
            return ["where", r.among({"is": 1, "was": 1})] + text(self.noun("thing", plural=False))
        if shape == "what":
            return ["what"] + self.with_object("put") + [r.among({"in": 2, "on": 2})]
        if r.chance(0.5):
            return self.which("box") + self.with_object("put") + [r.among({"in": 2, "on": 2})]
        return self.which("place") + self.asked("motion", False) + [r.among({"to": 3, "from": 2, "in": 1})]

    def date(self):
        r = self.random
        kind = r.among({"motion": 2, "rest": 1, "act": 2, "give": 1, "eat": 1})
        if r.chance(0.45):
            return ["when"] + self.asked(kind)
        if r.chance(0.3):
            return ["when", "was"] + text(self.noun("event"))
        return self.which("time") + self.asked(kind)

    def manner(self):
        kind = self.random.among(self.TRANSITIVE)
        return ["how"] + (self.asked("motion") if self.random.chance(0.4) else self.with_object(kind))

    def count(self):
        r = self.random
        noun = self.noun(r.among({"thing": 3, "person": 3, "animal": 2, "tool": 1}), 0.2, plural=True)
        noun.left = [node for node in noun.left if node.rel == "amod"]
        if r.chance(0.5):
            return ["how", "many"] + text(noun) + self.asked(r.among({"see": 2, "get": 2}), complete=False)
        return ["how", "many"] + text(noun) + self.told(r.among({"motion": 2, "rest": 1}))

    def tool(self):
        if self.random.chance(0.5):
            return ["what"] + self.with_object("act") + ["with"]
        return self.which("tool") + self.with_object("act") + ["with"] * self.random.chance(0.6)

    def definition(self):
        kind = self.random.among({"thing": 3, "tool": 3, "animal": 2, "person": 2, "place": 2, "food": 1, "time": 1})
        noun = self.noun(kind, 0.25, plural=False)
        noun.left = [node for node in noun.left if node.rel == "amod"]
        words = text(noun)
        if self.random.chance(0.75):
            mass = noun.lemma in lexicon.MASS.split()
            return ["what", "is"] + ([] if mass else ["an" if words[0][0] in "aeiou" else "a"]) + words
        return ["what", "does"] + words + ["mean"]

    def food(self):
        if self.random.chance(0.5):
            end = self.random.among({"": 2, "place": 1, "time": 2})
            return ["what"] + self.asked("eat", False) + (text(getattr(self, end)()) if end else [])
        return self.which("food") + self.asked(self.random.among({"eat": 2, "get": 1, "see": 1}), False)

    def period(self):
        r = self.random
        if r.chance(0.45):
            return ["how", "long", r.among({"was": 2, "is": 1})] + text(self.noun("event"))
        return ["how", "long"] + self.asked("rest")

    def distance(self):
        r = self.random
        shape = r.among({"far": 2, "from": 2, "long": 3})
        if shape == "far":
            return ["how", "far"] + self.asked("motion", False)
        if shape == "from":
            return ["how", "far", "is"] + text(self.town()) + ["from"] + text(self.town())
        lemma = self.word(lexicon.LONG)
        noun = self.determiner(Node(lemma, lemma, "NOUN"), False, "thing")
        return ["how", r.among({"long": 3, "wide": 1}), r.among({"was": 1, "is": 2})] + text(noun)

    def question(self):
        """A label and the words of a question of 4 to 14 words."""
        makers = {"HUM:ind": self.human, "LOC:place": self.location, "NUM:date": self.date, "DESC:manner": self.manner,
                  "NUM:count": self.count, "ENTY:tool": self.tool, "DESC:def": self.definition,
                  "ENTY:food": self.food, "NUM:period": self.period, "NUM:dist": self.distance}
        while True:
            label = self.random.among(self.CLASSES)
            words = makers[label]() + ["?"]
            if 4 <= len(words) <= 14:
                return label, [capital(words[0])] + words[1:]
