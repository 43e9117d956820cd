"""Weights of classes, as the losses take them."""

from collections.abc import Sequence

import torch
from torch import Tensor

from gloss_pyg.errors import ConfigError


def class_weight_vector(class_weights: Sequence[float] | None) -> Tensor | None:
    """One weight for each class, shape `[C]`, or `None` for all alike.

    Raises:
        ConfigError: for weights that are negative or not finite.
    """
    if class_weights is None:
        return None
    weights = torch.as_tensor(class_weights, dtype=torch.float32)
    if not bool(((weights >= 0) & weights.isfinite()).all()):
        raise ConfigError(f"class_weights={class_weights}: expected finite numbers of at least 0.")
    return weights
