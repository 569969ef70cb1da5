#!/usr/bin/env python3
"""README's Python lines run as they stand, and the datasets and columns it documents are those of a real file.

Usage: test_readme.py PROGRAM
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import h5py
except ImportError:
    print("h5py is not installed: skipped")
    sys.exit(77)

program = str(Path(sys.argv[1]).resolve())
root = Path(__file__).resolve().parent.parent

# The smallest sweep: random weights, sentences of its own, two updates.
GRID = """
name: demo
models: [{name: M, config: {layers: 1, hidden: 8, heads: 2}, vocab: vocab.txt}]
tasks: [{name: T, reader: tsv-words, train: train.tsv, test: test.tsv}]
finetune: {batch: 4, updates: 2}
probes:
  directprobe: {}
  classifier: {hidden: [[4]], l2: 1e-5, folds: 2, initialisations: 2, epochs: 5}
  control: {hidden: [4], initialisations: 2, epochs: 5}
  mdl: {hidden: [4], epochs: 5}
  memorisation: {hidden: [4], initialisations: 2, epochs: 5}
"""
TRAIN = ["red\tgood", "green\tbad", "", "blue\tgood", "", "green\tbad", "red\tgood", "", "blue\tgood", "green\tbad"]
TEST = ["blue\tgood", "green\tbad", "", "red\tgood", "green\tbad"]
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "red", "green", "blue"]


def sweep(folder):
    for name, lines in (("demo.yaml", [GRID]), ("train.tsv", TRAIN), ("test.tsv", TEST), ("vocab.txt", VOCAB)):
        (folder / name).write_text("\n".join(lines) + "\n")
    subprocess.run([program, "run", "-q", "demo.yaml"], cwd=folder, check=True)


def run_blocks(folder):
    """The Python blocks, one after the other, in the folder that holds results/demo.h5."""
    blocks = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.S)
    assert blocks, "README has no Python block"
    try:
        import pandas  # noqa: F401
    except ImportError:
        print("pandas is not installed: the line of h5py alone")
        blocks = [re.sub(r", pandas|^.*pandas\..*$", "", blocks[0], flags=re.M)]
    names = {}
    os.chdir(folder)
    for block in blocks:
        exec(block, names)  # noqa: S102
    file = names["file"]
    assert len(file["units"]) == 4, "two layers, first and last step"
    if "units" in names:
        assert list(names["units"].columns) == list(file["units"].dtype.names)
        assert names["distances"].shape == (2, 2)
    return file


def documented(text, heading):
    """The first column of the tables under HEADING, up to the next heading of its level."""
    level = heading.split(" ")[0]
    part = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^{level} |\Z)", text, re.S | re.M)
    assert part, f"no heading {heading!r}"
    return re.findall(r"^\| `([^`]+)` \|", part.group(1), re.M)


def compare(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    generic = sorted(name.replace("results/M/T/", "results/MODEL/TASK/") for name in found)
    readme = documented((root / "README.md").read_text(), "## The result file")
    assert sorted(readme) == generic, f"README and file differ in {set(readme) ^ set(generic)}"
    columns = (root / "results" / "README.md").read_text()
    headings = re.findall(r"^## .*$", columns, re.M)
    for name in found:
        if not file[name].dtype.names:
            continue
        heading = next((h for h in headings if f"`{name.replace('/M/T/', '/MODEL/TASK/')}`" in h), None)
        assert heading, f"results/README.md has no heading for the table {name}"
        expected = documented(columns, heading)
        assert expected == list(file[name].dtype.names), f"{name}: documented {expected}"


def run_notebook(folder):
    """experiments/notebook.py finds the two steps of the run."""
    command = [sys.executable, str(root / "experiments" / "notebook.py"), "results/demo.h5", "M", "T"]
    lines = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["step", "0", "2"], lines


with tempfile.TemporaryDirectory(prefix="fineprobe-test-") as place:
    sweep(Path(place))
    opened = run_blocks(Path(place))
    compare(opened)
    opened.close()
    run_notebook(Path(place))
    os.chdir(root)
print("README's Python runs, and its tables are those of a result file")
