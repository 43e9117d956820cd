"""Weights near the end of the number format: raised by a common factor, and no document lost by rounding.

Where all weights of a document would vanish, all exponents of the graph are raised by one constant (propagation does
not see a common factor of the weights). A document that still has none keeps its strongest edge, ties by index, at the
smallest normal number (float64: 1e-100) and with zero gradient. A document that the rule itself gives no edge, which is
an exponent of minus infinity, gets none here either.
"""

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

# Rows whose weights sum to less than this go through `raise_and_rescue`.
FAINT_ROW = {torch.float32: 1e-10, torch.float64: 1e-90}
# Weights below this are zero, and a document that would lose all of its edges keeps one at it. In float32 that is the
# smallest normal number. Propagation works on such weights in float64; float64 itself has no wider format to go to, so
# there it is a number whose inverse squares are finite.
SMALLEST_WEIGHT = {torch.float32: torch.finfo(torch.float32).tiny, torch.float64: 1e-100}


def drop_smallest(weights: Tensor) -> Tensor:
    """Zero in place of float64 weights that propagation could not work on; float32's it works on in float64."""
    if weights.dtype == torch.float64:
        weights.masked_fill_(weights < SMALLEST_WEIGHT[torch.float64], 0)
    return weights


def raise_and_rescue(
    exponents: Float[Tensor, "nodes nodes"], dtype: torch.dtype
) -> tuple[Float[Tensor, "nodes nodes"], Float[Tensor, "nodes nodes"]]:
    """The weights `exp(exponents)` times one constant, and the same with rescued entries at zero.

    Args:
        exponents: Logarithms of the weights in float64, minus infinity on the diagonal and where there is no edge.
        dtype: Number format of the weights.
    """
    exponents = torch.minimum(exponents, exponents.T)  # rounding must not make the two directions differ
    strongest = exponents.max(dim=1).values
    top = float(strongest.max())
    smooth = (exponents - (top if math.isfinite(top) else 0.0)).exp()
    tiny = SMALLEST_WEIGHT[dtype]
    smooth[smooth < tiny] = 0
    smooth = smooth.to(dtype)
    # argmax returns any of several equal entries; the first by index keeps graphs reproducible across machines.
    lost = ((smooth.sum(dim=1) == 0) & (strongest > -math.inf)).nonzero().squeeze(1)
    weights = smooth.clone()
    if lost.numel():
        neighbour = (exponents[lost] == strongest[lost, None]).int().argmax(dim=1)
        weights[lost, neighbour] = tiny
        weights[neighbour, lost] = tiny
    return weights, smooth


def finite_cast(gradient: Tensor, dtype: torch.dtype) -> Tensor:
    """A gradient in another number format, clamped to a quarter of its range instead of becoming infinite.

    A quarter, because the gradients of an edge's two directions are added up on their way to the embeddings.
    """
    if gradient.dtype == dtype:
        return gradient
    limit = torch.finfo(dtype).max / 4
    return gradient.clamp(-limit, limit).to(dtype)


class Widen(torch.autograd.Function):
    """Numbers in float64; their gradient comes back in the format they had, clamped to its range."""

    @staticmethod
    def forward(ctx: Any, numbers: Tensor) -> Tensor:
        """The same numbers in float64."""
        ctx.dtype = numbers.dtype
        return numbers.double()

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
