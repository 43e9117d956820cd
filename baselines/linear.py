"""Linear classifiers whose strength of regularisation is chosen on the validation documents."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.metrics import accuracy, macro_f1

Kind = Literal["logistic_regression", "linear_svm"]

# Inverse strengths of regularisation, as scikit-learn's `C`.
STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)
_MOST_ITERATIONS = 10_000


@dataclass(frozen=True)
class LinearModel:
    """Scores `x weight' + bias`; a class that no training document had has the bias minus infinity.

    Attributes:
        weight: `[C, d]`, float32.
        bias: `[C]`, float32.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def predict_proba(self, features: Any) -> NDArray[np.float32]:
        """Softmax of the scores, `[n, C]`. Those of a support vector machine are margins: their order counts."""
        probabilities: NDArray[np.float32] = softmax(features @ self.weight.T + self.bias, axis=1).astype(np.float32)
        return probabilities


@dataclass(frozen=True)
class Search:
    """A model and how it was found: a row for each strength, as `FitReport.history` has them."""

    model: LinearModel
    best_step: int
    history: list[dict[str, float]]


def check_kind(kind: str) -> None:
    """Refuse a name that is no `Kind`."""
    if kind not in ("logistic_regression", "linear_svm"):
        raise ConfigError(f"classifier='{kind}'; expected 'logistic_regression' or 'linear_svm'.")


def labelled(labels: Any, names: list[str], split: str) -> NDArray[np.bool_]:
    """Which documents have a label.

    Raises:
        DataError: if none has, or if all labels of the split `train` are one class.
    """
    found = np.asarray(labels)
    has_label: NDArray[np.bool_] = found >= 0
    classes = np.unique(found[has_label])
    if not len(classes):
        raise DataError(f"None of {len(found)} documents of '{split}' has a label; expected one at least.")
    if split == "train" and len(classes) == 1:
        raise DataError(
            f"All labelled training documents are of one class, '{names[classes[0]]}'; a linear classifier needs two."
        )
    return has_label


def choose_linear(
    kind: Kind,
    train: tuple[Any, NDArray[Any]],
    validation: tuple[Any, NDArray[Any]],
    num_classes: int,
    strengths: Sequence[float],
    seed: int,
) -> Search:
    """Fit a classifier for each strength, and keep the one with the best validation macro-F1 (the first of equals).

    Args:
        kind: Which classifier.
        train: Features `[n, d]`, dense or sparse, and labels `[n]` of two classes at least.
        validation: The same.
        num_classes: Classes of the data.
        strengths: Values of `C`.
        seed: Of the order in which the support vector machine visits documents.
    """
    best: LinearModel | None = None
    history: list[dict[str, float]] = []
    start, best_step = time.perf_counter(), 0
    for step, strength in enumerate(strengths, start=1):
        model = _fit(kind, *train, num_classes, strength, seed)
        predictions = model.predict_proba(validation[0]).argmax(axis=1)
        score = macro_f1(validation[1], predictions)
        if best is None or score > history[best_step - 1]["macro_f1"]:
            best, best_step = model, step
        history.append(
            {
                "step": float(step),
                "seconds": time.perf_counter() - start,
                "macro_f1": score,
                "accuracy": accuracy(validation[1], predictions),
            }
        )
    assert best is not None
    return Search(best, best_step, history)


def _fit(kind: Kind, features: Any, labels: NDArray[Any], num_classes: int, strength: float, seed: int) -> LinearModel:
    if kind == "logistic_regression":
        fitted = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS).fit(features, labels)
    else:
        fitted = LinearSVC(C=strength, max_iter=_MOST_ITERATIONS, random_state=seed).fit(features, labels)
    weight = np.zeros((num_classes, features.shape[1]), dtype=np.float32)
    bias = np.full(num_classes, -np.inf, dtype=np.float32)
    if len(fitted.classes_) == 2:  # scikit-learn keeps one row for two classes
        weight[fitted.classes_] = np.concatenate([-fitted.coef_, fitted.coef_]) / 2
        bias[fitted.classes_] = np.concatenate([-fitted.intercept_, fitted.intercept_]) / 2
    else:
        weight[fitted.classes_], bias[fitted.classes_] = fitted.coef_, fitted.intercept_
    return LinearModel(weight, bias)
