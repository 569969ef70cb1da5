#!/usr/bin/env python3
"""The classifier against scikit-learn's MLPClassifier.

test_classifier.py PROGRAM                  losses from scikit-learn's own weights and order, made-up data
test_classifier.py PROGRAM VECTORS [LAYER]  losses, and the accuracy of ten initialisations, on a file of `fineprobe embed`
test_classifier.py PROGRAM synthetic        the same on 4,000 x 768 made-up vectors with 17 labels
"""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
try:
    import numpy
    from sklearn.neural_network import MLPClassifier
    from sklearn.neural_network import _multilayer_perceptron as internals
except ImportError:
    if Path(sys.executable).resolve() != Path("/usr/bin/python3").resolve() and os.access("/usr/bin/python3", os.X_OK):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", *sys.argv])  # Debian's, which .ci/install gives scikit-learn
    print("scikit-learn (Debian: python3-sklearn) is not installed: skipped")
    sys.exit(77)

warnings.filterwarnings("ignore")
CHECK = Path(sys.argv[1]).resolve().parent / "tests" / "check_classifier"
EPOCHS, NETWORKS = 5, 10


def write_tensors(path, tensors):
    header, blob, types = {}, b"", {"float32": "F32", "float64": "F64", "int64": "I64"}
    for name, array in tensors.items():
        array = numpy.ascontiguousarray(array)
        header[name] = {"dtype": types[array.dtype.name], "shape": list(array.shape),
                        "data_offsets": [len(blob), len(blob) + array.nbytes]}
        blob += array.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def read_tensors(path):
    raw = Path(path).read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    out, types = {}, {"F32": "<f4", "F64": "<f8", "I64": "<i8"}
    for name, entry in json.loads(raw[8:8 + size]).items():
        if name != "__metadata__":
            first, end = entry["data_offsets"]
            out[name] = numpy.frombuffer(raw[8 + size + first:8 + size + end], types[entry["dtype"]]).reshape(entry["shape"])
    return out


def check(folder, tensors):
    path = Path(folder) / "problem.safetensors"
    write_tensors(path, tensors)
    return subprocess.run([CHECK, path], check=True, capture_output=True, text=True).stdout.split()


def problem(points, labels, hidden, l2):
    return {"points": points.astype(numpy.float32), "labels": labels.astype(numpy.int64),
            "hidden": numpy.array(hidden, numpy.int64), "l2": numpy.array(float(l2))}


def losses(folder, points, labels, hidden, l2, dtype=numpy.float32):
    """The largest difference of the first epochs' losses when both begin alike."""
    starts, orders = [], []
    initial, shuffle = internals.BaseMultilayerPerceptron._init_coef, internals.shuffle

    def note_start(self, fan_in, fan_out, kind):
        weights, biases = initial(self, fan_in, fan_out, kind)
        starts.append((weights.copy(), biases.copy()))
        return weights, biases

    def note_order(index, random_state):
        index = shuffle(index, random_state=random_state)
        orders.append(index.copy())
        return index

    internals.BaseMultilayerPerceptron._init_coef, internals.shuffle = note_start, note_order
    try:
        model = MLPClassifier(hidden, alpha=l2, max_iter=EPOCHS, random_state=3).fit(points.astype(dtype), labels)
    finally:
        internals.BaseMultilayerPerceptron._init_coef, internals.shuffle = initial, shuffle
    tensors = problem(points, labels, hidden, l2)
    tensors["order"] = numpy.stack(orders).astype(numpy.int64)
    for i, (weights, biases) in enumerate(starts):
        tensors[f"weights.{i}"], tensors[f"biases.{i}"] = weights.T.astype(numpy.float32), biases.astype(numpy.float32)
    ours = [float(x) for x in check(folder, tensors)]
    return max(abs(a - b) for a, b in zip(ours, model.loss_curve_)), len(ours)


def made_up(n, width, n_labels, spread, seed):
    random = numpy.random.default_rng(seed)
    labels = random.integers(0, n_labels, n)
    labels[:n_labels] = numpy.arange(n_labels)
    centres = spread * random.standard_normal((n_labels, width))
    return (centres[labels] + random.standard_normal((n, width))).astype(numpy.float32), labels


def compare_losses(folder):
    failed = 0
    for n, width, n_labels, hidden, l2 in ((1000, 32, 17, (64, 32), 1e-5), (999, 32, 5, (32,), 1e-1),
                                           (450, 16, 4, (), 1e-3), (500, 24, 2, (32, 32), 1.0),
                                           (150, 8, 3, (256, 128), 1e-7), (300, 8, 1, (16,), 1e-2)):
        points, labels = made_up(n, width, n_labels, 0.5, n)
        difference, epochs = losses(folder, points, labels, hidden, l2)
        good = epochs == EPOCHS and difference < 1e-4
        failed += not good
        print(f"{n} x {width}, {n_labels} labels, hidden {hidden}, L2 {l2:g}: losses of {epochs} epochs differ by at most "
              f"{difference:.1e}{'' if good else '  TOO MUCH'}")
    return failed


def compare_accuracies(folder, name, train, test, hidden, l2, dtype=numpy.float32):
    difference, _ = losses(folder, *train, hidden, l2)
    tensors = problem(*train, hidden, l2)
    tensors["test.points"], tensors["test.labels"] = test[0].astype(numpy.float32), test[1].astype(numpy.int64)
    tensors["networks"] = numpy.array([NETWORKS], numpy.int64)
    ours = numpy.array([float(x.split("/")[0]) for x in check(folder, tensors)])
    theirs = numpy.array([
        MLPClassifier(hidden, alpha=l2, max_iter=1000, random_state=i).fit(train[0].astype(dtype), train[1])
        .score(test[0].astype(dtype), test[1]) for i in range(NETWORKS)])
    error = math.sqrt((ours.var(ddof=1) + theirs.var(ddof=1)) / NETWORKS)
    apart = abs(ours.mean() - theirs.mean()) / error if error else 0.0 if ours.mean() == theirs.mean() else math.inf
    good = difference < 1e-4 and apart <= 2
    print(f"{name}, hidden {hidden}, L2 {l2:g}: losses differ by {difference:.1e}; test accuracy of {NETWORKS} initialisations "
          f"{ours.mean():.4f} +- {ours.std(ddof=1):.4f}, scikit-learn {theirs.mean():.4f} +- {theirs.std(ddof=1):.4f}: "
          f"{apart:.2f} standard errors apart{'' if good else '  TOO MUCH'}", flush=True)
    return not good


def main():
    with tempfile.TemporaryDirectory() as folder:
        if len(sys.argv) < 3:
            return compare_losses(folder) > 0
        if sys.argv[2] == "synthetic":
            points, labels = made_up(5000, 768, 17, 0.06, 1)
            train, test, name = (points[:4000], labels[:4000]), (points[4000:], labels[4000:]), "synthetic 4000 x 768"
        else:
            tensors = read_tensors(sys.argv[2])
            layer = sys.argv[3] if len(sys.argv) > 3 else max(k.split(".")[1] for k in tensors if k.startswith("layer"))
            train, test = [(tensors[f"layer.{layer}.{s}"], tensors[f"labels.{s}"]) for s in ("train", "test")]
            name = f"{sys.argv[2]} layer {layer}"
        return sum(compare_accuracies(folder, name, train, test, hidden, l2)
                   for hidden, l2 in (((64, 32), 1e-5), ((32,), 1e-1), ((), 1e-3))) > 0


sys.exit(main())
