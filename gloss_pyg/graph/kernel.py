"""Gaussian weights of pairs of unit rows, with a hand-written backward: the numerical heart of every graph rule.

    W_ij = exp(-|x_i - x_j|^2 p_i p_j),   W_ii = 0,   x_i = embeddings_i / |embeddings_i|

`p_i p_j` is `1 / (2 sigma^2)` for one bandwidth, `1 / (sigma_i sigma_j)` for local ones. With `g = dL/dW` and
`S = g * W + (g * W)^T` the gradient needs one product with the rows,

    dL/dx_i = 2 p_i sum_j S_ij p_j (x_j - x_i),     dL/d log(p) = 2 sum_ij g_ij W_ij log W_ij   (one bandwidth)

A gradient that float32 cannot hold on its way is computed in float64 instead, and ends clamped, never infinite.
Small bandwidths, whose weights would vanish in the number format, are the business of `gloss_pyg.graph.faint`.
"""

import math
from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.graph.distances import (
    COMFORTABLE_LENGTHS,
    inner_products,
    squared_distances,
    unit_rows,
    unit_rows_backward,
)
from gloss_pyg.graph.edges import Square, from_off_diagonal, note_bounds, off_diagonal, squares
from gloss_pyg.graph.faint import FAINT_ROW, SMALLEST_WEIGHT, drop_smallest, finite_cast, raise_and_rescue

# Largest error of an exponent that float32 may cause before the product is taken in float64 instead.
EXPONENT_TOLERANCE = 2e-5
# Rows all nearer to each other than this (squared, in units of 1 / p^2) are centred, else their gradient is rounding.
COLLAPSED = 1e-4
# Lower bounds of weights that are above this need no search for the smallest one.
CERTAINLY_POSITIVE = 1e-20


def complete_weights(x: Float[Tensor, "nodes dim"], precision: Tensor) -> Float[Tensor, " edges"]:
    """Weights of all pairs, row by row without the diagonal, with notes of their matrix and, where known, bounds."""
    edge_weight, matrix, degree = CompleteKernel.apply(x, precision)  # type: ignore[no-untyped-call]
    squares.put(edge_weight, Square(matrix, degree))
    # Unit rows are at most 2 apart, so that a wide kernel needs no search for its smallest weight.
    if precision.dim() == 0:
        lowest = math.exp(-4.1 * min(float(precision.detach()) ** 2, 100.0))
        if lowest > CERTAINLY_POSITIVE:
            note_bounds(edge_weight, lowest, 1.0)
    return cast("Tensor", edge_weight)


def _uniform_weights(x: Tensor, precision: float) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
    """`exp(-p^2 |x_i - x_j|^2)` from the rows' inner products, diagonal zero; `None` where rounding would show.

    Returns:
        The weights, their row sums, rows of length `sqrt(2) p`, and what each was multiplied with to be so long.
    """
    factor = 2 * precision**2
    if not 2 * torch.finfo(x.dtype).eps * factor < EXPONENT_TOLERANCE:
        return None
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    shortest, longest = length.aminmax()  # both NaN where a row has one; a zero row is sqrt(2) off everything below
    if not (COMFORTABLE_LENGTHS[0] < float(shortest) and float(longest) < COMFORTABLE_LENGTHS[1]):
        return None
    stretch = length.reciprocal_().mul_(math.sqrt(factor))
    rows = x * stretch
    # p^2 |x_i - x_j|^2 = 2 p^2 (1 - x_i.x_j) for unit rows.
    weights = drop_smallest(inner_products(rows).sub_(factor).clamp_(max=0).exp_().fill_diagonal_(0))
    degree = weights.sum(dim=1)
    least = float(degree.min()) / (x.size(0) - 1)
    return (weights, degree, rows, stretch) if FAINT_ROW[x.dtype] < least < 1 - COLLAPSED else None


def _weights(centred: Tensor, precision: Tensor) -> Tensor:
    """`exp(-|x_i - x_j|^2 p_i p_j)` from centred rows, diagonal zero."""
    squares = centred.square().sum(dim=1)
    if precision.dim() == 0:
        precision = precision.expand(centred.size(0))
    exponents = torch.nn.functional.linear(centred * 2, centred, bias=-squares).sub_(squares[:, None])
    return drop_smallest(exponents.mul_(precision[:, None]).mul_(precision).clamp_(max=0).exp_().fill_diagonal_(0))


def _careful_weights(rows: Tensor, precision: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Weights for a bandwidth so small that rows vanish: the weights, and the same with rescued entries at zero."""
    precise = precision.double()
    scale = precise.square() if precise.dim() == 0 else precise[:, None] * precise
    return raise_and_rescue(squared_distances(rows).mul_(scale).neg_().fill_diagonal_(-math.inf), dtype)


class CompleteKernel(torch.autograd.Function):
    """From embeddings `[N, d]` and precision `[]` or `[N]`: weights row by row, their square matrix, and its row sums.

    The gradient is that in the weights; matrix and sums are there for `squares`.
    """

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "nodes dim"], precision: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the module docstring."""
        one = float(precision) if precision.dim() == 0 and x.size(0) > 1 else None
        uniform = None if one is None else _uniform_weights(x, one)
        ctx.factor = None if one is None or uniform is None else 2 * one**2
        if uniform is not None:
            weights, degree, rows, stretch = uniform
            ctx.save_for_backward(rows, stretch, rows, weights, precision)
        else:
            rows, reciprocal = unit_rows(x)
            wide = rows.double()
            centred = wide - wide.mean(dim=0, keepdim=True)
            weights = smooth = _weights(centred, precision.double()).to(x.dtype)
            if x.size(0) > 1 and not float(weights.sum(dim=1).min()) > FAINT_ROW[x.dtype]:
                weights, smooth = _careful_weights(rows, precision, x.dtype)
            degree = weights.sum(dim=1)
            ctx.save_for_backward(rows, reciprocal, centred, smooth, precision)
        ctx.mark_non_differentiable(weights, degree)
        ctx.set_materialize_grads(False)
        return off_diagonal(weights), weights, degree

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor | None, *_: None) -> tuple[Tensor | None, Tensor | None]:
        """The gradient of the module docstring."""
        if gradient is None:
            return None, None
        rows, reciprocal, centred, smooth, precision = ctx.saved_tensors
        product = _both_directions(gradient, smooth)
        in_precision = None
        if ctx.needs_input_grad[1]:
            in_precision = torch.xlogy(product, smooth).sum() / precision
            if not bool(in_precision.isfinite()):
                in_precision = torch.xlogy(product.double(), smooth).sum() / precision.double()
            in_precision = finite_cast(in_precision, precision.dtype)
        if not ctx.needs_input_grad[0]:
            return None, in_precision
        if ctx.factor is not None:
            found = _from_uniform(product, rows, reciprocal, ctx.factor)
            if not math.isfinite(float(found.sum())):  # a tenth of the time of looking at each number
                found = _from_uniform(product.double(), rows.double(), reciprocal.double(), ctx.factor)
            return finite_cast(found, rows.dtype), in_precision
        product, precision = product.to(centred.dtype), precision.to(centred.dtype)
        if precision.dim():
            product = product * precision
        # With the row sums on the diagonal one product gives sum_j S_ij p_j (x_j - x_i), without cancellation.
        product.diagonal().sub_(product.sum(dim=1))
        in_rows = (product @ centred).mul_(2 * precision.square() if precision.dim() == 0 else 2 * precision[:, None])
        found = unit_rows_backward(in_rows, rows.to(in_rows.dtype), reciprocal.to(in_rows.dtype))
        return finite_cast(found, rows.dtype), in_precision


def _from_uniform(product: Tensor, rows: Tensor, stretch: Tensor, factor: float) -> Tensor:
    """The gradient in `x` from rows that were stretched to the length `sqrt(factor)`."""
    # The parts along the row, sum_j S_ij x_i among them, drop out in the projection.
    in_rows = product @ rows
    along = (in_rows * rows).sum(dim=1, keepdim=True)
    return in_rows.addcmul_(along, rows, value=-1 / factor).mul_(stretch)


def _both_directions(gradient: Tensor, weights: Tensor) -> Tensor:
    """`S = g * W + (g * W)^T`, in memory that is free to be written to."""
    known = squares.take(gradient)
    if known is not None:
        return known.matrix.mul_(weights).mul_(2)
    product = from_off_diagonal(gradient, weights.size(0)).mul_(weights)
    return product.add_(product.T.contiguous())  # a transposed view would walk the memory against its order


class PairKernel(torch.autograd.Function):
    """Weights of chosen pairs, each pair once, from embeddings `[N, d]`, `pairs [2, P]` and precision `[]` or `[N]`.

    Distances are sums of squared differences, exact at any bandwidth, taken in blocks of pairs so that memory does not
    grow with `P d`.
    """

    BLOCK = 1 << 22  # numbers in a block of differences

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "nodes dim"],
        precision: Tensor,
        pairs: Int[Tensor, "2 pairs"],
    ) -> Float[Tensor, " pairs"]:
        """See the module docstring."""
        rows, reciprocal = unit_rows(x)
        distances = rows.new_empty(pairs.size(1))
        for block in pair_blocks(pairs.size(1), rows.size(1)):
            first, second = rows[pairs[0, block]], rows[pairs[1, block]]
            distances[block] = (first - second).square_().sum(dim=1)
        scale = pair_scale(precision, pairs)
        exponents = distances.double().mul_(scale.double()).neg_()
        weights, smooth = _careful_pair_weights(exponents, pairs, x.size(0), x.dtype)
        ctx.save_for_backward(rows, reciprocal, smooth, precision, pairs)
        return weights

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        """The gradient of the module docstring."""
        rows, reciprocal, smooth, precision, pairs = ctx.saved_tensors
        floats = gradient, rows, reciprocal, smooth, precision
        found = _from_pairs(floats, pairs, ctx.needs_input_grad)
        if not all(part is None or math.isfinite(float(part.sum())) for part in found):
            found = _from_pairs(tuple(part.double() for part in floats), pairs, ctx.needs_input_grad)
        in_x, in_precision = found
        return (
            None if in_x is None else finite_cast(in_x, rows.dtype),
            None if in_precision is None else finite_cast(in_precision, precision.dtype),
            None,
        )


def _from_pairs(
    floats: tuple[Tensor, ...], pairs: Tensor, needs: tuple[bool, ...]
) -> tuple[Tensor | None, Tensor | None]:
    """The gradients in `x` and in the precision, each where it is needed."""
    gradient, rows, reciprocal, smooth, precision = floats
    product = gradient * smooth
    in_precision = 2 * torch.xlogy(product, smooth).sum() / precision if needs[1] else None
    if not needs[0]:
        return None, in_precision
    product = product * pair_scale(precision, pairs)
    in_rows = torch.zeros_like(rows)
    for block in pair_blocks(pairs.size(1), rows.size(1)):
        pulled = (rows[pairs[0, block]] - rows[pairs[1, block]]).mul_(-2 * product[block, None])
        in_rows.index_add_(0, pairs[0, block], pulled)
        in_rows.index_add_(0, pairs[1, block], pulled, alpha=-1)
    return unit_rows_backward(in_rows, rows, reciprocal), in_precision


def pair_scale(precision: Tensor, pairs: Tensor) -> Tensor:
    """`p_i p_j` of each pair, or the one `p^2`."""
    return precision.square() if precision.dim() == 0 else precision[pairs[0]] * precision[pairs[1]]


def pair_blocks(num_pairs: int, dim: int) -> list[slice]:
    """Pairs in blocks whose differences take a fixed amount of memory."""
    step = max(1, PairKernel.BLOCK // max(dim, 1))
    return [slice(start, min(start + step, num_pairs)) for start in range(0, num_pairs, step)]


def _careful_pair_weights(
    exponents: Tensor, pairs: Tensor, num_nodes: int, dtype: torch.dtype
) -> tuple[Tensor, Tensor]:
    """As `_careful_weights`, for chosen pairs; exponents are shifted only where a row would vanish."""
    tiny = SMALLEST_WEIGHT[dtype]
    if not exponents.numel():
        return exponents.to(dtype), exponents.to(dtype)
    nodes = torch.cat([pairs[0], pairs[1]])
    best = exponents.new_full((num_nodes,), -math.inf).scatter_reduce_(0, nodes, exponents.repeat(2), "amax")
    touched = best > -math.inf
    if not float(best[touched].min()) < math.log(FAINT_ROW[dtype]):
        smooth = drop_smallest(exponents.exp()).to(dtype)
        return smooth, smooth
    smooth = (exponents - best.max()).exp()
    smooth = torch.where(smooth < tiny, 0.0, smooth).to(dtype)
    mass = smooth.new_zeros(num_nodes).index_add_(0, nodes, smooth.repeat(2))
    lost = touched & (mass == 0)
    weights = smooth.clone()
    if bool(lost.any()):
        # A lost node keeps its nearest pair: of several equally near, that with the neighbour of the smallest index.
        sources, targets = torch.cat([pairs[1], pairs[0]]), nodes
        nearest = lost[targets] & (exponents.repeat(2) == best[targets])
        kept = torch.full((num_nodes,), num_nodes, device=pairs.device)
        kept.scatter_reduce_(0, targets[nearest], sources[nearest], "amin")
        rescued = lost[targets] & (sources == kept[targets])
        weights[rescued[: pairs.size(1)] | rescued[pairs.size(1) :]] = tiny
    return weights, smooth
