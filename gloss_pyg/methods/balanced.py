"""Class weights from the training labels."""

import numpy as np
import torch

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses import ClassificationLoss, TrainingLoss


def balance_classes(loss: TrainingLoss, labels: np.ndarray, num_classes: int) -> None:
    """Give every cross-entropy in the loss the weights `n / (C n_c)` of the training labels.

    Raises:
        ConfigError: if the loss has none.
    """
    counts = np.bincount(labels[labels >= 0], minlength=num_classes)
    weights = torch.tensor(counts.sum() / (num_classes * np.maximum(counts, 1)), dtype=torch.float32)
    found = [part for part in loss.modules() if isinstance(part, ClassificationLoss)]
    if not found:
        raise ConfigError(
            f"class_weights='balanced' needs a ClassificationLoss in the loss; {type(loss).__name__} has none."
        )
    for part in found:
        part.class_weights = weights
