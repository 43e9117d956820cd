"""Scores of test documents drawn again with replacement, for all methods and seeds of a data set at once.

All methods see the same draws, so that any two of them stay paired. What is drawn is how often each document counts;
accuracy is then one matrix product, and macro-F1 two sparse ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from gloss_pyg.compare.statistics.predictions import DataSetPredictions, Ints

Floats = NDArray[np.floating[Any]]
METRICS = ("accuracy", "macro_f1")
RESAMPLES = 2000
_BLOCK = 4_000_000  # entries of a block of draws, 16 MB


@dataclass(frozen=True)
class Scores:
    """Scores of all methods and seeds on a data set; NaN where a cell is not finished.

    Attributes:
        observed: For accuracy and macro-F1, `[methods, seeds]`.
        resampled: For each metric that was asked for, `[resamples, methods, seeds]`.
    """

    observed: dict[str, Floats]
    resampled: dict[str, Floats]


def draw_counts(resamples: int, documents: int, generator: np.random.Generator) -> NDArray[np.float32]:
    """How often each document is drawn, `[resamples, documents]`; each row sums to `documents`."""
    drawn = generator.integers(0, documents, (resamples, documents))
    drawn += np.arange(resamples)[:, None] * documents
    counts = np.bincount(drawn.ravel(), minlength=resamples * documents)
    return counts.reshape(resamples, documents).astype(np.float32)


def resampled_accuracy(counts: NDArray[np.float32], correct: NDArray[np.float32]) -> Floats:
    """Accuracy of each row of `correct`, `[rows, documents]`, in each draw: `[resamples, rows]`."""
    accuracy: Floats = (counts @ correct.T) / np.float32(counts.shape[1])
    return accuracy


def resampled_macro_f1(counts: NDArray[np.float32], labels: Ints, predicted: Ints) -> Floats:
    """Macro-F1 of each row of `predicted`, `[rows, documents]`, in each draw: `[resamples, rows]`.

    As `gloss_pyg.metrics.macro_f1`: the mean over the classes that occur among labels or predictions of the draw.
    """
    rows, documents = predicted.shape
    classes = int(max(labels.max(), predicted.max())) + 1
    place = np.arange(rows)[:, None] * classes + predicted
    column = np.broadcast_to(np.arange(documents), (rows, documents))
    right = predicted == labels

    def totals(chosen: NDArray[np.bool_]) -> Floats:
        ones = np.ones(np.count_nonzero(chosen), np.float32)
        matrix = sparse.csr_array((ones, (place[chosen], column[chosen])), shape=(rows * classes, documents))
        found: Floats = (matrix @ counts.T).reshape(rows, classes, len(counts))
        return found

    hits = totals(right)
    support = sparse.csr_array(
        (np.ones(documents, np.float32), (labels, np.arange(documents))), shape=(classes, documents)
    )
    both = hits + totals(~right)
    both += (support @ counts.T)[None]
    score = 2 * hits / np.maximum(both, 1)
    macro: Floats = score.sum(axis=1) / np.count_nonzero(both, axis=1)
    return macro.T


def score(data: DataSetPredictions, metrics: Sequence[str], resamples: int, generator: np.random.Generator) -> Scores:
    """Scores of all methods and seeds on the documents as they are, and on documents drawn again.

    Seeds that share their documents share their draws; seeds with documents of their own have draws of their own.
    """
    shape = len(data.methods), len(data.seeds)
    observed = {metric: np.full(shape, np.nan) for metric in METRICS}
    resampled = {metric: np.full((resamples, *shape), np.nan, np.float32) for metric in metrics}
    groups = [range(len(data.seeds))] if data.same_documents else [[place] for place in range(len(data.seeds))]
    for group in groups:
        labels = data.labels[group[0]]
        cells = [
            (row, place)
            for row, method in enumerate(data.methods)
            for place in group
            if (method, data.seeds[place]) in data.predicted
        ]
        predicted = np.stack([data.predicted[data.methods[row], data.seeds[place]] for row, place in cells])
        rows, places = (np.array(index) for index in zip(*cells, strict=True))
        correct = (predicted == labels).astype(np.float32)
        whole = np.ones((1, len(labels)), np.float32)
        observed["accuracy"][rows, places] = correct.mean(axis=1, dtype=np.float64)
        observed["macro_f1"][rows, places] = resampled_macro_f1(whole, labels, predicted)[0]
        block = max(1, _BLOCK // len(labels))
        for start in range(0, resamples, block):
            here = slice(start, min(start + block, resamples))
            counts = draw_counts(here.stop - start, len(labels), generator)
            if "accuracy" in metrics:
                resampled["accuracy"][here, rows, places] = resampled_accuracy(counts, correct)
            if "macro_f1" in metrics:
                resampled["macro_f1"][here, rows, places] = resampled_macro_f1(counts, labels, predicted)
    return Scores(observed, resampled)


def exact_quantiles(differences: Ints, probabilities: tuple[float, ...]) -> Floats:
    r"""Quantiles of the mean difference of documents that are drawn again, without drawing.

    The number of seeds with which only the first method is right, less that with which only the second is, is a small
    integer for each document. The sum of `n` such numbers drawn with replacement has the generating function

    .. math:: \Big(\tfrac1n \sum_i z^{d_i}\Big)^n,

    whose coefficients one Fourier transform gives: the bootstrap with infinitely many resamples (the "ideal
    bootstrap" of Efron & Tibshirani, An Introduction to the Bootstrap, 1993, section 6.2). A quantile is the smallest
    value whose distribution function reaches the probability.

    Args:
        differences: Integers, `[..., documents]`.
        probabilities: Between 0 and 1.

    Returns:
        `[..., len(probabilities)]`, in the unit of the mean of `differences`.

    Example:
        >>> exact_quantiles(np.array([1, 0, 0, 0]), (0.3, 0.8)).tolist()
        [0.0, 0.5]
    """
    shape = differences.shape[:-1]
    flat = differences.reshape(-1, differences.shape[-1])
    documents, largest = flat.shape[1], max(1, int(np.abs(flat).max(initial=0)))
    spread = float(np.sqrt(flat.var(axis=1).max(initial=0) * documents))
    # Wide enough that what goes around the end of the transform is below 1e-12.
    size = 1 << int(np.ceil(np.log2(min(2.0 * documents * largest + 2, 30 * spread + 80 * largest))))
    values = np.arange(-largest, largest + 1)
    shares = np.stack([np.count_nonzero(flat == value, axis=1) for value in values], axis=1) / documents
    middle = np.rint(flat.mean(axis=1) * documents).astype(np.int64)
    steps = np.arange(size // 2 + 1) * (2 * np.pi / size)
    transform = (shares @ np.exp(-1j * np.outer(values, steps))) ** documents
    transform *= np.exp(1j * np.outer(middle - size // 2, steps))  # the mean goes to the middle
    mass = np.fft.irfft(transform, size)
    reached = np.cumsum(mass, axis=1)
    found = np.stack([(reached < probability - 1e-9).sum(axis=1) for probability in probabilities], axis=1)
    quantiles: Floats = (found + (middle - size // 2)[:, None]) / documents
    return quantiles.reshape(*shape, len(probabilities))
