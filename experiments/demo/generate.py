#!/usr/bin/env python3
"""Makes the demo's data set: the same bytes every time, with any Python from 3.9 on.

    generate.py                   write all files beside this script
    generate.py -o DIR            write them into DIR
    generate.py --stats           print a table of what the files here hold
    generate.py --text FILE -n N  write N sentences of unlabelled text alone, none of them in the test sets
"""
import argparse
import collections
import os
import string
import sys

import lexicon
from grammar import Grammar
from questions import Questions

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 20
SENTENCES = {"train": 300, "test": 100}
QUESTIONS = {"train": 240, "test": 80}
TEXT, QUESTION_SHARE = 4000, 0.2
VOCABULARY = 520
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
PUNCTUATION = list("!\"'(),-.:;?")
LEXCATS = {"NOUN": "N", "VERB": "V", "PROPN": "N"}


# --- drawing ---
def draw(make, count, seen):
    """COUNT sentences that are not in SEEN, which they join; a sentence is known by its words."""
    drawn = []
    while len(drawn) < count:
        item, words = make()
        key = " ".join(words).lower()
        if key not in seen:
            seen.add(key)
            drawn.append((item, words))
    return drawn


def sentences(grammar):
    def make():
        words = grammar.sentence()
        return words, [node.form for node, _ in words]
    return make


def text_lines(count, seed, seen):
    grammar, questions = Grammar(seed), Questions(seed + 1)
    statement = sentences(grammar)

    def make():
        return questions.question() if grammar.random.chance(QUESTION_SHARE) else statement()
    return [" ".join(words) for _, words in draw(make, count, seen)]


# --- formats ---
def conllulex(words, name):
    """A sentence in CoNLL-U-Lex: the ten columns of CoNLL-U and nine of lexical semantics."""
    ids = {id(node): str(i) for i, (node, _) in enumerate(words, 1)}
    lines = ["# sent_id = " + name, "# text = " + " ".join(node.form for node, _ in words)]
    for node, head in words:
        lexcat = LEXCATS.get(node.lexcat, node.lexcat)
        role, function = node.sense or ("_", "_")
        sense = "" if role == "_" else "-" + (role if role == function else role + "|" + function)
        lines.append("\t".join([ids[id(node)], node.form, node.lemma, node.upos, "_", "_",
                                ids[id(head)] if head else "0", node.rel if head else "root", "_", "_",
                                "_", lexcat, node.lemma, role, function, "_", "_", "_", "O-" + lexcat + sense]))
    return "\n".join(lines) + "\n\n"


def vocabulary(text):
    """Letters, so that everything can be written; endings; the text's most frequent words up to the wanted size."""
    letters = string.ascii_lowercase + string.digits
    entries = SPECIAL + PUNCTUATION + list(letters) + ["##" + c for c in letters]
    entries += ["##" + piece for piece in lexicon.SUFFIXES.split() if len(piece) > 1]
    counts = collections.Counter(" ".join(text).lower().split())
    known = set(entries)
    words = sorted((w for w in counts if w not in known), key=lambda w: (-counts[w], w))
    return entries + words[:VOCABULARY - len(entries)]


def generate():
    """All files as a dict of name: contents."""
    seen, files = set(), {}
    for i, (split, count) in enumerate(SENTENCES.items()):
        drawn = draw(sentences(Grammar(SEED + i, test=split == "test")), count, seen)
        files[split + ".conllulex"] = "".join(
            conllulex(words, "%s-%d" % (split, n)) for n, (words, _) in enumerate(drawn, 1))
    for i, (split, count) in enumerate(QUESTIONS.items()):
        drawn = draw(Questions(SEED + 10 + i, test=split == "test").question, count, seen)
        files["questions.%s.txt" % split] = "".join(label + " " + " ".join(words) + "\n" for label, words in drawn)
    text = text_lines(TEXT, SEED + 20, seen)
    files["text.txt"] = "\n".join(text) + "\n"
    files["vocab.txt"] = "\n".join(vocabulary(text)) + "\n"
    return files


# --- statistics ---
def read(folder, name):
    with open(os.path.join(folder, name), encoding="utf-8") as f:
        return f.read()


def tokens(folder, split):
    """The rows of a split, sentence by sentence."""
    for block in read(folder, split + ".conllulex").strip().split("\n\n"):
        yield [line.split("\t") for line in block.split("\n") if not line.startswith("#")]


def instances(folder, split):
    """Of each task: (the word that a reader without context would go by, label) pairs."""
    tasks = {"POS": [], "DEP": [], "PS-role": [], "PS-fxn": [], "questions": []}
    for rows in tokens(folder, split):
        for row in rows:
            word = row[1].lower()
            tasks["POS"].append((word, row[3]))
            if row[6] != "0":
                tasks["DEP"].append((word, row[7]))
            if row[11] == "P":
                tasks["PS-role"].append((word, row[13]))
                tasks["PS-fxn"].append((word, row[14]))
    for line in read(folder, "questions.%s.txt" % split).splitlines():
        label, word = line.split(" ")[:2]
        tasks["questions"].append((word.lower(), label))
    return tasks


def by_word_alone(train, test):
    """Share of TEST that the word's commonest label in TRAIN gets right."""
    overall = collections.Counter(label for _, label in train)
    of_word = collections.defaultdict(collections.Counter)
    for word, label in train:
        of_word[word][label] += 1
    right = sum((of_word.get(word) or overall).most_common(1)[0][0] == label for word, label in test)
    return right / len(test)


def several_labels(pairs):
    labels = collections.defaultdict(set)
    for word, label in pairs:
        labels[word].add(label)
    return sum(len(s) > 1 for s in labels.values()) / len(labels)


def pieces(word, vocab):
    """Greedy longest match from the left."""
    found = []
    while word:
        prefix = "##" if found else ""
        end = next(e for e in range(len(word), 0, -1) if prefix + word[:e] in vocab)
        found.append(prefix + word[:end])
        word = word[end:]
    return found


def stats(folder):
    vocab = set(read(folder, "vocab.txt").split("\n"))
    print("| part | sentences | words | word types | words in several pieces | pieces a word |")
    print("|---|---|---|---|---|---|")
    parts = {split: [row[1].lower() for rows in tokens(folder, split) for row in rows] for split in SENTENCES}
    sizes = {split: sum(1 for _ in tokens(folder, split)) for split in SENTENCES}
    for name in ["questions.train", "questions.test", "text"]:
        lines = read(folder, name + ".txt").lower().splitlines()
        sizes[name] = len(lines)
        parts[name] = [w for line in lines for w in line.split(" ")[name != "text":]]
    for name, words in parts.items():
        counts = [len(pieces(w, vocab)) for w in words]
        print("| %s | %d | %d | %d | %.1f %% | %.2f |" % (
            name, sizes[name], len(words), len(set(words)), 100 * sum(c > 1 for c in counts) / len(counts),
            sum(counts) / len(counts)))
    new = set(parts["test"]) - set(parts["train"])
    print("\nVocabulary: %d entries. Of the test words %.1f %% are not in train; %.1f %% of train's word types have "
          "several UPOS.\n" % (len(vocab) - 1, 100 * sum(w in new for w in parts["test"]) / len(parts["test"]),
                               100 * several_labels(instances(folder, "train")["POS"])))
    print("| task | train | test | labels | majority in test | by the word alone | words with several labels |")
    print("|---|---|---|---|---|---|---|")
    train, test = instances(folder, "train"), instances(folder, "test")
    for task in train:
        majority = collections.Counter(label for _, label in train[task]).most_common(1)[0][0]
        print("| %s | %d | %d | %d | %.1f %% (%s) | %.1f %% | %.1f %% |" % (
            task, len(train[task]), len(test[task]), len({label for _, label in train[task] + test[task]}),
            100 * sum(label == majority for _, label in test[task]) / len(test[task]), majority,
            100 * by_word_alone(train[task], test[task]), 100 * several_labels(train[task])))


def write(path, contents):
    with open(path, "w", encoding="utf-8", newline="\n") as f:
        f.write(contents)


def main():
    parser = argparse.ArgumentParser(description="Makes the demo's data set.")
    parser.add_argument("-o", "--output", default=HERE, metavar="DIR", help="where the files go or, for --stats, are")
    parser.add_argument("--stats", action="store_true", help="print a table of what the files hold")
    parser.add_argument("--text", metavar="FILE", help="write unlabelled text alone into FILE")
    parser.add_argument("-n", type=int, default=TEXT, metavar="N", help="sentences of --text (%(default)s)")
    parser.add_argument("--seed", type=int, default=SEED + 30, help="seed of --text (%(default)s)")
    options = parser.parse_args()
    if options.stats:
        stats(options.output)
    elif options.text:
        held_out = {" ".join(row[1] for row in rows).lower() for rows in tokens(options.output, "test")}
        held_out.update(line.split(" ", 1)[1].lower()
                        for line in read(options.output, "questions.test.txt").splitlines())
        write(options.text, "\n".join(text_lines(options.n, options.seed, held_out)) + "\n")
    else:
        os.makedirs(options.output, exist_ok=True)
        for name, contents in generate().items():
            write(os.path.join(options.output, name), contents)


if __name__ == "__main__":
    sys.exit(main())
