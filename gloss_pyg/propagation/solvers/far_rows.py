r"""Rows that a residual of the whole column cannot see, solved to an accuracy of their own.

Conjugate gradients stop where the residual is small against the right side as a whole. Scores that fall from edge to
edge lie below it a few edges away from all labels, and what stands there is noise; but rows are divided by their sums,
which makes noise a confident answer. Where nothing is negative the iteration

.. math:: X_F \leftarrow A X_F + B, \qquad A = D_F^{-1} W_{FF}, \quad B = D_F^{-1} (W_{FN} X_N + R_F)

from zero only ever adds, so that every row has its digits, however small it is. The rows `N` above the noise stay as
they are and are its boundary.

**The gradient** is taken in units `s` of each row's own size, `Z = X / s`, in which the system is
`Z_i = \sum_j A_ij s_j / s_i Z_j + B_i / s_i`. Its row sums are at most one, and gradients of probabilities are of the
size of one in it, so that a row a hundred orders below the others does not drown their gradients.
"""

import warnings
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph.faint import widened
from gloss_pyg.propagation.solvers.fixed_point import Complaint, fixed_point
from gloss_pyg.propagation.solvers.structure import Structure

if TYPE_CHECKING:
    from gloss_pyg.propagation.solvers.sparse import Iteration, SparseMatrix

# Rows of less than so many times the residual of a mean row are not trusted: errors are larger than residuals, by as
# much as a walk takes steps until it leaves, and a residual is not spread evenly. On a swiss roll of 1,600 nodes
# probabilities beside the boundary are then within 0.003 of the direct solver's.
MARGIN = 3000
# Below this float64 has lost digits.
SMALLEST_SUM = 1e-290


@torch.no_grad()
def rows_below_residual(
    solution: Float[Tensor, "nodes columns"],
    right: Float[Tensor, "nodes columns"],
    diagonal: Float[Tensor, " nodes"],
    tolerance: float,
) -> Bool[Tensor, " nodes"] | None:
    """Rows of a grounded solution that may be nothing but residual, `None` where there is none or numbers have signs.

    Example:
        >>> solution, right = torch.tensor([[1.0], [1e-7]]), torch.tensor([[1.0], [0.0]])
        >>> rows_below_residual(solution, right, torch.ones(2), tolerance=1e-6)
        tensor([False,  True])
    """
    if not right.numel() or float(right.min()) < 0:
        return None
    largest = torch.linalg.vector_norm(right, dim=0, dtype=torch.float64).max()
    below = diagonal * solution.sum(dim=1) < MARGIN * tolerance * largest / right.size(0) ** 0.5
    return below if bool(below.any()) else None


def solve_far_rows(
    matrix: "SparseMatrix",
    exits: Float[Tensor, " nodes"],
    right: Float[Tensor, "nodes columns"],
    solution: Float[Tensor, "nodes columns"],
    far: Bool[Tensor, " nodes"],
) -> Float[Tensor, "far columns"]:
    """The far rows of a grounded system, differentiable, in float64 since they may be far below float32's range.

    Rows that are not found in the matrix's number of iterations are zero, and counted in a warning.
    """
    near = widened(solution).clamp(min=0).masked_fill(far[:, None], 0)
    wide = matrix.with_values(widened(matrix.values))
    steps = (wide.degree + widened(exits)).reciprocal()[far]
    inflow = steps[:, None] * (wide @ near + widened(right))[far]
    among = wide.among(far)
    source, target = among.structure.source, among.structure.target
    weights = steps[target] * among.values
    found, lost = _solve(among.structure, weights.detach(), inflow.detach(), matrix.iteration, right.dtype)
    if bool(lost.any()):
        reached = matrix.led_to((right > 0).any(dim=1))
        numbers = far.nonzero().squeeze(1)[lost & reached[far]].tolist()
        if numbers:
            matrix.iteration.lose(numbers)
    size = torch.where(lost, 1.0, found.sum(dim=1))
    between = torch.where(lost[source] | lost[target], 0.0, size[source] / size[target])
    in_units: Tensor = _Known.apply(  # type: ignore[no-untyped-call]
        weights * between, inflow / size[:, None], found / size[:, None], among.structure, matrix.iteration, right.dtype
    )
    return in_units * size[:, None]


@torch.no_grad()
def _solve(
    structure: Structure, weights: Tensor, inflow: Tensor, iteration: "Iteration", asked: torch.dtype
) -> tuple[Tensor, Tensor]:
    """The rows, and which of them were not found: zero."""
    stopped: list[float] = []
    found = _iterate(structure, weights, inflow, iteration, asked, stopped.append)
    lost = found.sum(dim=1) < SMALLEST_SUM
    if stopped:
        # Two steps: where edges only join even nodes with odd ones, each changes at every other step.
        once = structure.product(weights, found) + inflow
        change = (structure.product(weights, once) + inflow - found).amax(dim=1)
        lost |= change > iteration.tolerance_for(asked) * found.amax(dim=1)
    return found.masked_fill(lost[:, None], 0), lost


def _iterate(
    structure: Structure,
    weights: Tensor,
    inflow: Tensor,
    iteration: "Iteration",
    asked: torch.dtype,
    complain: Complaint,
) -> Tensor:
    return fixed_point(
        structure,
        weights,
        inflow,
        dtype=torch.float64,
        tolerance=iteration.tolerance_for(asked),
        max_iterations=iteration.max_iterations,
        complain=complain,
    )


class _Known(torch.autograd.Function):
    """A fixed point `Z = A Z + B` that is known already: `K = A^T K + G`, `dL/dB = K`, `dL/dA_ij = K_i . Z_j`."""

    @staticmethod
    def forward(
        ctx: Any,
        weights: Tensor,
        inflow: Tensor,  # noqa: ARG004 - it is in the known rows
        known: Tensor,
        structure: Structure,
        iteration: "Iteration",
        asked: torch.dtype,
    ) -> Tensor:
        ctx.save_for_backward(weights, known)
        ctx.structure, ctx.iteration, ctx.asked = structure, iteration, asked
        return known.clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, known = ctx.saved_tensors
        turned = ctx.structure.transposed
        back = weights if turned.order is None else weights[turned.order]
        adjoint = _iterate(turned, back, gradient.contiguous(), ctx.iteration, ctx.asked, ctx.iteration.complain)
        return ctx.structure.pairs(adjoint, known), adjoint, None, None, None, None


def say_lost(numbers: list[int], who: str = "Conjugate gradients") -> None:
    """Warn of documents whose rows are zero although a label reaches them."""
    named = ", ".join(map(str, numbers[:10])) + (", ..." if len(numbers) > 10 else "")
    warnings.warn(
        f"{who} could not tell the labels of {len(numbers)} documents ({named} of those that were solved): they are "
        "tied to labelled ones so weakly that max_iterations do not reach them. Their rows are zero. Use "
        "solver='direct', see more labels, or choose a larger sigma.",
        NumericalWarning,
        stacklevel=2,
    )
