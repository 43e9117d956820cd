"""Unit rows and squared Euclidean distances between them, without the cancellation that ruins near-equal rows.

`|a - b|^2 = |a|^2 + |b|^2 - 2 a.b` costs one matrix product, where differences cost `N^2 d` subtractions, but loses all
digits once the rows are closer than about `sqrt(eps)`. Two things keep them: rows are centred first, which leaves
distances as they are and makes the rounding error proportional to the spread of the rows, not to their length; and the
product is taken in float64 wherever float32 would show in the weights.
"""

from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import DataError

# A row shorter than this has no direction that rounding would not change; it becomes the zero row, with zero gradient.
SHORTEST_ROW = 1e-30
# Lengths whose squares float32 can sum without overflow or loss; others are summed in float64.
COMFORTABLE_LENGTHS = (1e-12, 1e12)
DIFFERENCES = 1 << 18  # numbers in a block of differences: what stays near the processor
# Below this a product is too quick to be worth dividing; from here two blocks pay, from twice as many four.
FEW_ROWS = 512


def unit_rows(x: Float[Tensor, "nodes dim"]) -> tuple[Float[Tensor, "nodes dim"], Float[Tensor, "nodes 1"]]:
    """Rows divided by their Euclidean length, and the reciprocal lengths (0 for a row that is zero).

    Rows as short or as long as the number format admits neither vanish nor overflow.

    Raises:
        DataError: if a row holds NaN or infinity.
    """
    if not x.size(0):
        return x.clone(), x.new_zeros(0, 1)
    length = torch.linalg.vector_norm(x, dim=1, keepdim=True)
    shortest, longest = (float(bound) for bound in length.aminmax())  # both NaN where a row has one
    if COMFORTABLE_LENGTHS[0] < shortest and longest < COMFORTABLE_LENGTHS[1]:
        reciprocal = length.reciprocal()
        return x * reciprocal, reciprocal
    return _unit_rows_carefully(x)


def _unit_rows_carefully(x: Tensor) -> tuple[Tensor, Tensor]:
    largest = x.abs().amax(dim=1, keepdim=True)
    if not bool(largest.isfinite().all()):
        bad = (~largest.isfinite()).squeeze(1).nonzero().squeeze(1)
        raise DataError(
            f"Embeddings hold NaN or infinity in {bad.numel()} of {x.size(0)} rows (the first is row {int(bad[0])}); "
            "a graph needs finite ones. Usually the encoder has diverged: lower the learning rate, clip gradients, or "
            "train in bfloat16 instead of float16."
        )
    # Scaled by its largest entry a row's squares neither overflow nor vanish.
    scaled = x.double() / torch.where(largest > 0, largest, 1.0)
    length = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
    rows = scaled / torch.where(length > 0, length, 1.0)
    length = length * largest
    zero = length < SHORTEST_ROW
    reciprocal = torch.where(zero, 0.0, torch.where(zero, 1.0, length).reciprocal())
    return torch.where(zero, 0.0, rows).to(x.dtype), reciprocal.to(x.dtype)


def inner_products(rows: Float[Tensor, "nodes dim"]) -> Float[Tensor, "nodes nodes"]:
    """`rows rows^T`; of many rows the blocks above the diagonal are copied from below it.

    Example:
        >>> inner_products(torch.tensor([[1.0, 0.0], [1.0, 2.0]])).tolist()
        [[1.0, 1.0], [1.0, 5.0]]
    """
    n = rows.size(0)
    if n < FEW_ROWS:
        return torch.mm(rows, rows.T)
    products = rows.new_empty(n, n)
    step = -(-n // (2 if n < 2 * FEW_ROWS else 4))
    for start in range(0, n, step):
        end = min(start + step, n)
        products[start:end, :end] = torch.mm(rows[start:end], rows[:end].T)
        products[:start, start:end] = products[start:end, :start].T
    return products


def unit_rows_backward(
    gradient: Float[Tensor, "nodes dim"], rows: Float[Tensor, "nodes dim"], reciprocal: Float[Tensor, "nodes 1"]
) -> Float[Tensor, "nodes dim"]:
    """Gradient in `x` from that in `x / |x|`: the part along the row drops out, the rest scales by `1 / |x|`.

    Writes over `gradient`.
    """
    along = (gradient * rows).sum(dim=1, keepdim=True)
    return gradient.sub_(along * rows).mul_(reciprocal)


def differentiable_unit_rows(x: Float[Tensor, "nodes dim"]) -> Float[Tensor, "nodes dim"]:
    """`unit_rows` for autograd; a zero row gets no gradient."""
    return cast("Tensor", _UnitRows.apply(x))  # type: ignore[no-untyped-call]


class _UnitRows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        rows, reciprocal = unit_rows(x)
        ctx.save_for_backward(rows, reciprocal)
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rows, reciprocal = ctx.saved_tensors
        return unit_rows_backward(gradient.clone(), rows, reciprocal)


def squared_distances(
    rows: Float[Tensor, "nodes dim"], others: Float[Tensor, "others dim"] | None = None
) -> Float[Tensor, "nodes others"]:
    """Squared Euclidean distances `|rows_i - others_j|^2`, in float64, never negative.

    Both are centred on the mean of `others` (by default `rows`) and the product is taken in float64: for float32 input
    the relative error is below 1e-6 for rows as near as 1e-5, and two equal rows are at most 1e-15 apart.
    """
    reference = (rows if others is None else others).double()
    centre = reference.mean(dim=0, keepdim=True)
    right = reference - centre
    left = right if others is None else rows.double() - centre
    squares = left.square().sum(dim=1)
    other_squares = squares if others is None else right.square().sum(dim=1)
    distances = torch.nn.functional.linear(left, right).mul_(-2).add_(squares[:, None]).add_(other_squares)
    return distances.clamp_(min=0)


def distances_to(
    rows: Float[Tensor, "nodes dim"],
    chosen: Int[Tensor, "nodes k"],
    others: Float[Tensor, "others dim"] | None = None,
    dtype: torch.dtype = torch.float64,
) -> Float[Tensor, "nodes k"]:
    """Squared distances of each row to a few chosen others, by differences, in blocks.

    `others` are by default the rows themselves.
    """
    others = rows if others is None else others
    step = max(1, DIFFERENCES // max(rows.size(1) * chosen.size(1), 1))
    squares = rows.new_empty(chosen.shape, dtype=dtype)
    for start in range(0, rows.size(0), step):
        here = slice(start, start + step)
        differences = others[chosen[here]].to(dtype).sub_(rows[here, None])
        squares[here] = differences.square_().sum(dim=2)
    return squares
