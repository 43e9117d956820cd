"""Embeddings as features of learned layers."""

import math

from jaxtyping import Float
from torch import Tensor

from gloss_pyg.errors import DataError
from gloss_pyg.graph.distances import differentiable_unit_rows


def features(x: Float[Tensor, "nodes dim"], dim: int, layer: str) -> Float[Tensor, "nodes dim"]:
    """Rows of length `sqrt(dim)`, so that entries are near 1 however long an encoder's embeddings are.

    Raises:
        DataError: for embeddings of another width than the layer was made for, NaN or infinity.

    Example:
        >>> import torch
        >>> features(torch.tensor([[3.0, 3.0, 3.0, 3.0]]), 4, "MyLayer")
        tensor([[1., 1., 1., 1.]])
    """
    if x.size(1) != dim:
        raise DataError(f"{layer} was made for embeddings of dim={dim} columns; got {x.size(1)}.")
    return differentiable_unit_rows(x) * math.sqrt(dim)
