"""The macro silhouette of 20,000 embeddings against scikit-learn's: `python benchmarks/bench_silhouette.py`.

Wall time, and memory above the data as the rise of the process's peak; ours runs first, so that its peak is its own.
"""

import argparse
import resource
import time

import numpy as np
from bars import Bars
from sklearn.metrics import silhouette_samples

from gloss_pyg.metrics import macro_silhouette

TIME_BAR, MEMORY_BAR = 4.0, 0.25


def peak() -> float:
    """Largest resident memory so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def main() -> int:
    """Print both, and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--classes", type=int, default=20)
    args, bars = parser.parse_args(), Bars()
    generator = np.random.default_rng(0)
    labels = generator.integers(0, args.classes, args.documents)
    rows = generator.normal(size=(args.documents, args.dim)).astype(np.float32)
    rows += generator.normal(size=(args.classes, args.dim)).astype(np.float32)[labels]
    macro_silhouette(rows[:500], labels[:500])  # libraries load before memory is read

    before, start = peak(), time.perf_counter()
    ours = macro_silhouette(rows, labels)
    seconds, memory = time.perf_counter() - start, peak() - before
    print(f"{args.documents} x {args.dim}: ours {ours:.6f}, {seconds:.1f} s, {memory:.2f} GB")

    before, start = peak(), time.perf_counter()
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    samples = silhouette_samples(unit, labels)
    theirs = float(np.mean([samples[labels == label].mean() for label in range(args.classes)]))
    taken, used = time.perf_counter() - start, peak() - before
    print(f"{args.documents} x {args.dim}: scikit-learn {theirs:.6f}, {taken:.1f} s, {used:.2f} GB")
    bars.at_least("scikit-learn / ours", taken / seconds, TIME_BAR)
    bars.at_most("memory", memory, MEMORY_BAR, " GB")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
