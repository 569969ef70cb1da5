#!/usr/bin/env python3
"""The published DirectProbe, written down plainly on SciPy's HiGHS: a benchmark partner.

usage: directprobe_highs.py CHECK_DIRECTPROBE [POINTS DIMENSIONS LABELS SEPARATION]...

Draws clouds, clusters them one merge and one linear programme at a time, writes points, partition and distances
to a safetensors file and runs CHECK_DIRECTPROBE on it: same partition wanted. Prints the times of both.
"""
import json
import os
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


def cluster(points, labels):
    """Centroid linkage; a union that meets a cluster of another label is refused for good."""
    clusters = {i: [i] for i in range(len(points))}
    centroids = points.astype(float).copy()
    distances = ((centroids[:, None] - centroids[None]) ** 2).sum(-1)
    distances[labels[:, None] != labels[None]] = np.inf
    np.fill_diagonal(distances, np.inf)
    while np.isfinite(distances).any():
        a, b = sorted(np.unravel_index(np.argmin(distances), distances.shape))
        union = clusters[a] + clusters[b]
        if any(labels[c] != labels[a] and meet(points[union], points[m]) for c, m in clusters.items()):
            distances[a, b] = distances[b, a] = np.inf
            continue
        clusters[a] = union
        del clusters[b]
        refused = np.isinf(distances[a]) | np.isinf(distances[b])
        centroids[a] = points[union].mean(0)
        row = ((centroids - centroids[a]) ** 2).sum(-1)
        row[refused] = np.inf
        row[a] = np.inf
        distances[a], distances[:, a] = row, row
        distances[b], distances[:, b] = np.inf, np.inf
    return list(clusters.values())


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
    print(f"{n} x {d}: {len(found)} clusters in {took:.2f} s without distances; checked against:", flush=True)
    distances = np.full((len(found), len(found)), np.nan)
    for i, a in enumerate(found):
        for j, b in enumerate(found[:i]):
            if labels[a[0]] != labels[b[0]]:
                distances[i, j] = distances[j, i] = hull_distance(points[a].astype(float), points[b].astype(float))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, f"{n}x{d}.safetensors")
        write(path, {"points": points, "labels": labels.astype(np.int64), "clusters": clusters,
                     "distances": distances})
        subprocess.run([check, path], check=False)


if __name__ == "__main__":
    cases = [float(x) for x in sys.argv[2:]] or [600, 16, 6, 5, 800, 64, 10, 12]
    for at in range(0, len(cases), 4):
        compare(sys.argv[1], *(int(x) for x in cases[at:at + 3]), cases[at + 3])
