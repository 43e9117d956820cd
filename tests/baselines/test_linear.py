"""Linear classifiers against scikit-learn's own predictions, and the neighbours' vote against a loop."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from baselines.linear import choose_linear
from baselines.probe import _vote


def points(classes, n=120, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, n)
    return rng.normal(size=(n, 4)) + 2 * np.eye(4)[labels % 4], labels


@pytest.mark.parametrize("classes", [[0, 1], [1, 3], [0, 1, 2, 3]])
@pytest.mark.parametrize("kind", ["logistic_regression", "linear_svm"])
def test_predictions_are_those_of_scikit_learn(kind, classes):
    train, validation = points(classes), points(classes, seed=1)
    found = choose_linear(kind, train, validation, 4, (0.5,), 0)
    own = LogisticRegression(C=0.5) if kind == "logistic_regression" else LinearSVC(C=0.5, random_state=0)
    own.fit(*train)
    probabilities = found.model.predict_proba(validation[0])
    np.testing.assert_array_equal(probabilities.argmax(axis=1), own.predict(validation[0]))
    absent = [label for label in range(4) if label not in classes]
    assert not probabilities[:, absent].any()
    if kind == "logistic_regression":
        np.testing.assert_allclose(probabilities[:, classes], own.predict_proba(validation[0]), rtol=1e-3, atol=1e-5)


def test_the_best_strength_on_validation_is_kept():
    train, validation = points([0, 1, 2]), points([0, 1, 2], seed=1)
    found = choose_linear("logistic_regression", train, validation, 3, (1e-6, 1.0, 1e-5), 0)
    assert found.best_step == 2
    assert found.history[1]["macro_f1"] > found.history[0]["macro_f1"]


def test_votes_are_those_of_a_loop():
    rng = np.random.default_rng(0)
    rows, memory = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in rng.normal(size=(2, 9, 3)))
    labels = rng.integers(0, 4, 9)
    found = _vote(rows.astype(np.float32), memory.astype(np.float32), labels, 4, 3)
    for row, shares in zip(rows, found, strict=True):
        nearest = sorted(range(9), key=lambda index: -float(memory[index] @ row))[:3]
        expected = np.zeros(4)
        for index in nearest:
            expected[labels[index]] += max(float(memory[index] @ row), 1e-6)
        np.testing.assert_allclose(shares, expected / expected.sum(), rtol=1e-4)


def test_equal_neighbours_are_taken_by_index():
    memory = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (5, 1))
    assert _vote(memory[:1], memory, np.array([2, 0, 0, 1, 1]), 3, 1).tolist() == [[0, 0, 1]]
