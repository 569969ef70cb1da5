"""A small grammar: draws sentences as dependency trees and questions as words with a class.

What a word is depends on where it stands: many words are both noun and verb, "that" is a determiner, a pronoun or a
subordinator, "to" a preposition or a particle. What a preposition means and what it hangs on depend on the classes of
the verb and of its object, not on the preposition alone."""
import random

import lexicon

VOWELS = "aeiou"


class Random:
    """Draws through random() alone: the one method whose numbers no version of Python changes."""

    def __init__(self, seed):
        self.real = random.Random(seed).random

    def chance(self, p):
        return self.real() < p

    def among(self, weights):
        """A key of a dict of weights."""
        at = self.real() * sum(weights.values())
        for key, weight in weights.items():
            at -= weight
            if at < 0:
                break
        return key


class Node:
    """A word of the tree with its dependents in order."""

    def __init__(self, form, lemma, upos, lexcat=None, sense=None):
        self.form, self.lemma, self.upos = form, lemma, upos
        self.lexcat, self.sense = lexcat or upos, sense  # sense: (role, function) of a preposition
        self.rel, self.left, self.right = "root", [], []

    def before(self, rel, node):
        node.rel = rel
        self.left.append(node)
        return self

    def after(self, rel, node):
        node.rel = rel
        self.right.append(node)
        return self

    def words(self):
        """The subtree's words in the order of the text, each with its head."""
        for node in self.left:
            yield from ((w, h or self) for w, h in node.words())
        yield self, None
        for node in self.right:
            yield from ((w, h or self) for w, h in node.words())


def add_suffix(base, suffix):
    if suffix == "s":
        if base.endswith(("s", "sh", "ch", "x", "z", "o")):
            return base + "es"
        return base[:-1] + "ies" if base[-1] == "y" and base[-2] not in VOWELS else base + "s"
    if base in lexicon.DOUBLING.split():
        base += base[-1]
    elif base[-1] == "e" and base[-2] not in "e":
        base = base[:-1]
    elif base[-1] == "y" and base[-2] not in VOWELS and suffix == "ed":
        base = base[:-1] + "i"
    return base + suffix


def capital(form):
    return form[0].upper() + form[1:]


class Grammar:
    def __init__(self, seed, test=False):
        self.random = Random(seed)
        self.test = test  # draw the words kept for the test sets, too
        self.lists = {}

    # --- words ---
    def word(self, text):
        """A word of a list, drawn with probability falling with its rank; words after "|" in the test sets alone."""
        if text not in self.lists:
            common, _, rare = text.partition("|")
            weights = {w: 1 / (rank + 2) for rank, w in enumerate(common.split())}
            weights.update((w, 0.12) for w in rare.split() if self.test)
            self.lists[text] = weights
        return self.random.among(self.lists[text])

    def verb(self, kind, form):
        """kind: a class of VERBS; form: base, s, past, part(iciple), ing."""
        base, _, irregular = self.word(lexicon.VERBS[kind]).partition(":")
        regular = add_suffix(base, "ed")
        past, part = irregular.split(",") if irregular else (regular, regular)
        text = {"base": base, "past": past, "part": part}.get(form) or add_suffix(base, form)
        return Node(text, base, "VERB", "V")

    def adposition(self, form, role, function=None):
        return Node(form, form, "ADP", "P", (role, function or role))

    def prepositional(self, adposition, noun):
        noun.left.insert(0, adposition)
        adposition.rel = "case"
        return noun

    def adverb(self):
        form = self.word(lexicon.MANNER)
        return Node(form, form, "ADV")

    # --- noun phrases ---
    def name(self, text):
        form = self.word(text)
        return Node(form, form, "PROPN", "N")

    def determiner(self, noun, plural, kind):
        r = self.random
        if r.chance(0.12) and kind != "time":
            form, lemma = r.among({("his", "he"): 3, ("her", "she"): 3, ("their", "they"): 1})
            related = noun.lemma in lexicon.RELATIVES.split()
            sense = ("p.SocialRel" if related else "p.Possessor", "p.Gestalt")
            return noun.before("nmod:poss", Node(form, lemma, "PRON", "PRON.POSS", sense))
        if plural:
            form = r.among({"the": 5, "": 3, "these": 1, "some": 1, "many": 1})
        elif noun.lemma in lexicon.MASS.split():
            form = r.among({"the": 5, "": 3, "that": 1, "some": 1})
        else:
            form = r.among({"the": 6, "a": 4, "that": 1.5, "this": 1, "every": 0.5})
        return noun.before("det", Node(form, {"these": "this"}.get(form, form), "DET")) if form else noun

    def noun(self, kind, rich=0.3, plural=None):
        """A common noun with its determiner and adjectives; self.plural says afterwards what it was."""
        r, lemma = self.random, self.word(lexicon.NOUNS[kind])
        if plural is None:
            plural = kind not in ("time", "event") and r.chance(0.25)
        plural = plural and lemma not in lexicon.MASS.split()
        self.plural = plural
        noun = Node(lexicon.PLURALS.get(lemma) or add_suffix(lemma, "s") if plural else lemma, lemma, "NOUN", "N")
        self.determiner(noun, plural, kind)
        if kind != "time" and r.chance(rich):
            adjective = self.word(lexicon.ADJECTIVES)
            noun.before("amod", Node(adjective, adjective, "ADJ"))
            if r.chance(0.12):
                degree = self.word(lexicon.DEGREES)
                noun.left[-1].before("advmod", Node(degree, degree, "ADV"))
        first = noun.left[0] if noun.left else noun
        if first.form == "a":
            following = noun if len(noun.left) == 1 else next(noun.left[1].words())[0]
            first.form = "an" if following.form[0] in VOWELS else "a"
        return noun

    def person(self, subject=False, heavy=0.0):
        """A person as subject or object: pronoun, name or noun, some with a relative clause."""
        r = self.random
        shape = r.among({"pronoun": 3, "name": 2, "noun": 5})
        self.plural = False
        if shape == "pronoun":
            lemma = r.among({"he": 3, "she": 3, "they": 2, "we": 1})
            self.plural = lemma in ("they", "we")
            form = lemma if subject else {"he": "him", "she": "her", "they": "them", "we": "us"}[lemma]
            return Node(form, lemma, "PRON")
        if shape == "name":
            return self.name(lexicon.NAMES)
        noun = self.noun("person")
        if r.chance(heavy):
            plural = self.plural
            noun.after("acl:relcl", self.relative(plural))
            self.plural = plural
        return noun

    def relative(self, plural):
        r = self.random
        form = r.among({"who": 1, "that": 2})
        pronoun = Node(form, form, "PRON")
        if r.chance(0.6):
            verb = self.verb("see", r.among({"past": 3, "base" if plural else "s": 1}))
            return verb.before("nsubj", pronoun).after("obj", self.noun(r.among({"animal": 1, "thing": 1}), 0.1))
        subject = self.person(subject=True)
        return self.verb("see", "past").before("obj", pronoun).before("nsubj", subject)

    # --- adjuncts ---
    def place(self):
        form = self.random.among({"in": 4, "by": 3, "at": 2, "on": 1})
        return self.prepositional(self.adposition(form, "p.Locus"), self.noun("place", 0.15))

    def time(self):
        r = self.random
        shape = r.among({"day": 2, "time": 4, "event": 3})
        if shape == "day":
            day = self.name(lexicon.DAYS)
            form = "in" if day.form in ("May", "March", "June") else r.among({"on": 5, "by": 1})
        else:
            day = self.noun(shape, 0.1)
            form = r.among({"in": 5, "by": 2, "at": 1} if shape == "time" else {"after": 3, "before": 2, "at": 1})
            if shape == "event" and form == "at":
                return self.prepositional(self.adposition(form, "p.Locus"), day)
        return self.prepositional(self.adposition(form, "p.Time"), day)

    def goal(self):
        return self.prepositional(self.adposition("to", "p.Goal"), self.town())

    def source(self):
        return self.prepositional(self.adposition("from", "p.Source"), self.town())

    def town(self):
        return self.name(lexicon.CITIES) if self.random.chance(0.2) else self.noun("place", 0.15)

    def company(self):
        return self.prepositional(self.adposition("with", "p.Ancillary"), self.person())

    def instrument(self):
        return self.prepositional(self.adposition("with", "p.Instrument"), self.noun("tool", 0.2, plural=False))

    # --- verb phrases: the subject is added by clause() ---
    def some_thing(self):
        return self.noun(self.random.among({"thing": 3, "food": 2, "tool": 1}))

    def motion(self, verb):
        r = self.random
        if r.chance(0.3):
            form = self.word(lexicon.DIRECTIONS)
            verb.after("advmod", Node(form, form, "ADV"))
        for part in r.among({("goal",): 4, ("source",): 2, ("company", "goal"): 1, ("place",): 2,
                             ("source", "goal"): 1, ("company",): 1}):
            verb.after("obl", getattr(self, part)())

    def act(self, verb):
        verb.after("obj", self.some_thing())
        self.adjunct(verb, {"instrument": 4, "company": 1, "place": 2, "": 3})

    def eat(self, verb):
        verb.after("obj", self.noun("food"))
        self.adjunct(verb, {"instrument": 1, "company": 2, "place": 2, "": 3})

    def put(self, verb):
        """The place of putting is a goal by role and a place by function."""
        verb.after("obj", self.some_thing())
        form = self.random.among({"in": 3, "on": 3, "by": 1})
        noun = self.noun(self.random.among({"box": 3, "place": 2}), 0.15)
        verb.after("obl", self.prepositional(self.adposition(form, "p.Goal", "p.Locus"), noun))

    def give(self, verb):
        if self.random.chance(0.45):
            verb.after("iobj", self.person()).after("obj", self.some_thing())
        else:
            person = self.prepositional(self.adposition("to", "p.Recipient", "p.Goal"), self.person())
            verb.after("obj", self.some_thing()).after("obl", person)

    def get(self, verb):
        verb.after("obj", self.some_thing())
        if self.random.chance(0.55):
            adposition = self.adposition("from", "p.Originator", "p.Source")
            verb.after("obl", self.prepositional(adposition, self.person()))
        else:
            self.adjunct(verb, {"source": 3, "": 1})

    def see(self, verb):
        """With verbs of seeing, a phrase after the object describes the object."""
        r = self.random
        noun = r.among({"noun": 6, "person": 2, "that": 0.7})
        if noun == "person":
            verb.after("obj", self.person(heavy=0.3))
        elif noun == "that":
            form = r.among({"that": 2, "this": 1})
            verb.after("obj", Node(form, form, "PRON"))
        else:
            kind = r.among({"person": 3, "animal": 2, "thing": 2})
            verb.after("obj", self.noun(kind))
            part = r.among({"place": 3, "source": 2, "with": 4 if kind == "person" else 0, "": 1})
            if part == "with":
                thing = self.noun(r.among({"tool": 2, "thing": 2, "animal": 1}), 0.2)
                verb.right[-1].after("nmod", self.prepositional(self.adposition("with", "p.Ancillary"), thing))
            elif part:
                verb.right[-1].after("nmod", getattr(self, part)())

    def say(self, verb):
        inner = self.clause(depth=1)
        if self.random.chance(0.7):
            inner.left.insert(0, Node("that", "that", "SCONJ"))
            inner.left[0].rel = "mark"
        verb.after("ccomp", inner)

    def want(self, verb):
        kind = self.random.among({"motion": 3, "act": 3, "see": 2, "give": 1, "eat": 2, "rest": 1})
        inner = self.verb(kind, "base").before("mark", Node("to", "to", "PART", "INF"))
        getattr(self, kind)(inner)
        verb.after("xcomp", inner)

    def rest(self, verb):
        if self.random.chance(0.4):
            verb.after("advmod", self.adverb())
        self.adjunct(verb, {"place": 4, "company": 2, "": 1})

    def adjunct(self, verb, weights):
        part = self.random.among(weights)
        if part:
            verb.after("obl", getattr(self, part)())

    # --- clauses ---
    def tense(self, head, plural, passive=False):
        """Draws tense; adds auxiliaries to HEAD, a function from a verb form to its node."""
        r = self.random
        be_past, be = ("were", "are") if plural else ("was", "is")
        have = r.among({"had": 2, "have" if plural else "has": 1})
        modal = r.among({"will": 3, "can": 2, "may": 2, "must": 1})
        if passive:
            chain = r.among({(be_past,): 4, (be,): 1, (modal, "be"): 1, (have, "been"): 1})
            form = "part"
        else:
            chain, form = r.among({((), "past"): 6, ((), "base" if plural else "s"): 4, ((modal,), "base"): 2,
                                   ((be_past,), "ing"): 1.5, ((have,), "part"): 1.5, (("did", "not"), "base"): 1})
        verb = head(form)
        lemma = {"were": "be", "are": "be", "was": "be", "is": "be", "been": "be", "had": "have", "has": "have",
                 "did": "do"}
        for i, form in enumerate(chain):
            if form == "not":
                verb.before("advmod", Node("not", "not", "PART", "ADV"))
            else:
                last = passive and i == len(chain) - 1
                verb.before("aux:pass" if last else "aux", Node(form, lemma.get(form, form), "AUX"))
        return verb

    def clause(self, depth=0):
        r = self.random
        kinds = {"motion": 4, "act": 4, "put": 3, "give": 3, "get": 3, "see": 6, "rest": 2, "eat": 2, "passive": 3,
                 "copula": 2}
        if depth == 0:
            kinds.update({"say": 3, "want": 3})
        kind = r.among(kinds)
        if kind == "passive":
            return self.passive()
        if kind == "copula":
            return self.copula()
        subject = self.person(subject=True, heavy=0.15)
        verb = self.tense(lambda form: self.verb(kind, form), self.plural)
        verb.left.insert(0, subject)
        subject.rel = "nsubj"
        if r.chance(0.08):
            verb.before("advmod", self.adverb())
        getattr(self, kind)(verb)
        if depth == 0:
            self.circumstance(verb, in_front=1.0 if kind == "say" else 0.35)
        return verb

    def passive(self):
        """"by" names the agent or the place; with verbs of putting the place is a goal."""
        r = self.random
        kind = r.among({"act": 3, "put": 2, "eat": 1})
        subject = self.noun("food") if kind == "eat" else self.some_thing()
        verb = self.tense(lambda form: self.verb(kind, form), self.plural, passive=True)
        verb.left.insert(0, subject)
        subject.rel = "nsubj:pass"
        part = r.among({"by": 4, "place": 3, "instrument": 0 if kind == "put" else 2})
        if part == "by":
            verb.after("obl", self.prepositional(self.adposition("by", "p.Agent"), self.person()))
        elif part == "place" and kind == "put":
            noun = self.noun(r.among({"box": 3, "place": 2}), 0.15)
            adposition = self.adposition(r.among({"in": 3, "on": 3, "by": 1}), "p.Goal", "p.Locus")
            verb.after("obl", self.prepositional(adposition, noun))
        else:
            verb.after("obl", getattr(self, part)())
        return verb

    def copula(self):
        r = self.random
        subject = Node("that", "that", "PRON") if r.chance(0.15) else self.person(subject=True)
        plural = subject.form != "that" and self.plural
        if plural or r.chance(0.6):
            form = self.word(lexicon.ADJECTIVES)
            head = Node(form, form, "ADJ")
            be = Node(r.among({"were": 1, "are": 1} if plural else {"was": 1, "is": 1}), "be", "AUX")
        else:
            head = self.noun("person", plural=False)
            be = Node(r.among({"was": 1, "is": 1}), "be", "AUX")
        head.left[:0] = [subject, be]
        subject.rel, be.rel = "nsubj", "cop"
        if head.upos == "ADJ" and r.chance(0.7):
            head.after("obl", getattr(self, r.among({"place": 1, "time": 1}))())
        return head

    def circumstance(self, verb, in_front):
        """A time or an adverbial clause, at the end or in front (a clause of speech ends with what is said)."""
        r = self.random
        shape = r.among({"": 6, "time": 3, "clause": 2})
        if shape == "time":
            rel, node = "obl", self.time()
        elif shape == "clause":
            rel, node = "advcl", self.clause(depth=1)
            form = r.among({"before": 2, "after": 2, "when": 2, "because": 2})
            sense = ("p.Time", "p.Time") if form in ("before", "after") else None
            node.left.insert(0, Node(form, form, "SCONJ", "P" if sense else None, sense))
            node.left[0].rel = "mark"
        else:
            return
        node.rel = rel
        if r.chance(in_front):
            comma = Node(",", ",", "PUNCT")
            comma.rel = "punct"
            verb.left[:0] = [node, comma]
        else:
            verb.right.append(node)

    def sentence(self):
        """A sentence of 5 to 14 words as a list of (node, head)."""
        while True:
            words = list(self.clause().after("punct", Node(".", ".", "PUNCT")).words())
            if 5 <= len(words) <= 14:
                words[0][0].form = capital(words[0][0].form)
                return words
