#!/usr/bin/env python3
"""The published DirectProbe, written down plainly on SciPy's HiGHS: a benchmark partner.

usage: directprobe_highs.py CHECK_DIRECTPROBE [POINTS DIMENSIONS LABELS SEPARATION]...

Draws clouds, clusters them one merge and one linear programme at a time, writes points, partition and distances
to a safetensors file and runs CHECK_DIRECTPROBE on it: same partition wanted. Prints the times of both.
"""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import linprog, minimize


def meet(a, b):
    """Is there a point in both hulls?"""
    equal = np.vstack([np.hstack([a.T, -b.T]),
                       np.r_[np.ones(len(a)), np.zeros(len(b))],
                       np.r_[np.zeros(len(a)), np.ones(len(b))]])
    right = np.r_[np.zeros(a.shape[1]), 1, 1]
    return linprog(np.zeros(equal.shape[1]), A_eq=equal, b_eq=right, method="highs").status == 0


class Clusters:
    """Centroid linkage, a merge at a time."""

    def __init__(self, points, labels):
        self.points, self.labels = points, labels
        self.members = {i: [i] for i in range(len(points))}
        self.centroids = points.astype(float).copy()
        self.distances = ((self.centroids[:, None] - self.centroids[None]) ** 2).sum(-1)
        self.distances[labels[:, None] != labels[None]] = np.inf
        np.fill_diagonal(self.distances, np.inf)

    def closest(self):
        """The closest pair that was not refused, or None."""
        a, b = sorted(np.unravel_index(np.argmin(self.distances), self.distances.shape))
        return (a, b) if np.isfinite(self.distances[a, b]) else None

    def merge(self, a, b):
        self.members[a] = self.members[a] + self.members.pop(b)
        refused = np.isinf(self.distances[a]) | np.isinf(self.distances[b])
        self.centroids[a] = self.points[self.members[a]].mean(0)
        row = ((self.centroids - self.centroids[a]) ** 2).sum(-1)
        row[refused] = np.inf
        row[a] = np.inf
        self.distances[a], self.distances[:, a] = row, row
        self.distances[b], self.distances[:, b] = np.inf, np.inf

    def refuse(self, a, b):
        self.distances[a, b] = self.distances[b, a] = np.inf

    def allowed(self, a, b):
        union = self.points[self.members[a] + self.members[b]]
        return not any(self.labels[c] != self.labels[a] and meet(union, self.points[m])
                       for c, m in self.members.items())

    def overlap(self):
        """Do any two clusters of different labels meet? The largest are looked at first."""
        order = sorted(self.members.values(), key=len, reverse=True)
        return any(self.labels[x[0]] != self.labels[y[0]] and len(x) + len(y) > 2 and
                   meet(self.points[x], self.points[y]) for i, x in enumerate(order) for y in order[:i])


def replay(points, labels, merges):
    clusters = Clusters(points, labels)
    for a, b in merges:
        clusters.merge(a, b)
    return clusters


def cluster(points, labels):
    """As published: merges to the end without a look; the last state without an overlap, by bisection; from there
    on a look before every merge, and a union that meets a cluster of another label is refused for good."""
    clusters, merges = Clusters(points, labels), []
    while pair := clusters.closest():
        merges.append(pair)
        clusters.merge(*pair)
    good, bad = 0, len(merges) + 1
    middle = len(merges)  # the end first: labels that are apart as a whole need no more
    while bad - good > 1:
        if replay(points, labels, merges[:middle]).overlap():
            bad = middle
        else:
            good = middle
        middle = (good + bad) // 2
    clusters = replay(points, labels, merges[:good])
    while pair := clusters.closest():
        if clusters.allowed(*pair):
            clusters.merge(*pair)
        else:
            clusters.refuse(*pair)
    return list(clusters.members.values())


def hull_distance(a, b):
    """Twice the margin of the widest separating slab."""
    x = np.vstack([a, -b])
    signs = np.r_[np.ones(len(a)), -np.ones(len(b))]
    middle = a.mean(0) - b.mean(0)
    start = np.r_[middle / (middle @ middle) * 4, 0]
    slab = {"type": "ineq", "fun": lambda w: x @ w[:-1] + signs * w[-1] - 1,
            "jac": lambda w: np.hstack([x, signs[:, None]])}
    found = minimize(lambda w: w[:-1] @ w[:-1] / 2, start, jac=lambda w: np.r_[w[:-1], 0], constraints=[slab],
                     method="SLSQP", options={"maxiter": 1000, "ftol": 1e-15})
    return 2 / np.linalg.norm(found.x[:-1])


def write(path, tensors):
    header, offset, body = {}, 0, b""
    for name, array in tensors.items():
        kind = {"float32": "F32", "int64": "I64", "float64": "F64"}[str(array.dtype)]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
        body += array.tobytes()
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def compare(check, n, d, n_labels, separation):
    random = np.random.default_rng(0)
    labels = random.integers(0, n_labels, n)
    points = random.normal(size=(n, d)).astype(np.float32)
    points += (separation * random.normal(size=(n_labels, d)) / np.sqrt(2 * d))[labels].astype(np.float32)
    begin = time.perf_counter()
    found = sorted(cluster(points, labels), key=min)
    took = time.perf_counter() - begin
    clusters = np.empty(n, np.int64)
    for number, members in enumerate(found):
        clusters[members] = number
    distances = np.full((len(found), len(found)), np.nan)
    for i, a in enumerate(found):
        for j, b in enumerate(found[:i]):
            if labels[a[0]] != labels[b[0]]:
                distances[i, j] = distances[j, i] = hull_distance(points[a].astype(float), points[b].astype(float))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"{n}x{d}.safetensors")
        write(path, {"points": points, "labels": labels.astype(np.int64), "clusters": clusters,
                     "distances": distances})
        done = subprocess.run([check, path], check=False, capture_output=True, text=True)
    print(done.stdout + done.stderr, end="")
    seconds = re.search(r"([0-9.]+) s$", done.stdout.strip())
    if done.returncode or not seconds:
        sys.exit(f"{n} x {d}: not the same")
    print(f"{n} x {d}: {len(found)} clusters; HiGHS {took:.2f} s without distances, fineprobe {seconds[1]} s with them: "
          f"{took / max(float(seconds[1]), 5e-4):.0f} times as fast", flush=True)


if __name__ == "__main__":
    cases = [float(x) for x in sys.argv[2:]] or [600, 16, 6, 5, 800, 64, 10, 12]
    for at in range(0, len(cases), 4):
        compare(sys.argv[1], *(int(x) for x in cases[at:at + 3]), cases[at + 3])
