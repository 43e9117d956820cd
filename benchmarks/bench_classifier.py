"""Prediction by label spreading against scikit-learn's: `OMP_NUM_THREADS=2 python benchmarks/bench_classifier.py`.

Fits on 20,000 made-up embeddings, graph included, at scikit-learn's defaults and at `alpha=0.99` run to convergence.
Both run in alternation, and the best of each is compared; with new documents predicted as well, and how many of the
unlabelled ones either finds. About three minutes on two cores, nearly all of it scikit-learn's.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from bars import Bars
from sklearn.exceptions import ConvergenceWarning
from sklearn.semi_supervised import LabelSpreading as TheirSpreading

from gloss_pyg.classifier import PropagationClassifier
from gloss_pyg.graph import KNNGaussian
from gloss_pyg.propagation import LabelSpreading

BARS = {"defaults": 1.5, "alpha=0.99 to convergence": 3.0}


def main() -> int:
    """Print both times and the ratio for each setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--labelled", type=float, default=0.1)
    parser.add_argument("--repeats", type=int, default=2)
    args, bars = parser.parse_args(), Bars()
    generator = np.random.default_rng(0)
    truth = generator.integers(0, args.classes, args.documents + 1000)
    centres = 0.3 * generator.normal(size=(args.classes, args.dim))
    rows = (centres[truth] + generator.normal(size=(len(truth), args.dim))).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    x, new, of_new = rows[: args.documents], rows[args.documents :], truth[args.documents :]
    truth = truth[: args.documents]
    y = np.where(generator.random(args.documents) < args.labelled, truth, -1)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {args.documents} x {args.dim}")
    warnings.simplefilter("ignore", ConvergenceWarning)  # at its defaults scikit-learn's may stop early; it is timed so
    for setting, alpha, more in (("defaults", 0.2, {}), ("alpha=0.99 to convergence", 0.99, {"max_iter": 1000})):
        makers: dict[str, Callable[[], Any]] = {
            "scikit-learn": lambda alpha=alpha, more=more: TheirSpreading(
                kernel="knn", n_neighbors=10, alpha=alpha, **more
            ),
            "gloss_pyg": lambda alpha=alpha: PropagationClassifier(
                KNNGaussian(k=10, sigma="local"), LabelSpreading(alpha), unlabelled=-1
            ),
        }
        best = dict.fromkeys(makers, float("inf"))
        predicting = dict(best)
        found = {}
        for _ in range(args.repeats):
            for name, make in makers.items():
                start = time.perf_counter()
                fitted = make().fit(x, y)
                best[name] = min(best[name], time.perf_counter() - start)
                start = time.perf_counter()
                right = np.mean(fitted.predict(new) == of_new)
                predicting[name] = min(predicting[name], time.perf_counter() - start)
                found[name] = (np.mean(fitted.transduction_[y < 0] == truth[y < 0]), right)
        for name in makers:
            print(
                f"{setting}: {name} {best[name]:.2f} s, 1000 new ones {predicting[name]:.2f} s; right: "
                f"{found[name][0]:.2%} of the unlabelled, {found[name][1]:.2%} of the new"
            )
        ratio = best["scikit-learn"] / best["gloss_pyg"]
        bars.at_least(f"scikit-learn / ours, {setting}", ratio, BARS[setting])
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
