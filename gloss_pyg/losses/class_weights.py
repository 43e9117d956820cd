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


def weighted_mean(total: Tensor, labels: Tensor, weights: Tensor | None) -> Tensor:
    """A weighted sum over documents, divided by the weights of those that have a label; of none, the sum as it is."""
    labelled = labels[labels >= 0]
    mass = total.new_tensor(labelled.numel()) if weights is None else weights[labelled].sum()
    return total / torch.where(mass > 0, mass, 1.0)
