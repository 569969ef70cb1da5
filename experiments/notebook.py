#!/usr/bin/env python3
"""The numbers behind a report, in Python: one of its figures drawn again.

Minimum distance over updates of the labels that grow most and least, for one model fine-tuned on one task, from a result
file of fineprobe. Needs h5py; draws with matplotlib where it is installed, and prints the numbers in any case.

    experiments/notebook.py results/demo.h5 demo-2x32 POS
"""
import sys

import h5py
import numpy as np

DONE = 2  # unit_status


def text(column):
    return np.char.decode(column, "utf-8")


def minimum_distances(file, model, task, split=0):
    """Steps [n], labels [m], and minimum distances [n, m] of the top layer; the first seed, the training set (split 0)."""
    units = file["units"][:]
    runs = file["runs"][:]
    run = np.flatnonzero((text(runs["model"]) == model) & (text(runs["task"]) == task))
    if not len(run):
        raise SystemExit(f"no run of {model} on {task} in this file")
    wanted = (text(units["model"]) == model) & (text(units["probed_on"]) == task) & (file["unit_status"][:] == DONE)
    wanted &= (units["run"] == run[0]) | (units["run"] < 0)  # its own, and the original
    if not wanted.any():
        raise SystemExit(f"nothing is probed yet of {model} on {task}")
    wanted &= units["layer"] == units["layer"][wanted].max()
    units = np.sort(units[wanted], order="step")
    arrays = file[units["results"][0].decode()]["minimum_distances"]
    labels = file["labels"][:]
    labels = np.sort(labels[text(labels["task"]) == task], order="index")
    return units["step"], text(labels["label"]), np.array([arrays[row, split] for row in units["row"]])


def most_and_least(distances, number=3):
    """Indices of the labels that grow most, and of those that grow least, from the first step to the last."""
    growth = distances[-1] - distances[0]
    order = [i for i in np.argsort(-growth, kind="stable") if not np.isnan(growth[i])]
    number = min(number, len(order) // 2)
    return order[:number], order[len(order) - number:]


def main(path, model, task):
    with h5py.File(path, "r") as file:
        steps, labels, distances = minimum_distances(file, model, task)
    most, least = most_and_least(distances)
    print("step".rjust(8), *(labels[i].rjust(12) for i in most + least))
    for step, row in zip(steps, distances):
        print(str(step).rjust(8), *(f"{row[i]:12.4f}" for i in most + least))
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed: no picture")
        return
    matplotlib.use("Agg")
    from matplotlib import pyplot
    for i in most + least:
        pyplot.plot(steps, distances[:, i], "-o" if i in most else "--s", label=labels[i])
    pyplot.xlabel("updates")
    pyplot.ylabel("minimum distance")
    pyplot.title(f"{model}, {task}")
    pyplot.legend()
    pyplot.savefig("minimum-distances.png", dpi=150)
    print("minimum-distances.png")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
