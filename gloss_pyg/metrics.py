"""Scores of predictions and of embeddings."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from gloss_pyg.errors import DataError

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


def accuracy(labels: Ints | Sequence[int], predictions: Floats | Ints | Sequence[int]) -> float:
    """Share of documents whose predicted class is their label.

    Args:
        labels: Class ids, `[n]`.
        predictions: Class ids `[n]`, or probabilities or logits `[n, C]`, of which the largest counts.

    Example:
        >>> accuracy([0, 1, 1, 0], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.7, 0.3]])
        0.75
    """
    return float(np.mean(_classes(predictions) == np.asarray(labels)))


def macro_f1(labels: Ints | Sequence[int], predictions: Floats | Ints | Sequence[int]) -> float:
    """Mean over classes of the harmonic mean of precision and recall, each class alike.

    Classes are those that occur among labels or predictions; one that is never predicted rightly scores 0.

    Args:
        labels: Class ids, `[n]`.
        predictions: Class ids `[n]`, or probabilities or logits `[n, C]`.

    Example:
        >>> round(macro_f1([0, 0, 0, 1], [0, 0, 1, 1]), 4)
        0.7333
    """
    return float(f1_score(np.asarray(labels), _classes(predictions), average="macro", zero_division=0))


def compute_metrics(evaluation: Any) -> dict[str, float]:
    """`compute_metrics` of `transformers.Trainer`: accuracy and macro-F1 of the labelled documents.

    Args:
        evaluation: transformers' `EvalPrediction`: logits `[n, C]`, or a tuple that begins with them, and labels `[n]`.

    Example:
        >>> from transformers import EvalPrediction
        >>> logits = np.array([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
        >>> compute_metrics(EvalPrediction(logits, np.array([0, 1, -100])))
        {'accuracy': 1.0, 'macro_f1': 1.0}
    """
    labels = np.asarray(evaluation.label_ids)
    predictions = evaluation.predictions
    logits = np.asarray(predictions[0] if isinstance(predictions, tuple) else predictions)
    labelled = labels >= 0
    return {
        "accuracy": accuracy(labels[labelled], logits[labelled]),
        "macro_f1": macro_f1(labels[labelled], logits[labelled]),
    }


def compute_silhouette(evaluation: Any) -> dict[str, float]:
    """`compute_metrics` of `transformers.Trainer`: macro silhouette of the labelled documents, for standalone training.

    Args:
        evaluation: transformers' `EvalPrediction`: a tuple of logits `[n, C]` and embeddings `[n, d]`, and labels
            `[n]`. The Trainer gathers the embeddings only when it is told to: `train(ignore_keys_for_eval=[])`.

    Raises:
        DataError: if there are no embeddings.

    Example:
        >>> from transformers import EvalPrediction
        >>> embeddings = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> compute_silhouette(EvalPrediction((np.zeros((4, 2)), embeddings), np.array([0, 0, 1, -100])))
        {'macro_silhouette': 0.5}
    """
    predictions = evaluation.predictions
    if not isinstance(predictions, tuple) or len(predictions) != 2:
        raise DataError(
            "The evaluation has no embeddings to take a silhouette of: train a TextEncoder, and let the Trainer gather "
            "them by train(ignore_keys_for_eval=[]) or evaluate(ignore_keys=[])."
        )
    return {"macro_silhouette": macro_silhouette(np.asarray(predictions[1]), np.asarray(evaluation.label_ids))}


def macro_silhouette(embeddings: Floats, labels: Ints | Sequence[int], block: int = 512) -> float:
    r"""Mean over classes of the mean silhouette of the class, on L2-normalised rows.

    .. math:: s_i = \frac{b_i - a_i}{\max(a_i, b_i)}

    with `a_i` the mean Euclidean distance to the other documents of the class and `b_i` the smallest mean distance to
    those of another class; 0 for the only document of its class. Exact; distances are taken in blocks, each pair of
    documents once, and only their sums are kept, so that memory grows with `n` times classes.

    Args:
        embeddings: `[n, d]`; float64 is computed in float64, anything else in float32.
        labels: Class ids, `[n]`; documents with a negative one are left out.
        block: Rows and columns of a block.

    Returns:
        A number from -1 to 1, higher where classes are tighter and further apart; NaN with fewer than two classes.

    Raises:
        DataError: if embeddings are not `[n, d]` for n labels, or not finite.

    Source: Rousseeuw, J. Comput. Appl. Math. 20, 1987; the macro mean as in the G-Loss paper (arXiv 2604.25853).

    Example:
        >>> rows = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
        >>> macro_silhouette(rows, [0, 0, 1, 1])
        1.0
    """
    ids, given = np.asarray(labels), np.asarray(embeddings)
    if given.ndim != 2 or ids.shape != given.shape[:1]:
        raise DataError(
            f"embeddings have shape {list(given.shape)}, labels {list(ids.shape)}; expected [n, d] and [n]."
        )
    if not np.isfinite(given).all():
        raise DataError("The embeddings hold NaN or infinite values; their silhouette is not defined.")
    rows: NDArray[Any] = given[ids >= 0].astype(np.float64 if given.dtype == np.float64 else np.float32)
    classes, member = np.unique(ids[ids >= 0], return_inverse=True)
    if len(classes) < 2:
        return float("nan")
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = rows / np.where(length > 0, length, 1)
    order = np.argsort(member, kind="stable")  # documents of a class side by side: a block then holds few classes
    rows, member = rows[order], member[order]
    sizes = np.bincount(member)
    sums = _sums_of_distances(rows, member, block)
    each = np.arange(len(rows))
    within = sums[each, member] / np.maximum(sizes[member] - 1, 1)
    means = sums / sizes
    means[each, member] = np.inf
    nearest = means.min(axis=1)
    largest = np.maximum(within, nearest)
    defined = (sizes[member] > 1) & (largest > 0)
    silhouettes = np.where(defined, (nearest - within) / np.where(defined, largest, 1), 0)
    return float(np.mean(np.bincount(member, silhouettes) / sizes))


def _sums_of_distances(rows: NDArray[Any], member: Ints, block: int) -> NDArray[np.float64]:
    """Sum of each row's distances to the rows of each class, `[n, C]`, for rows that are sorted by class."""
    n, count = len(rows), int(member[-1]) + 1
    rows = rows - rows.mean(axis=0)  # distances stay, and cancel less
    squares = np.einsum("ij,ij->i", rows, rows)[:, None]
    ones = np.ones_like(squares)
    # ||x||^2 - 2 x.y + ||y||^2 is one product of these two, so that a block is written only once before its root.
    left, right = np.hstack([-2 * rows, squares, ones]), np.hstack([rows, ones, squares])
    belongs = (member[:, None] == np.arange(count)).astype(rows.dtype)
    sums = np.zeros((n, count))
    for top in range(0, n, block):
        here = slice(top, min(top + block, n))
        classes_here = slice(member[top], member[here.stop - 1] + 1)
        for begin in range(top, n, block):
            there = slice(begin, min(begin + block, n))
            classes_there = slice(member[begin], member[there.stop - 1] + 1)
            distances = left[here] @ right[there].T
            np.maximum(distances, 0, out=distances)
            np.sqrt(distances, out=distances)
            if begin == top:
                np.fill_diagonal(distances, 0)
            sums[here, classes_there] += distances @ belongs[there, classes_there]
            if begin > top:  # the same distances, seen from the other side
                sums[there, classes_here] += (belongs[here, classes_here].T @ distances).T
    return sums


def _classes(predictions: Floats | Ints | Sequence[int]) -> Ints:
    values = np.asarray(predictions)
    classes: Ints = values.argmax(axis=1) if values.ndim == 2 else values
    return classes
