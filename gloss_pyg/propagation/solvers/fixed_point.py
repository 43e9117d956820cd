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
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.propagation.solvers.precision import is_steep

# Sends rows `x` along edges with weights and adds what arrives: (edge_index, x, edge_weight) -> rows.
Messages = Callable[[Tensor, Tensor, Tensor], Tensor]
# Called with the residual of an iteration that stopped early.
Complaint = Callable[[float], None]


def fixed_point(
    messages: Messages,
    edge_index: Int[Tensor, "2 edges"],
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
        messages: How a layer sends rows along weighted edges.
        edge_index: Edges of `A`, from row 0 to row 1.
        edge_weight: Their weights, in float64.
        inflow: `B`, in float64.
        dtype: Precision of the iteration and of the result.
        tolerance: Largest error of an entry of `Y`, relative to its row's largest, or where the inflow has negative
            numbers to the largest of all; estimated from the rate at which steps shrink.
        max_iterations: Steps after which the solution is taken as it is.
        complain: Called once for a solve that did not get there, with the estimated error.
    """
    settings = (messages, tolerance, max_iterations, complain)
    result: Tensor = _FixedPoint.apply(edge_weight, inflow, edge_index, dtype, settings)  # type: ignore[no-untyped-call]
    return result


class _FixedPoint(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, edge_weight: Tensor, inflow: Tensor, edge_index: Tensor, dtype: torch.dtype, settings: Any
    ) -> Tensor:
        solution = _iterate(edge_index, edge_weight.to(dtype), inflow.to(dtype), settings)
        ctx.save_for_backward(edge_index, edge_weight, solution)
        ctx.settings = settings
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None, None, None]:
        edge_index, edge_weight, solution = ctx.saved_tensors
        dtype = torch.float64 if is_steep(gradient) else solution.dtype
        adjoint = _iterate(edge_index.flip(0), edge_weight.to(dtype), gradient.to(dtype).contiguous(), ctx.settings)
        source, target = edge_index
        in_weight = (adjoint[target] * solution.to(dtype)[source]).sum(dim=1)
        return in_weight.to(edge_weight.dtype), adjoint.to(edge_weight.dtype), None, None, None


@torch.no_grad()
def _iterate(edge_index: Tensor, edge_weight: Tensor, inflow: Tensor, settings: Any) -> Tensor:
    messages: Messages
    messages, tolerance, max_iterations, complain = settings
    if not edge_index.size(1) or not inflow.numel():
        return inflow.clone()
    current, step, error = inflow, float("inf"), float("inf")
    # Without negative numbers every row is computed to full relative accuracy, so that rows far from all labels, whose
    # numbers are small but are divided by their sum in the end, can be asked for as many digits as the others.
    by_row = bool((inflow >= 0).all())
    size = 1.0 if by_row else float(inflow.abs().max())
    for _ in range(max_iterations):
        following = messages(edge_index, current, edge_weight) + inflow
        change = (following - current).abs()
        if by_row:
            largest = following.amax(dim=1)
            change = change.amax(dim=1) / torch.where(largest > 0, largest, 1.0)
        previous, step = step, float(change.max())
        current = following
        size = size if by_row else max(size, float(current.abs().max()))
        # Steps shrink by the spectral radius r of A in the long run, so the rest of the way is r / (1 - r) steps.
        rate = min(step / previous, 1 - 1e-12) if previous > 0 else 0.0
        error = step * rate / (1 - rate)
        if step <= 2 * torch.finfo(current.dtype).eps * size or (previous < float("inf") and error <= tolerance * size):
            return current
    complain(error / size if size else error)
    return current
