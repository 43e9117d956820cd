"""Weights of a complete graph from their logarithms: what dense rules other than the Gaussian one are made with.

A rule writes `log W_ij` with plain tensor operations in float64 and gets its gradient from autograd; here the
logarithms become weights, with the note of their matrix that keeps solvers fast. (The Gaussian rule has a kernel of its
own, `gloss_pyg.graph.kernel`, several times faster, for it is in the loop of most trainings.)
"""

import math
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.graph.edges import Square, from_off_diagonal, off_diagonal, squares
from gloss_pyg.graph.faint import FAINT_ROW, drop_smallest, raise_and_rescue
from gloss_pyg.graph.log_weights import note_matrix


def weights_from_logarithms(logarithms: Float[Tensor, "nodes nodes"], dtype: torch.dtype) -> Float[Tensor, " edges"]:
    """`exp(logarithms)` of all pairs, row by row without the diagonal, in `dtype`.

    Minus infinity is no edge; the diagonal is not read. Rows that would vanish are saved as told in
    `gloss_pyg.graph.faint`.

    Args:
        logarithms: Symmetric, in float64; its gradient is the sum over both directions of a pair, as autograd wants it.
        dtype: Number format of the weights.
    """
    weight, matrix, degree = _Exponential.apply(logarithms, dtype)  # type: ignore[no-untyped-call]
    squares.put(weight, Square(matrix, degree))
    note_matrix(weight, lambda: logarithms, holes=True)
    return cast("Tensor", weight)


class _Exponential(torch.autograd.Function):
    """From `log W` to `W` row by row, and for `squares` its matrix and row sums, which have no gradient."""

    @staticmethod
    def forward(ctx: Any, logarithms: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        weights = smooth = drop_smallest(logarithms.exp()).to(dtype).fill_diagonal_(0)
        degree = weights.sum(dim=1)
        if weights.size(0) > 1 and not float(degree.min()) > FAINT_ROW[dtype]:
            alone = logarithms.clone().fill_diagonal_(-math.inf)
            if bool(((degree <= FAINT_ROW[dtype]) & (alone.max(dim=1).values > -math.inf)).any()):
                weights, smooth = raise_and_rescue(alone, dtype)
                degree = weights.sum(dim=1)
        ctx.save_for_backward(smooth)
        ctx.mark_non_differentiable(weights, degree)
        ctx.set_materialize_grads(False)
        return off_diagonal(weights), weights, degree

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None, *_: None) -> tuple[Tensor | None, None]:
        if gradient is None:
            return None, None
        (smooth,) = ctx.saved_tensors
        known = squares.take(gradient)
        matrix = from_off_diagonal(gradient, smooth.size(0)) if known is None else known.matrix
        return matrix.double().mul_(smooth), None
