"""Scores against scikit-learn's and against their formulas."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, silhouette_samples

from gloss_pyg.errors import DataError
from gloss_pyg.metrics import accuracy, compute_metrics, macro_f1, macro_silhouette


def reference(rows: np.ndarray, labels: np.ndarray) -> float:
    """scikit-learn's samples, averaged in each class and then over classes."""
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    samples = silhouette_samples(rows, labels)
    return float(np.mean([samples[labels == label].mean() for label in np.unique(labels)]))


def clusters(n: int, d: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    labels[:classes] = np.arange(classes)
    return generator.normal(size=(n, d)) + 0.8 * generator.normal(size=(classes, d))[labels], labels


@pytest.mark.parametrize("block", [1, 7, 300, 512])
def test_silhouette_equals_scikit_learn_whatever_the_block(block: int) -> None:
    rows, labels = clusters(300, 12, 5)
    assert macro_silhouette(rows, labels, block) == pytest.approx(reference(rows, labels), abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_silhouette_of_few_rows_in_many_classes(seed: int) -> None:
    rows, labels = clusters(14, 3, 9, seed)  # most classes have one member, which counts 0
    assert macro_silhouette(rows, labels) == pytest.approx(reference(rows, labels), abs=1e-9)


def test_silhouette_in_float32_is_near_float64() -> None:
    rows, labels = clusters(500, 64, 4)
    assert macro_silhouette(rows.astype(np.float32), labels) == pytest.approx(reference(rows, labels), abs=1e-5)


def test_silhouette_weighs_classes_alike() -> None:
    rows, labels = clusters(400, 6, 2)
    labels[20:] = 0
    labels[:20] = 1
    samples = silhouette_samples(rows / np.linalg.norm(rows, axis=1, keepdims=True), labels)
    expected = (samples[labels == 0].mean() + samples[labels == 1].mean()) / 2
    assert macro_silhouette(rows, labels) == pytest.approx(expected, abs=1e-9)
    assert abs(expected - samples.mean()) > 1e-3  # the plain mean is another number


def test_silhouette_ignores_the_rows_length_and_unlabelled_rows() -> None:
    rows, labels = clusters(100, 6, 3)
    stretched = rows * np.random.default_rng(1).uniform(0.1, 10, (100, 1))
    more = np.concatenate([stretched, np.ones((5, 6))]), np.concatenate([labels, [-1, -100, -1, -1, -1]])
    assert macro_silhouette(*more) == pytest.approx(macro_silhouette(rows, labels), abs=1e-9)


@pytest.mark.parametrize("labels", [[0, 0, 0], [-1, -1, -1], [2, -100, 2]])
def test_silhouette_needs_two_classes(labels: list[int]) -> None:
    assert np.isnan(macro_silhouette(np.eye(3), labels))


def test_silhouette_of_equal_rows_and_of_zero_rows_is_zero() -> None:
    assert macro_silhouette(np.ones((6, 3)), [0, 0, 0, 1, 1, 1]) == 0
    assert macro_silhouette(np.zeros((4, 3)), [0, 0, 1, 1]) == 0


def test_silhouette_of_singletons_alone_is_zero() -> None:
    assert macro_silhouette(np.eye(3), [0, 1, 2]) == 0


def test_silhouette_of_rows_that_nearly_coincide_is_exact_in_float64() -> None:
    base = np.random.default_rng(0).normal(size=(2, 8))
    rows = np.repeat(base, 4, axis=0) + 1e-5 * np.random.default_rng(1).normal(size=(8, 8))
    labels = np.array([0, 0, 1, 1, 2, 2, 3, 3])  # two classes at each place
    assert macro_silhouette(rows, labels) == pytest.approx(reference(rows, labels), abs=1e-4)


@pytest.mark.parametrize(
    ("rows", "labels"),
    [(np.eye(3), [0, 1]), (np.ones(3), [0, 1, 1]), (np.array([[np.nan, 1], [1, 0]]), [0, 1])],
)
def test_silhouette_refuses_what_has_none(rows: np.ndarray, labels: list[int]) -> None:
    with pytest.raises(DataError, match=r"expected \[n, d\]|NaN or infinite"):
        macro_silhouette(rows, labels)


def test_silhouette_leaves_the_callers_array_alone() -> None:
    rows, labels = clusters(50, 4, 3)
    before = rows.copy()
    macro_silhouette(rows, labels)
    assert np.array_equal(rows, before)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_accuracy_and_f1_equal_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    labels, predictions = (np.array(column) for column in zip(*pairs, strict=True))
    assert accuracy(labels, predictions) == pytest.approx(accuracy_score(labels, predictions))
    assert macro_f1(labels, predictions) == pytest.approx(
        f1_score(labels, predictions, average="macro", zero_division=0)
    )


def test_probabilities_count_by_their_largest() -> None:
    probabilities = np.array([[0.2, 0.5, 0.3], [0.9, 0.05, 0.05], [0.1, 0.2, 0.7]])
    assert accuracy([1, 0, 0], probabilities) == pytest.approx(2 / 3)
    assert macro_f1([1, 0, 0], probabilities) == macro_f1([1, 0, 0], [1, 0, 2])


def test_f1_counts_classes_that_are_only_predicted() -> None:
    assert macro_f1([0, 0], [0, 1]) == pytest.approx((2 / 3 + 0) / 2)


@pytest.mark.parametrize("wrap", [lambda logits: logits, lambda logits: (logits, np.zeros((4, 7)))])
def test_compute_metrics_leaves_unlabelled_documents_out(wrap: Any) -> None:
    logits = np.array([[2.0, 1.0], [0.0, 3.0], [5.0, 1.0], [0.0, 1.0]])
    evaluation = SimpleNamespace(predictions=wrap(logits), label_ids=np.array([0, 0, -100, 1]))
    assert compute_metrics(evaluation) == {"accuracy": pytest.approx(2 / 3), "macro_f1": pytest.approx(2 / 3)}
