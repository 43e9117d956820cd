"""How often equal methods come out different: `python benchmarks/bench_false_positives.py`.

2,000 comparisons of two equal methods at each size that reports have. An answer is right where the sum of the
document's difficulty, what the method makes of the document, and chance of the fit is small enough; all three are
normal. In the first tables fits of a method are equally good; in the later ones they differ by seed, as fits with few
labels do. The time that the statistics of 200 cells take is measured too.

Takes about three minutes on one core.
"""

import argparse
import time

import numpy as np
from bars import Bars
from scipy import stats

from gloss_pyg.compare.statistics.bootstrap import draw_counts, exact_quantiles, resampled_accuracy
from gloss_pyg.compare.statistics.intervals import (
    accuracy_covariance,
    hierarchical_interval,
    seed_interval,
    seeds_and_documents,
)
from gloss_pyg.compare.statistics.paired import clustered_mcnemar, mcnemar_mid_p
from gloss_pyg.compare.statistics.predictions import CellPredictions
from gloss_pyg.compare.statistics.ranks import critical_difference, friedman, wilcoxon
from gloss_pyg.compare.statistics.run import compare_run

DOCUMENTS, ACCURACIES, SEEDS = (300, 1000, 3554), (0.7, 0.85, 0.97), (1, 3, 5, 10)
RESAMPLED = 0.85  # the accuracy at which the hierarchical bootstrap is tried, which takes longest
SHARES = {"document": 0.6, "method": 0.15, "fit": 0.25}
TAILS = (0.025, 0.975)


def answers(
    generator: np.random.Generator, comparisons: int, methods: int, seeds: int, documents: int, spread: float
) -> np.ndarray:
    """How hard each document is for each fit, `[comparisons, methods, seeds, documents]`, of variance 1."""

    def normal(variance: float, *shape: int) -> np.ndarray:
        return generator.standard_normal((comparisons, *shape), dtype=np.float32) * np.float32(np.sqrt(variance))

    total = normal(SHARES["fit"], methods, seeds, documents)
    total += normal(SHARES["document"], 1, 1, documents)
    total += normal(SHARES["method"], methods, 1, documents)
    total += normal(spread**2, methods, seeds, 1)
    return total / np.float32(np.sqrt(1 + spread**2))


def false_positives(
    generator: np.random.Generator, comparisons: int, documents: int, spread: float
) -> dict[tuple[float, int], dict[str, float]]:
    """The share of equal methods that each test finds different, by accuracy and number of seeds."""
    counts = draw_counts(1000, documents, generator)
    found: dict[tuple[float, int], dict[str, list[float]]] = {}
    block = max(1, 10_000_000 // (2 * max(SEEDS) * documents))
    for start in range(0, comparisons, block):
        size = min(block, comparisons - start)
        hardness = answers(generator, size, 2, max(SEEDS), documents, spread)
        for accuracy in ACCURACIES:
            right = hardness < stats.norm.ppf(accuracy)
            differences = right[:, 0].astype(np.float32) - right[:, 1]
            for seeds in SEEDS:
                tally(found.setdefault((accuracy, seeds), {}), differences[:, :seeds], generator)
            if accuracy == RESAMPLED:
                resampled = resampled_accuracy(counts, differences.reshape(-1, documents))
                resampled = resampled.reshape(len(counts), size, -1).transpose(1, 0, 2)
                hits = found[accuracy, max(SEEDS)].setdefault("hierarchical", [])
                hits += hierarchical(differences, resampled, generator)
    return {key: {name: float(np.mean(hits)) for name, hits in rows.items()} for key, rows in found.items()}


def tally(rows: dict[str, list[float]], differences: np.ndarray, generator: np.random.Generator) -> None:
    """Note which tests find a difference in each comparison, `[comparisons, seeds, documents]`."""
    quantiles = exact_quantiles(differences.sum(axis=1).astype(np.int64), TAILS)
    rows.setdefault("bootstrap", []).extend((quantiles[:, 0] > 0) | (quantiles[:, 1] < 0))
    first = differences[:, 0]
    rows.setdefault("mid-p", []).extend(mcnemar_mid_p((first > 0).sum(axis=1), (first < 0).sum(axis=1)) <= 0.05)
    seeds = differences.shape[1]
    if seeds == 1:
        return
    means = differences.mean(axis=2, dtype=np.float64)
    chosen = generator.integers(0, seeds, (500, seeds))
    tails = np.quantile(means[:, chosen].mean(axis=2), TAILS, axis=1)
    rows.setdefault("percentiles of seeds", []).extend((tails[0] > 0) | (tails[1] < 0))
    for one, of_seeds in zip(differences, means, strict=True):
        p = seeds_and_documents(of_seeds, accuracy_covariance(one)).p
        rows.setdefault("both", []).append(p <= 0.05)
        rows.setdefault("both at 0.2 %", []).append(p <= 0.002)
        rows.setdefault("clustered McNemar", []).append(clustered_mcnemar(one) <= 0.05)
        alone = seed_interval(of_seeds)
        assert alone is not None
        rows.setdefault("seeds alone", []).append(alone.low > 0 or alone.high < 0)


def hierarchical(differences: np.ndarray, resampled: np.ndarray, generator: np.random.Generator) -> list[bool]:
    """In which comparisons the hierarchical bootstrap finds a difference."""
    hits = []
    for one, drawn in zip(differences, resampled, strict=True):
        both = seeds_and_documents(one.mean(axis=1, dtype=np.float64), accuracy_covariance(one))
        interval = hierarchical_interval(drawn, both.degrees_of_freedom, generator)
        hits.append(interval.low > 0 or interval.high < 0)
    return hits


def show(found: dict[tuple[float, int], dict[str, float]], documents: int) -> None:
    for (accuracy, seeds), rows in found.items():
        shown = ", ".join(f"{name} {100 * share:.1f}" for name, share in rows.items())
        print(f"{documents} documents, accuracy {accuracy}, {seeds} seeds: {shown}", flush=True)


def every(tables: list[dict[tuple[float, int], dict[str, float]]], name: str) -> list[float]:
    return [100 * rows[name] for table in tables for rows in table.values() if name in rows]


def rank_tests(generator: np.random.Generator, comparisons: int, bars: Bars) -> None:
    """Friedman, Nemenyi (any pair) and Wilcoxon over data sets of equal methods, at sizes where they are made."""
    worst = {"Friedman": 0.0, "Nemenyi, any pair": 0.0, "Wilcoxon": 0.0}
    for data_sets, methods in [(3, 3), (4, 4), (5, 3), (5, 4), (5, 8), (8, 3), (8, 8), (14, 5)]:
        distance = critical_difference(data_sets, methods)
        hits: dict[str, list[bool]] = {name: [] for name in worst}
        for _ in range(comparisons):
            # Scores in thousandths, so that ties occur.
            scores = np.round(0.8 + 0.01 * generator.standard_normal((data_sets, methods)), 3)
            ranks, test = friedman(scores)
            assert test.p is not None
            hits["Friedman"].append(test.p <= 0.05)
            hits["Nemenyi, any pair"].append(max(ranks) - min(ranks) > distance)
            pair = wilcoxon(scores[:, 0] - scores[:, 1], "data sets")
            hits["Wilcoxon"].append(pair.p is not None and pair.p <= 0.05)
        shares = {name: 100 * float(np.mean(found)) for name, found in hits.items()}
        shown = ", ".join(f"{name} {share:.1f}" for name, share in shares.items())
        print(f"{data_sets} data sets, {methods} methods: {shown}", flush=True)
        worst = {name: max(worst[name], share) for name, share in shares.items()}
    for name, share in worst.items():
        bars.at_most(f"{name} over data sets, most", share, 7, " %")


def family(generator: np.random.Generator, comparisons: int, spread: float) -> float:
    """How often any of the 28 pairs of 8 equal methods passes Holm's correction, with 3 seeds and 1,000 documents."""
    hits = 0
    for _ in range(0, comparisons, 100):
        right = (answers(generator, 100, 8, 3, 1000, spread) < stats.norm.ppf(0.85)).astype(np.float64)
        for one in right:
            pairs = [one[a] - one[b] for a in range(8) for b in range(a)]
            usual = float(np.median([np.var(pair.mean(axis=1), ddof=1) for pair in pairs]))
            least = min(seeds_and_documents(pair.mean(axis=1), accuracy_covariance(pair), usual).p for pair in pairs)
            hits += least * len(pairs) <= 0.05  # Holm's first step
    return 100 * hits / comparisons


def seconds(generator: np.random.Generator) -> float:
    """All comparisons of 8 methods on 5 data sets of 3,554 test documents with 5 seeds: 200 cells."""
    cells = []
    for name, classes in [("MR", 2), ("R8", 8), ("R52", 52), ("Ohsumed", 23), ("20NG", 20)]:
        labels = generator.integers(0, classes, 3554)
        right = answers(generator, 1, 8, 5, 3554, 0.03)[0] < stats.norm.ppf(0.85)
        predicted = np.where(right, labels, (labels + generator.integers(1, classes, right.shape)) % classes)
        cells += [
            CellPredictions(f"method {m}", name, name, seed, np.arange(3554), labels, predicted[m, seed])
            for m in range(8)
            for seed in range(5)
        ]
    compare_run(cells[:10] + cells[40:50])  # libraries load before the clock starts
    clock, cpu = time.perf_counter(), time.process_time()
    found = compare_run(cells)
    taken = time.process_time() - cpu
    print(
        f"200 cells, {len(found.comparisons)} comparisons: {taken:.1f} s of one core, "
        f"{time.perf_counter() - clock:.1f} s by the clock"
    )
    return taken


def main() -> int:
    """Print all shares in percent, and the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=2000)
    args, bars, generator = parser.parse_args(), Bars(), np.random.default_rng(0)
    bars.at_most("statistics of 200 cells, seconds of one core", seconds(generator), 10, " s")
    equal = []
    for documents in DOCUMENTS:
        equal.append(false_positives(generator, args.comparisons, documents, 0.0))
        show(equal[-1], documents)
    for name in ("bootstrap", "mid-p"):
        shares = every(equal, name)
        bars.at_least(f"{name} over documents, least", min(shares), 3, " %")
        bars.at_most(f"{name} over documents, most", max(shares), 7, " %")
    bars.at_most("clustered McNemar, most", max(every(equal, "clustered McNemar")), 7, " %")
    print("fits that differ by seed:")
    differ = []
    for documents, spread in [(300, 0.1), (1000, 0.03), (1000, 0.1)]:
        print(f"standard deviation of a fit: {spread} of what documents have")
        differ.append(false_positives(generator, args.comparisons, documents, spread))
        show(differ[-1], documents)
    bars.at_most("t over documents and seeds, most", max(every(equal + differ, "both")), 7, " %")
    bars.at_most("hierarchical bootstrap of 10 seeds, most", max(every(equal + differ, "hierarchical")), 7, " %")
    for spread in (0.0, 0.1, 0.3):
        name = f"any of 28 pairs after Holm's correction, fits differ by {spread}"
        bars.at_most(name, family(generator, args.comparisons, spread), 7, " %")
    rank_tests(generator, args.comparisons, bars)
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
