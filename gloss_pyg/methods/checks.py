"""What `FineTuning` refuses when it is made, so that nothing is loaded in vain."""

import math
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
from datasets import Dataset

from gloss_pyg.encoder.config import Pooling
from gloss_pyg.errors import ConfigError, DataError, did_you_mean
from gloss_pyg.losses import TrainingLoss
from gloss_pyg.methods.balanced import check_balanced
from gloss_pyg.methods.prediction import PropagationHead
from gloss_pyg.training import Precision

_CHOICES = {"pooling": get_args(Pooling), "precision": get_args(Precision), "class_weights": ("balanced",)}
_COUNTS = (
    *("max_length", "batch_size", "max_epochs", "max_steps", "evaluate_every", "patience", "decay_epoch"),
    "documents_per_class",
)
_MAY_BE_NONE = ("pooling", "class_weights", "max_steps", "evaluate_every", "decay_epoch", "documents_per_class")
_KINDS = {
    "model": (str, "the name or the folder of an encoder, as text"),
    "loss": (TrainingLoss, "a TrainingLoss, such as HybridLoss(GLoss(...)) or ClassificationLoss()"),
    "prediction": (PropagationHead | None, "PropagationHead(...), or nothing"),
}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Refuse parts of the wrong kind, choices that are none, numbers out of range, and what cannot work together.

    Args:
        settings: The arguments of `FineTuning` by name.

    Raises:
        ConfigError: for the first of them.
    """
    for name, (kind, expected) in _KINDS.items():
        if not isinstance(value := settings[name], kind):
            given = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
            raise ConfigError(f"FineTuning: {name} is {given}; expected {expected}.")
    for name, choices in _CHOICES.items():
        value = settings[name]
        if not (value is None and name in _MAY_BE_NONE) and value not in choices:
            raise ConfigError(f"FineTuning: {name}={value!r} is no choice.{did_you_mean(str(value), choices)}")
    for name in _COUNTS:
        value = settings[name]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (value is None and name in _MAY_BE_NONE) and (not whole or value < 1):
            raise ConfigError(f"FineTuning: {name}={value!r}, expected a whole number of at least 1.")
    rate = settings["learning_rate"]
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not (math.isfinite(rate) and rate > 0):
        raise ConfigError(f"FineTuning: learning_rate={rate!r}, expected a positive number, usually 1e-5.")
    if settings["class_weights"] is not None:
        check_balanced(settings["loss"])
    size, of_a_class = settings["batch_size"], settings["documents_per_class"]
    if of_a_class is not None and size // of_a_class < 2:
        raise ConfigError(
            f"FineTuning: documents_per_class={of_a_class} leaves a batch of {size} no room for two classes; give at "
            f"most {size // 2}."
        )


def check_labels(train: Dataset, validation: Dataset) -> np.ndarray:
    """The training labels, where both splits have documents with a label.

    Raises:
        DataError: where one has none: there would be nothing to train on, or to stop by.
    """
    for split, documents in (("training", train), ("validation", validation)):
        if not any(label >= 0 for label in documents["label"]):
            raise DataError(
                f"None of the {len(documents)} {split} documents has a label; fine-tuning trains on labelled documents "
                "and stops by the score of labelled ones. Give labels, or another split."
            )
    return np.asarray(train["label"])
