"""Room for weights near zero, whose gradients leave float32's range."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.graph.edges import weight_bounds

# Weights below the first or above the second are worked on in float64: `1 / weight` and its products must stay finite.
COMFORTABLE = (1e-25, 1e25)

# Gradients of probabilities beyond this could leave float32's range on their way through products or an iteration.
STEEP = 1e10


def is_steep(gradient: Tensor) -> bool:
    """Whether a gradient of probabilities must be worked on in float64."""
    return gradient.numel() > 0 and max(abs(float(bound)) for bound in gradient.aminmax()) > STEEP


def finite_cast(gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """A gradient in another number format, clamped to a quarter of its range instead of becoming infinite.

    A quarter, because the gradients of an edge's two directions are added up on their way to the embeddings.
    """
    if gradient.dtype == dtype:
        return gradient
    limit = torch.finfo(dtype).max / 4
    return gradient.clamp(-limit, limit).to(dtype)


def is_faint(edge_weight: Tensor) -> bool:
    """Whether a positive weight is too small or too large to be worked on in float32."""
    if edge_weight.dtype == torch.float64:
        return False
    low, high = weight_bounds(edge_weight)
    if low == 0 and high > 0:
        low = float(torch.where(edge_weight > 0, edge_weight.detach(), high).min())
    return high > 0 and not (COMFORTABLE[0] < low and high < COMFORTABLE[1])


class Widen(torch.autograd.Function):
    """Weights in float64; their gradient comes back in the format they had, clamped to its range."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor) -> Tensor:
        """The same numbers in float64."""
        ctx.dtype = weight.dtype
        return weight.double()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        """The same gradient in the original format."""
        return finite_cast(gradient, ctx.dtype)


def widened(numbers: Tensor) -> Tensor:
    """In float64, where dividing by small sums does not take gradients out of range; they come back clamped."""
    if numbers.dtype == torch.float64:
        return numbers
    wide: Tensor = Widen.apply(numbers)  # type: ignore[no-untyped-call]
    return wide
