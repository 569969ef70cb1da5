#!/usr/bin/env python3
"""Certificates of a finished sweep: all hold; false ones, other vectors and missing checkpoints are told.

Usage: test_certificates.py PROGRAM
"""
import random
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

try:
    import h5py
except ImportError:
    print("h5py is not installed: skipped")
    sys.exit(77)

program = str(Path(sys.argv[1]).resolve())

GRID = """
name: small
models: [{name: M, folder: model}]
tasks: [{name: T, reader: tsv-words, train: train.tsv, test: test.tsv}]
finetune: {batch: 8, updates: 4}
checkpoints: {every: 2}
probes: {directprobe: {certificates: 40}}
output: {keep: last}
"""
WORDS = ["red", "green", "blue", "old", "new", "small", "go", "come", "see"]
ARRAYS = ("label_distances", "minimum_distances", "centroids", "cluster_of", "clusters", "certificates",
          "support_points", "support_weights")


def sentences(seed, n):
    draw = random.Random(seed)
    lines = []
    for _ in range(n):
        for _ in range(draw.randrange(3, 7)):
            word = draw.randrange(len(WORDS))
            label = "ABC"[word // 3] if draw.random() < 0.9 else draw.choice("ABC")
            lines.append(f"{WORDS[word]}\t{label}")
        lines.append("")
    return lines


def prepare(folder):
    """A model that lies in a folder: one that a sweep from random weights left behind."""
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS
    made = GRID.replace("folder: model", "config: {layers: 1, hidden: 8, heads: 2}, vocab: vocab.txt")
    for name, lines in (("grid.yaml", [GRID]), ("made.yaml", [made]), ("train.tsv", sentences(1, 60)),
                        ("test.tsv", sentences(2, 20)), ("vocab.txt", vocab)):
        (folder / name).write_text("\n".join(lines) + "\n")
    subprocess.run([program, "run", "-q", "-o", "made.h5", "made.yaml"], cwd=folder, check=True)
    shutil.copytree(next(folder.glob("made.checkpoints/M/T/seed-*/step-000004")), folder / "model")
    subprocess.run([program, "run", "-q", "-o", "small.h5", "grid.yaml"], cwd=folder, check=True)


def verify(folder, *options):
    done = subprocess.run([program, "verify", "--certificates=all", *options, "small.h5"], cwd=folder,
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def change(folder, unit, array, entry, value):
    """Changes an entry of the unit's array, and the CRC with it."""
    with h5py.File(folder / "small.h5", "r+") as file:
        row = file["units"][unit]
        group, at = file[row["results"].decode()], row["row"]
        numbers = group[array][at]
        numbers[entry] = value
        group[array][at] = numbers
        crc = zlib.crc32(row.tobytes()[:-4])
        for name in ARRAYS:
            crc = zlib.crc32(group[name][at].tobytes(), crc)
        row["crc"] = crc
        file["units"][unit] = row


def main(folder):
    prepare(folder)
    code, text = verify(folder)
    assert code == 0 and "certificates of 4 units checked (of 6 done, 4 with a checkpoint)" in text, text
    assert "step 2 is not kept: 2 units not checked" in text, text
    with h5py.File(folder / "small.h5") as file:
        units = file["units"][:]
        stored = sum(units[f"{split}_certificates"][[0, 1, 4, 5]].sum() for split in ("train", "test"))
        group = file[units[0]["results"].decode()]
        kinds = group["certificates"]["third"][0, 0][: units[0]["train_certificates"]]
        weight = group["support_weights"][0, 0, 0]
    assert f"{stored} of {stored} hold" in text and stored > 0, text
    assert (kinds < 0).any() and (kinds >= 0).any(), "no certificate of one kind"

    change(folder, 0, "support_weights", (0, 0), weight / 2)
    code, text = verify(folder)
    assert code == 1 and "unit 0: 1 of " in text and "weights that sum to" in text, text
    assert "as they were written" in text, "the CRC was to be right: " + text
    change(folder, 0, "support_weights", (0, 0), weight)
    assert verify(folder)[0] == 0

    shutil.copy(folder / "grid.yaml", folder / "elsewhere.yaml")
    (folder / "grid.yaml").unlink()
    code, text = verify(folder)
    assert code == 1 and "--grid" in text, text
    assert verify(folder, "--grid=elsewhere.yaml")[0] == 0

    kept = next(folder.glob("small.checkpoints/M/T/seed-*/step-000004")) / "model.safetensors"
    shutil.copy(folder / "model" / "model.safetensors", kept)  # the weights of another checkpoint
    code, text = verify(folder, "--grid=elsewhere.yaml")
    assert code == 1 and "unit 4: " in text and "unit 0: " not in text, text


with tempfile.TemporaryDirectory() as name:
    main(Path(name))
print("certificates hold, false ones are told")
