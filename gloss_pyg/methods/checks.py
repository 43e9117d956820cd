"""What methods that train an encoder refuse when they are made, so that nothing is loaded in vain."""

import logging
import math
from collections.abc import Mapping
from functools import cache
from typing import Any, get_args

import numpy as np
from datasets import Dataset
from torch import nn

from gloss_pyg.encoder.config import Pooling
from gloss_pyg.errors import ConfigError, DataError, did_you_mean
from gloss_pyg.losses.unlabelled import UnlabelledLoss
from gloss_pyg.training import Precision

logger = logging.getLogger(__name__)

_CHOICES = {"pooling": get_args(Pooling), "precision": get_args(Precision), "class_weights": ("balanced",)}
_COUNTS = (
    *("max_length", "batch_size", "max_epochs", "max_steps", "evaluate_every", "patience", "decay_epoch"),
    "documents_per_class",
)
_MAY_BE_NONE = ("pooling", "class_weights", "max_steps", "evaluate_every", "decay_epoch", "documents_per_class")
_MODEL = {"model": (str, "the name or the folder of an encoder, as text")}

# For each part that is an object, its type and what to say of it.
Kinds = Mapping[str, tuple[Any, str]]


def check_settings(owner: str, settings: Mapping[str, Any], kinds: Kinds) -> None:
    """Refuse parts of the wrong kind, choices that are none, numbers out of range, and what cannot work together.

    Args:
        owner: Name of the method.
        settings: Its arguments by name.
        kinds: Of those that are objects.

    Raises:
        ConfigError: for the first of them.
    """
    for name, (kind, expected) in (_MODEL | dict(kinds)).items():
        if not isinstance(value := settings[name], kind):
            given = f"the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"
            raise ConfigError(f"{owner}: {name} is {given}; expected {expected}.")
    for name, choices in _CHOICES.items():
        value = settings[name]
        if not (value is None and name in _MAY_BE_NONE) and value not in choices:
            raise ConfigError(f"{owner}: {name}={value!r} is no choice.{did_you_mean(str(value), choices)}")
    for name in _COUNTS:
        if not (settings[name] is None and name in _MAY_BE_NONE):
            check_count(owner, name, settings[name])
    check_rate(owner, settings["learning_rate"], 1e-5)
    size, of_a_class = settings["batch_size"], settings["documents_per_class"]
    if of_a_class is not None and size // of_a_class < 2:
        raise ConfigError(
            f"{owner}: documents_per_class={of_a_class} leaves a batch of {size} no room for two classes; give at "
            f"most {size // 2}."
        )


def check_mixing(owner: str, settings: Mapping[str, Any]) -> None:
    """Refuse batches of labelled and unlabelled documents that cannot be made."""
    if settings["unlabelled"] not in ("keep", "drop"):
        given = settings["unlabelled"]
        raise ConfigError(f"{owner}: unlabelled={given!r} is no choice.{did_you_mean(str(given), ('keep', 'drop'))}")
    if settings["unlabelled"] == "drop" and (met := unlabelled_loss(settings["loss"])):
        raise ConfigError(
            f"{owner}: unlabelled='drop' takes away the documents that {met} is for; keep them, or leave {met} out."
        )
    labelled = settings["labelled_per_batch"]
    if labelled is None:
        return
    check_count(owner, "labelled_per_batch", labelled)
    if settings["unlabelled"] == "drop" or settings["documents_per_class"] is not None:
        other = "unlabelled='drop'" if settings["unlabelled"] == "drop" else "documents_per_class"
        raise ConfigError(f"{owner}: labelled_per_batch and {other} each say what a batch holds; give one of them.")
    if labelled >= settings["batch_size"]:
        raise ConfigError(
            f"{owner}: labelled_per_batch={labelled} leaves a batch of {settings['batch_size']} no room for unlabelled "
            "documents."
        )


def unlabelled_loss(loss: nn.Module) -> str:
    """Class name of a loss's part over unlabelled documents; empty where it has none."""
    return next((type(part).__name__ for part in loss.modules() if isinstance(part, UnlabelledLoss)), "")


@cache
def warn_of_no_unlabelled(name: str, documents: int) -> None:
    """Log, once a process, that a loss has no documents to learn from."""
    logger.warning(
        "%s has nothing to learn from: all %d training documents have a label. Documents beside a label budget stay in "
        "by the data's own field, as in data: {bbc: {labels_per_class: 5, unlabelled: keep}}.",
        name,
        documents,
    )


def check_rate(owner: str, rate: object, usual: float) -> None:
    """Refuse a learning rate that is no positive number."""
    if not isinstance(rate, int | float) or isinstance(rate, bool) or not (math.isfinite(rate) and rate > 0):
        raise ConfigError(f"{owner}: learning_rate={rate!r}, expected a positive number, usually {usual:g}.")


def check_count(owner: str, name: str, value: object) -> None:
    """Refuse what is no whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ConfigError(f"{owner}: {name}={value!r}, expected a whole number of at least 1.")


def check_labels(train: Dataset, validation: Dataset) -> np.ndarray:
    """The training labels, where both splits have documents with a label.

    Raises:
        DataError: where one has none: there would be nothing to train on, or to stop by.
    """
    for split, documents in (("training", train), ("validation", validation)):
        if not any(label >= 0 for label in documents["label"][:]):
            raise DataError(
                f"None of the {len(documents)} {split} documents has a label; training takes labelled documents "
                "and stops by the score of labelled ones. Give labels, or another split."
            )
    return np.asarray(train["label"][:])
