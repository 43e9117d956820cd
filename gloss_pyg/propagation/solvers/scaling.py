r"""The scaling that makes a symmetric kernel doubly stochastic, with the gradient of the scaling.

**The equations.** Wanted are positive `f` with `f_i (V f)_i = 1` for each node, `V = W + diag(o)`, `o > 0`; then
`K = diag(f) V diag(f)` is symmetric and its rows sum to one. Because the diagonal is positive there is one such `f` on
every graph, and only one: in `u = log f` the damped iteration `u <- u - log(k) / 2`, `k = f * (V f)`, has a Jacobian
whose rows' absolute values sum to at most `1 - K_ii / k_i`. Without it a star or a chain of odd length has none.

**How they are solved.** From `f = 1 / sqrt(degree)`, which takes out the range of the weights, by cheap steps: first an
undamped one, `u <- u - log k`, then a damped one, and so on. A pair of them multiplies an error along an eigenvector of
`K` with eigenvalue `l` by `-l (1 - l) / 2`: kernels of complete graphs, whose `l` are one, once, and nearly zero, are
done after a few. Graphs that nearly fall into two sides have `l` near -1 and go on with Newton's method. `log k(u) = 0`
has the Jacobian `diag(1 / k) H` with `H = diag(k) + K`, symmetric and positive definite, so that a step is one solve,
`H du = -k log k`, cut to one unit of `u`.

**The gradient.** Where `k = 1`, moving `V` by `dV` moves `u` by `-H^-1 (f * (dV f))`: one solve more, and nothing is
kept of the iterations.
"""

import warnings
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.propagation.solvers.matrix import WeightMatrix

# Largest |log k| that is left.
TOLERANCE = {torch.float32: 5e-6, torch.float64: 1e-12}
CHEAP_STEPS = 12
# On graphs of all kinds, weights sixty orders apart, 12 sufficed with a share of 1e-4 and 8 with one of 0.01.
NEWTON_STEPS = 60


def stochastic_scaling(matrix: WeightMatrix, share: float) -> Float[Tensor, " nodes"]:
    """`f` of the module docstring with `o = share * W 1`, differentiable in the weights; 1 for a node without edges.

    Args:
        matrix: `W`, symmetric.
        share: Above 0; systems get harder to solve as it falls.

    Example:
        >>> from gloss_pyg.propagation.solvers.dense import DenseMatrix
        >>> weights = torch.tensor([[0.0, 2.0], [2.0, 0.0]])
        >>> factor = stochastic_scaling(DenseMatrix(weights, symmetric=True), 0.25)
        >>> factor[:, None] * (weights + torch.eye(2) * 0.25 * 2) * factor
        tensor([[0.2000, 0.8000],
                [0.8000, 0.2000]])
    """
    result: Tensor = _Scaling.apply(matrix.values, matrix, share)  # type: ignore[no-untyped-call]
    return result


class _Scaling(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, matrix: WeightMatrix, share: float) -> Tensor:
        fixed = matrix.with_values(values)
        factor = _solve(fixed, _own(fixed, share))
        ctx.save_for_backward(values, factor)
        ctx.matrix, ctx.share = matrix, share
        return factor

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        values, factor = ctx.saved_tensors
        matrix = ctx.matrix.with_values(values)
        sums = torch.ones_like(factor)
        adjoint = _newton_step(matrix, _own(matrix, ctx.share), factor, sums, factor * gradient)
        leaf = values.detach().requires_grad_()
        with torch.enable_grad():
            moved = ctx.matrix.with_values(leaf)
            image = _row_sums(moved, _own(moved, ctx.share), factor)
        (in_values,) = torch.autograd.grad(image, leaf, -adjoint)
        return in_values, None, None


def _own(matrix: WeightMatrix, share: float) -> Tensor:
    """`o`; 1 for a node without edges, which then has a solution too."""
    return torch.where(matrix.degree > 0, share * matrix.degree, 1.0)


@torch.no_grad()
def _solve(matrix: WeightMatrix, own: Tensor) -> Tensor:
    factor = torch.where(matrix.degree > 0, matrix.degree, 1.0).rsqrt()
    if not factor.numel():
        return factor
    for turn in range(CHEAP_STEPS + NEWTON_STEPS):
        sums = _row_sums(matrix, own, factor)
        apart = sums.log()
        error = float(apart.abs().max())
        if error <= TOLERANCE[factor.dtype]:
            return factor
        if turn < CHEAP_STEPS:
            factor = factor * (sums.rsqrt() if turn % 2 else sums.reciprocal())
        else:
            step = _newton_step(matrix, own, factor, sums, sums * apart)
            factor = factor * (step / step.abs().max().clamp(min=1)).neg().exp()
    warnings.warn(
        f"The kernel is doubly stochastic to a relative error of {error:.1e} only: give a larger self_weight.",
        NumericalWarning,
        stacklevel=2,
    )
    return factor


def _row_sums(matrix: WeightMatrix, own: Tensor, factor: Tensor) -> Tensor:
    """`k = f * (W f + o f)`."""
    return factor * ((matrix @ factor[:, None]).squeeze(1) + own * factor)


def _newton_step(matrix: WeightMatrix, own: Tensor, factor: Tensor, sums: Tensor, right: Tensor) -> Tensor:
    """`H^-1 right`."""
    diagonal = own * factor.square() + sums
    return matrix.scaled(factor).solve(_curvature, right[:, None], diagonal, diagonal=diagonal).squeeze(1)


def _curvature(matrix: WeightMatrix, rows: Tensor, diagonal: Tensor) -> Tensor:
    return matrix @ rows + diagonal[:, None] * rows
