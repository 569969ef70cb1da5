#!/usr/bin/env python3
"""Whole sweeps of one grid: any number of ranks and any interruption give the same bits; h5py reads the file in one line.

Usage: test_sweep.py PROGRAM [GRID]   (default grid: experiments/demo.yaml; FINEPROBE_TEST_GRID names another)
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import h5py
    import numpy
except ImportError:
    print("h5py is not installed: skipped")
    sys.exit(77)

program = sys.argv[1]
root = Path(__file__).resolve().parent.parent
default = os.environ.get("FINEPROBE_TEST_GRID", "experiments/demo.yaml")
grid = sys.argv[2] if len(sys.argv) > 2 else str(root / default)
HISTORY = ("provenance", "unit_provenance", "checkpoint_provenance", "progress")  # how it came about, not what


def command(ranks, output):
    launch = ["mpirun", "--oversubscribe", "-n", str(ranks)] if ranks else []
    return launch + [program, "run", "-o", str(output), grid]


def environment():
    return dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                OMPI_MCA_btl_vader_single_copy_mechanism="none")


def run(ranks, output):
    done = subprocess.run(command(ranks, output), env=environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{ranks} ranks: exit code {done.returncode}\n{done.stdout}{done.stderr}"


def datasets(path):
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset) and name not in HISTORY:
            found[name] = item[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found


def same_bits(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def compare(expected, path, what):
    got = datasets(path)
    assert expected.keys() == got.keys(), f"{what}: other datasets"
    for name, value in expected.items():
        assert same_bits(numpy.asarray(value), numpy.asarray(got[name])), f"{what}: {name} differs"
    print(f"{what}: {len(expected)} datasets, the same bits")


def interrupted(output, ranks, wait, sign):
    """Sends SIGN to the whole process group after WAIT seconds; the exit code."""
    process = subprocess.Popen(command(ranks, output), env=environment(), start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(wait)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, sign)
    return process.wait(60)


def check_contents(path):
    with h5py.File(path, "r") as file:
        units = file["units"][:]  # the one line of README
        assert (file["unit_status"][:] == 2).all()
        for name in ("model", "finetuned_on", "probed_on", "step", "layer", "train_clusters", "test_state"):
            assert name in units.dtype.names, name
        for unit in units:
            group = file[unit["results"].decode()]
            distances = group["label_distances"][unit["row"], 0]
            assert distances.shape[0] == distances.shape[1] >= unit["train_labels_present"]
            assert unit["train_clusters"] >= unit["train_labels_present"]
            off = ~numpy.isnan(distances)
            assert numpy.array_equal(distances[off], distances.T[off])
            smallest = group["minimum_distances"][unit["row"], 0]
            assert numpy.nanmin(smallest) == unit["train_smallest_distance"]
        last = {}
        for row in file["checkpoints"][:]:
            if row["run"] >= 0:
                assert 0 <= row["test_accuracy"] <= 1
                last[row["run"]] = row
        tasks = {row["name"]: row for row in file["tasks"][:]}
        for row in last.values():
            print(f"  {row['model'].decode()} on {row['finetuned_on'].decode()}: accuracy {row['test_accuracy']:.3f}, "
                  f"majority {tasks[row['finetuned_on']]['majority_accuracy']:.3f}")


def main():
    folder = Path(tempfile.mkdtemp(prefix="fineprobe-test-"))
    try:
        started = time.time()
        run(2, folder / "two.h5")
        seconds = time.time() - started
        expected = datasets(folder / "two.h5")
        check_contents(folder / "two.h5")
        assert not (folder / "two.scratch").exists(), "scratch was not emptied"
        run(0, folder / "alone.h5")
        compare(expected, folder / "alone.h5", "without mpirun")
        run(1, folder / "one.h5") if seconds < 20 else None
        run(4, folder / "four.h5")
        compare(expected, folder / "four.h5", "four ranks")
        code = interrupted(folder / "killed.h5", 2, 0.4 * seconds, signal.SIGKILL)
        assert code != 0
        code = interrupted(folder / "killed.h5", 4, 0.3 * seconds, signal.SIGTERM)
        assert code != 0
        run(2, folder / "killed.h5")
        compare(expected, folder / "killed.h5", "killed, stopped, gone on with")
        run(2, folder / "killed.h5")
        compare(expected, folder / "killed.h5", "run again when all was done")
    finally:
        shutil.rmtree(folder)


main()
