#!/usr/bin/env python3
"""The work of bench_classifier with scikit-learn: classifier_sklearn.py [THREADS]

Once with float32 vectors, which scikit-learn has kept as they are since 0.24, and once with float64, to which
scikit-learn 0.22 (the paper's) turned every input.
"""
import os
import sys
import time
import warnings

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = sys.argv[1] if len(sys.argv) > 1 else "1"
import numpy
import sklearn
from sklearn.neural_network import MLPClassifier

warnings.filterwarnings("ignore")
INSTANCES, LABELS, EPOCHS, REPEATS = 4000, 17, 20, 3

print("scikit-learn", sklearn.__version__, "numpy", numpy.__version__)
for width, hidden in ((768, (256, 128)), (128, (64, 32))):
    random = numpy.random.default_rng(1)
    labels = numpy.arange(INSTANCES) % LABELS
    centres = 0.15 * random.standard_normal((LABELS, width))
    points = random.standard_normal((INSTANCES, width)) + centres[labels]
    for dtype in (numpy.float32, numpy.float64):
        x = points.astype(dtype)
        best = float("inf")
        for _ in range(REPEATS):
            start = time.perf_counter()
            MLPClassifier(hidden, alpha=1e-5, max_iter=EPOCHS, n_iter_no_change=EPOCHS, random_state=1).fit(x, labels)
            best = min(best, time.perf_counter() - start)
        print(f"{width} x {hidden}, {LABELS} labels, {numpy.dtype(dtype).name}: "
              f"{best / EPOCHS / (INSTANCES // 200) * 1e6:.1f} us a batch")
