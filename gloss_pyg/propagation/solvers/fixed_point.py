r"""Fixed points of message passing, with the gradient of the fixed point instead of that of the steps.

The iteration `Y <- A Y + B`, with `A` given by edges, converges for a walk that leaves every group of nodes with
positive probability. At the fixed point `Y = A Y + B`, so with `G = dL/dY` the adjoint `K = A^T K + G` is a fixed point
of the same kind over reversed edges, and

.. math:: \frac{dL}{dB} = K, \qquad \frac{dL}{dA_{ij}} = K_i \cdot Y_j.

Nothing is stored of the steps: memory does not grow with their number.

Weights and inflow are handed over in float64, since gradients in them may leave float32's range long before they meet
the weights that they came from; the iteration runs in the precision that is asked for, and a steep gradient in float64.
"""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.propagation.solvers.precision import is_steep
from gloss_pyg.propagation.solvers.structure import Structure

# Steps between two at which it is looked whether anything still changes.
EVERY = 8

# Called with the residual of an iteration that stopped early.
Complaint = Callable[[float], None]


def fixed_point(
    structure: Structure,
    edge_weight: Float[Tensor, " edges"],
    inflow: Float[Tensor, "nodes classes"],
    *,
    dtype: torch.dtype,
    tolerance: float,
    max_iterations: int,
    complain: Complaint,
) -> Float[Tensor, "nodes classes"]:
    """The solution of `Y = A Y + B`, differentiable in the edge weights (`A`) and the inflow (`B`).

    Args:
        structure: Edges of `A`.
        edge_weight: Their weights in the structure's order, in float64.
        inflow: `B`, in float64.
        dtype: Precision of the iteration and of the result.
        tolerance: Largest error of an entry of `Y`, relative to its row's largest, or where the inflow has negative
            numbers to the largest of all; estimated from the rate at which steps shrink.
        max_iterations: Steps after which the solution is taken as it is.
        complain: Called once for a solve that did not get there, with the estimated error.
    """
    settings = (tolerance, max_iterations, complain)
    result: Tensor = _FixedPoint.apply(edge_weight, inflow, structure, dtype, settings)  # type: ignore[no-untyped-call]
    return result


class _FixedPoint(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, edge_weight: Tensor, inflow: Tensor, structure: Structure, dtype: torch.dtype, settings: Any
    ) -> Tensor:
        solution = _iterate(structure, edge_weight.to(dtype), inflow.to(dtype), settings)
        ctx.save_for_backward(edge_weight, solution)
        ctx.structure, ctx.settings = structure, settings
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        edge_weight, solution = ctx.saved_tensors
        structure: Structure = ctx.structure
        dtype = torch.float64 if is_steep(gradient) else solution.dtype
        turned = structure.transposed
        weights = edge_weight if turned.order is None else edge_weight[turned.order]
        adjoint = _iterate(turned, weights.to(dtype), gradient.to(dtype).contiguous(), ctx.settings)
        in_weight = structure.pairs(adjoint, solution.to(dtype))
        return in_weight.to(edge_weight.dtype), adjoint.to(edge_weight.dtype), None, None, None


@torch.no_grad()
def _iterate(structure: Structure, edge_weight: Tensor, inflow: Tensor, settings: Any) -> Tensor:
    complain: Complaint
    tolerance, max_iterations, complain = settings
    if not edge_weight.numel() or not inflow.numel():
        return inflow.clone()
    current, step, error = inflow, float("inf"), float("inf")
    # Without negative numbers every row is computed to full relative accuracy, so that rows far from all labels, whose
    # numbers are small but are divided by their sum in the end, can be asked for as many digits as the others.
    by_row = bool((inflow >= 0).all())
    size = 1.0 if by_row else float(inflow.abs().max())
    matrix, measured = structure.with_weights(edge_weight), 0
    for count in range(1, max_iterations + 1):
        before, current = current, torch.addmm(inflow, matrix, current)
        # To measure a step takes longer than to make it on small graphs: after the first ones, every few.
        if count > 2 and count < measured + min(measured, EVERY) and count < max_iterations:
            continue
        change = (current - before).abs()
        if by_row:
            largest = current.amax(dim=1)
            change = change.amax(dim=1) / torch.where(largest > 0, largest, 1.0)
        previous, step = step, float(change.max())
        size = size if by_row else max(size, float(current.abs().max()))
        # Steps shrink by the spectral radius r of A in the long run, so the rest of the way is r / (1 - r) steps.
        shrunk = step / previous if previous > 0 else 0.0
        rate = min(shrunk ** (1 / (count - measured)), 1 - 1e-12)
        measured = count
        error = step * rate / (1 - rate)
        if step <= 2 * torch.finfo(current.dtype).eps * size or (previous < float("inf") and error <= tolerance * size):
            return current
    complain(error / size if size else error)
    return current
