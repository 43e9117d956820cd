"""Preconditioned conjugate gradients for several right sides at once, matrix-free."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from gloss_pyg.propagation.solvers.fixed_point import Complaint

# An iteration that has come to rest on rounding is started again from the true residual, in float64 from then on.
RESTARTS = 3


@torch.no_grad()
def conjugate_gradients(
    apply: Callable[[Tensor], Tensor],
    right: Float[Tensor, "nodes columns"],
    diagonal: Float[Tensor, " nodes"],
    *,
    tolerance: float,
    max_iterations: int,
    complain: Complaint,
) -> Float[Tensor, "nodes columns"]:
    """`X` with `apply(X) = right`, for a symmetric positive (semi)definite `apply` and columns in its range.

    Preconditioned by the diagonal (Jacobi). Each column has its own step lengths; all share the products, and go on
    until the last has `|right - apply(X)| <= tolerance |right|`. The residual is that of the recurrence, checked
    against the true one at the end; where rounding keeps them apart the iteration goes on from the true one in float64.
    Memory does not grow with the number of iterations.

    Args:
        apply: The operator, for float32 and float64 rows.
        right: Right sides, one a column.
        diagonal: Positive numbers near the operator's diagonal.
        tolerance: Relative residual of each column.
        max_iterations: Products in all, after which the solution is taken as it is.
        complain: Called with the largest relative residual where that is above the tolerance.

    Source: Hestenes & Stiefel, "Methods of conjugate gradients for solving linear systems", 1952.

    Example:
        >>> matrix = torch.tensor([[2.0, -1.0], [-1.0, 2.0]])
        >>> settings = {"tolerance": 1e-6, "max_iterations": 10, "complain": print}
        >>> conjugate_gradients(lambda rows: matrix @ rows, torch.tensor([[1.0], [0.0]]), torch.ones(2), **settings)
        tensor([[0.6667],
                [0.3333]])
    """
    size = _lengths(right.double())
    goal = tolerance * size
    solution, residual = torch.zeros_like(right), right.clone()
    left = max_iterations
    error, reached = float("inf"), size
    for _ in range(RESTARTS):
        step, used = _descend(apply, residual, 1 / diagonal.to(residual.dtype), goal, left)
        solution = solution.to(step.dtype) + step
        left -= used
        residual = right - apply(solution).double()
        reached = _lengths(residual)
        error = float((reached / size.clamp(min=torch.finfo(torch.float64).tiny)).max()) if size.numel() else 0.0
        # float32 rounds the residual that is left at about 1e-7 of the right side: what is below twice the goal is met.
        if bool((reached <= 2 * goal).all()):
            return solution.to(right.dtype)
        if left <= 0:
            break
        solution = solution.double()
    complain(error)
    # Where the operator is singular but for rounding a column may have run away; zero is then the better answer.
    return torch.where(reached <= size, solution, 0.0).to(right.dtype)


def _lengths(rows: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(rows, dim=0)
    return lengths


def _descend(
    apply: Callable[[Tensor], Tensor], residual: Tensor, inverse: Tensor, goal: Tensor, limit: int
) -> tuple[Tensor, int]:
    """The step from zero, and how many products it took."""
    residual = residual.clone()
    solution = torch.zeros_like(residual)
    inverse = inverse[:, None]
    direction = torch.zeros_like(residual)
    before = residual.new_zeros(residual.size(1))
    rounding = torch.finfo(residual.dtype).eps
    for used in range(limit):
        reached = _lengths(residual).double()
        if bool((reached <= goal).all()):
            return solution, used
        preconditioned = inverse * residual
        energy = (residual * preconditioned).sum(dim=0)
        direction.mul_(_ratio(energy, before)).add_(preconditioned)
        image = apply(direction)
        curvature = (direction * image).sum(dim=0)
        # Along a direction that the operator shrinks to rounding a step would have a length of chance, up to infinity.
        flat = curvature <= rounding * direction.square().div_(inverse).sum(dim=0)
        if bool((flat | (reached <= goal)).all()):
            return solution, used + 1
        length = _ratio(energy, curvature.masked_fill(flat, 0))
        solution.addcmul_(direction, length)
        residual.addcmul_(image, length, value=-1)
        before = energy
    return solution, limit


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """`above / below`, zero for a column that is solved and has nothing to divide."""
    return torch.where(below > 0, above / torch.where(below > 0, below, 1.0), 0.0)
