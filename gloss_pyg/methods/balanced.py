"""Class weights from the training labels."""

import numpy as np
import torch
from torch import nn

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses import ClassificationLoss, FocalLoss, PublishedCode, TrainingLoss


def check_balanced(loss: TrainingLoss) -> None:
    """Refuse a loss in which no part takes class weights, or one has weights already.

    Raises:
        ConfigError: for both.
    """
    parts = _weighted_parts(loss)
    if not parts:
        raise ConfigError(
            "class_weights='balanced' needs a part that takes class weights, ClassificationLoss, FocalLoss or "
            f"PublishedCode; this {type(loss).__name__} has none."
        )
    for part in parts:
        if part.class_weights is not None:
            raise ConfigError(
                f"class_weights='balanced' would replace the class_weights of {type(part).__name__}; give one of both."
            )


def balanced_weights(labels: np.ndarray, num_classes: int) -> torch.Tensor:
    """The weights `n / (C n_c)` of the training labels, `[C]`."""
    counts = np.bincount(labels[labels >= 0], minlength=num_classes)
    return torch.tensor(counts.sum() / (num_classes * np.maximum(counts, 1)), dtype=torch.float32)


def balance_classes(loss: TrainingLoss, labels: np.ndarray, num_classes: int) -> None:
    """Give every part that takes class weights those of the training labels."""
    weights = balanced_weights(labels, num_classes)
    for part in _weighted_parts(loss):
        part.class_weights = weights


def _weighted_parts(loss: nn.Module) -> list[ClassificationLoss | FocalLoss | PublishedCode]:
    return [part for part in loss.modules() if isinstance(part, ClassificationLoss | FocalLoss | PublishedCode)]
