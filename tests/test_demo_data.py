#!/usr/bin/env python3
"""The demo's data set: its generator writes what is committed, byte for byte, and the files are well-formed.

usage: test_demo_data.py FINEPROBE (the program, which this test does not need)
"""
import filecmp
import os
import subprocess
import sys
import tempfile

DEMO = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "experiments", "demo")
FILES = ["train.conllulex", "test.conllulex", "questions.train.txt", "questions.test.txt", "text.txt", "vocab.txt"]


def read(name):
    with open(os.path.join(DEMO, name), encoding="ascii", newline="\n") as f:
        return f.read()


def check_regenerated():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-B", os.path.join(DEMO, "generate.py"), "-o", folder], check=True)
        assert sorted(os.listdir(folder)) == sorted(FILES), os.listdir(folder)
        for name in FILES:
            assert filecmp.cmp(os.path.join(folder, name), os.path.join(DEMO, name), shallow=False), \
                name + " is not what generate.py writes"


def check_tree(rows, where):
    heads = [int(row[6]) for row in rows]
    assert heads.count(0) == 1, where + ": not one root"
    for i, (row, head) in enumerate(zip(rows, heads), 1):
        assert row[0] == str(i), where + ": ids do not count up"
        assert 0 <= head <= len(rows), where + ": head out of range"
        assert (row[7] == "root") == (head == 0), where + ": root relation"
        steps = 0
        while i:
            i, steps = heads[i - 1], steps + 1
            assert steps <= len(rows), where + ": a cycle"


def check_sentences(name):
    """Returns the sentences as lower-case text."""
    found = []
    for block in read(name).rstrip("\n").split("\n\n"):
        where = name + ": " + block.split("\n")[0]
        rows = [line.split("\t") for line in block.split("\n") if not line.startswith("#")]
        assert 5 <= len(rows) <= 14, where + ": length"
        for row in rows:
            assert len(row) == 19 and all(row), where + ": not 19 columns"
            preposition = row[11] in ("P", "PRON.POSS")
            assert preposition == row[13].startswith("p.") == row[14].startswith("p."), where + ": role and function"
            assert row[3] != "ADP" or row[11] == "P", where + ": an adposition without role"
        check_tree(rows, where)
        found.append(" ".join(row[1] for row in rows).lower())
    return found


def check_questions(name):
    found = []
    for line in read(name).splitlines():
        label, *words = line.split(" ")
        assert len(label.split(":")) == 2 and label.split(":")[0].isupper(), name + ": " + line
        assert 4 <= len(words) <= 14 and all(words) and words[-1] == "?", name + ": " + line
        found.append(" ".join(words).lower())
    return found


def check_vocabulary(sentences):
    """Every word can be written: at worst in letters."""
    entries = read("vocab.txt").rstrip("\n").split("\n")
    assert entries[:5] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    assert len(set(entries)) == len(entries) and 500 <= len(entries) <= 900, len(entries)
    known = set(entries)
    for sentence in sentences:
        for word in sentence.split(" "):
            assert word in known or (word[0] in known and all("##" + c in known for c in word[1:])), word


def main():
    check_regenerated()
    parts = [check_sentences("train.conllulex"), check_sentences("test.conllulex"),
             check_questions("questions.train.txt"), check_questions("questions.test.txt"),
             read("text.txt").lower().splitlines()]
    assert [len(part) for part in parts] == [300, 100, 240, 80, 4000], [len(part) for part in parts]
    everything = [sentence for part in parts for sentence in part]
    assert len(set(everything)) == len(everything), "a sentence occurs twice"
    check_vocabulary(everything)


if __name__ == "__main__":
    main()
