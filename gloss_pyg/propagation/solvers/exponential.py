r"""The matrix exponential of a graph applied to rows, `exp(-t (I - S)) Y`, with the gradient of the series.

**The series.** With Poisson weights `c_k = e^{-t} t^k / k!`,

.. math:: F = \sum_{k=0}^K c_k U_k, \qquad U_0 = Y, \quad U_k = S U_{k-1}.

No term is negative where `S` and `Y` are not, so nothing is ever subtracted and *every entry* has its digits, however
small: a document far from all labels has a tiny row, which is then divided by its sum. A Chebyshev expansion takes
about a third fewer terms at `t = 5` (and `O(sqrt t)` instead of `O(t)` of them), but its terms alternate: its error is
small against the largest entry of all, and far rows would be noise. The series also holds for directed graphs, which
have no real spectrum to expand over.

It stops at the first `K` at which what is left of every entry, `U_K sum_{k > K} c_k` if states no longer grow, is below
the tolerance relative to that entry, and at which nothing is reached for the first time.

**The gradient.** With `G = dL/dF`, each term contributes a sum over its factors,
`dL/dS = sum_k c_k sum_{m<k} (S^T)^{k-1-m} G U_m^T`. Collected by `m` that is

.. math::
    \frac{dL}{dS} = \sum_{m=0}^{K-1} A_m U_m^T, \qquad A_{K-1} = c_K G, \quad A_m = c_{m+1} G + S^T A_{m+1},

and `dL/dY = c_0 G + S^T A_0`, `dL/dt = -<G, (I - S) F>`. The `A_m` come in falling order of `m`, so that the states
`U_m` are needed backwards: a bounded number of them is kept, evenly spaced, and those between are computed again, in
long gaps in the same way. Memory grows with the logarithm of the number of terms.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.graph.faint import finite_cast
from gloss_pyg.propagation.solvers.fixed_point import Complaint
from gloss_pyg.propagation.solvers.matrix import WeightMatrix
from gloss_pyg.propagation.solvers.precision import is_steep

# States kept for the way back: all up to so many numbers in memory, but always a few.
KEPT_NUMBERS, KEPT = 1 << 22, 8
# States whose part of the gradient in the weights is one product.
TOGETHER = 8


def exponential(
    matrix: WeightMatrix,
    rows: Float[Tensor, "nodes columns"],
    time: Float[Tensor, ""],
    *,
    tolerance: float,
    max_terms: int,
    complain: Complaint,
) -> Float[Tensor, "nodes columns"]:
    """`exp(-time (I - S)) rows`, differentiable in the weights, the rows and the time.

    Args:
        matrix: `S`, without negative entries and with a spectral radius of at most 1.
        rows: Without negative numbers.
        time: Positive.
        tolerance: Largest relative error of an entry.
        max_terms: Terms after which the sum is taken as it is.
        complain: Called with the relative error where that is above the tolerance.
    """
    settings = (matrix, tolerance, max_terms, complain)
    result: Tensor = _Exponential.apply(matrix.values, rows, time, settings)  # type: ignore[no-untyped-call]
    return result


class _Exponential(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, rows: Tensor, time: Tensor, settings: Any) -> Tensor:
        total, trail = _sum(settings[0].with_values(values), rows, float(time), *settings[1:])
        ctx.save_for_backward(values, rows, total, time)
        ctx.settings, ctx.trail = settings, trail
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None]:
        values, rows, total, time = ctx.saved_tensors
        dtype, trail, t = gradient.dtype, ctx.trail, float(time)
        if dtype != torch.float64 and is_steep(gradient):
            values, gradient = values.double(), gradient.double()
            total, trail = _sum(ctx.settings[0].with_values(values), rows.double(), t, *ctx.settings[1:])
        matrix: WeightMatrix = ctx.settings[0].with_values(values)
        turned = matrix.transposed()
        in_time = None
        if ctx.needs_input_grad[2]:
            in_time = (gradient * (matrix @ total - total)).sum().to(time.dtype)
        in_values = torch.zeros_like(values) if ctx.needs_input_grad[0] else None
        adjoint = torch.zeros_like(gradient)
        left: list[Tensor] = []
        right: list[Tensor] = []
        for m, state in trail.backwards(lambda state: matrix @ state):
            adjoint = (turned @ adjoint).add_(gradient, alpha=poisson(m + 1, t))
            if in_values is None:
                continue
            left.append(adjoint)
            right.append(state)
            if len(left) == TOGETHER or m == 0:
                in_values += matrix.pairs(torch.cat(left, dim=1), torch.cat(right, dim=1))
                left, right = [], []
        in_rows = (turned @ adjoint).add_(gradient, alpha=poisson(0, t))
        in_values = None if in_values is None else finite_cast(in_values, dtype)
        return in_values, finite_cast(in_rows, dtype), in_time, None


def poisson(k: int, t: float) -> float:
    """`e^-t t^k / k!`."""
    return math.exp(k * math.log(t) - t - math.lgamma(k + 1))


def _sum(
    matrix: WeightMatrix, rows: Tensor, t: float, tolerance: float, max_terms: int, complain: Complaint
) -> tuple[Tensor, "_Trail"]:
    """The series, and the states before its last."""
    trail = _Trail(max(KEPT, KEPT_NUMBERS // max(rows.numel(), 1)))
    state, total, reached = rows, poisson(0, t) * rows, -1
    error = float("inf")
    for k in range(1, max_terms + 1):
        trail.add(state)
        state = matrix @ state
        total.add_(state, alpha=poisson(k, t))
        # The Poisson weights after k sum to less than the next one over this.
        rest = poisson(k + 1, t) * (k + 2) / (k + 2 - t) if k + 2 > t else 1.0
        if rest > tolerance:
            continue
        before, reached = reached, int(torch.count_nonzero(total))
        error = float((rest * state / torch.where(total > 0, total, 1.0)).max()) if reached else 0.0
        if error <= tolerance and before == reached:
            return total, trail
    complain(error)
    return total, trail


class _Trail:
    """States of an iteration, of which at most `limit` are kept, evenly spaced."""

    def __init__(self, limit: int) -> None:
        self.limit, self.spacing, self.length = limit, 1, 0
        self.kept: list[Tensor] = []

    def add(self, state: Tensor) -> None:
        """The next state; it must not be written to afterwards."""
        if self.length % self.spacing == 0:
            self.kept.append(state)
        self.length += 1
        if len(self.kept) > self.limit:
            self.kept, self.spacing = self.kept[::2], 2 * self.spacing

    def backwards(self, step: Callable[[Tensor], Tensor]) -> Iterator[tuple[int, Tensor]]:
        """All states with their numbers, from the last to the first; `step` leads from one to the next."""
        end = self.length
        for place in reversed(range(len(self.kept))):
            start, state = place * self.spacing, self.kept[place]
            if end - start == 1:
                yield start, state
            else:
                gap = _Trail(self.limit)
                gap.add(state)
                for _ in range(start + 1, end):
                    state = step(state)
                    gap.add(state)
                yield from ((start + number, found) for number, found in gap.backwards(step))
            end = start
