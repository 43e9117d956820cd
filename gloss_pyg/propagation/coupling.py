"""Which classes are neighbours of which: coupling matrices, given or learned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import ConfigError


class Coupling(torch.nn.Module):
    r"""A symmetric matrix whose rows sum to 0, with eigenvalues between -1 and 1; calling it gives the matrix.

    A learned one is

    .. math:: H = \tanh\left(J \tfrac{K + K^T}{2} J\right), \qquad J = I - 1/C,

    which is such a matrix whatever the parameter `K` is, and can be any.

    Args:
        matrix: What it is, or starts from.
        learned: Whether it is a parameter.

    Raises:
        ConfigError: for a matrix that is not as above.
    """

    def __init__(self, matrix: Sequence[Sequence[float]], *, learned: bool) -> None:
        super().__init__()
        given = _checked(matrix)
        self.learned = learned
        if learned:
            values, basis = np.linalg.eigh(given)
            start = torch.tensor((basis * np.arctanh(values)) @ basis.T, dtype=torch.get_default_dtype())
            self.free = torch.nn.Parameter(start)
        else:
            self.given: Tensor
            self.register_buffer("given", torch.tensor(given, dtype=torch.get_default_dtype()))

    def forward(self) -> Float[Tensor, "classes classes"]:
        """The matrix."""
        if not self.learned:
            return self.given
        found: Tensor = _Tanh.apply(self.free)  # type: ignore[no-untyped-call]
        return found


def _centred(matrix: Tensor) -> Tensor:
    """`J (K + K^T) J / 2`, which is its own adjoint."""
    symmetric = (matrix + matrix.T).mul_(0.5)
    means = symmetric.mean(dim=0)
    return symmetric.sub_(means).sub_((means - means.mean())[:, None])


class _Tanh(torch.autograd.Function):
    """The hyperbolic tangent of the centred symmetric part of a matrix, `Q tanh(k) Q^T`.

    The derivative in the direction `G` is `Q (R * Q^T G Q) Q^T` with the divided differences
    `R_ab = (tanh k_a - tanh k_b) / (k_a - k_b) = sinh(k_a - k_b) / ((k_a - k_b) cosh k_a cosh k_b)`, finite for equal
    eigenvalues too, unlike the derivative of eigenvectors (Daleckii & Krein, 1965).
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        values, basis = torch.linalg.eigh(_centred(matrix.double()))
        ctx.save_for_backward(values, basis)
        result: Tensor = ((basis * values.tanh()) @ basis.T).to(matrix.dtype)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        values, basis = ctx.saved_tensors
        apart = values[:, None] - values
        ratio = torch.where(apart == 0, 1.0, apart.sinh() / torch.where(apart == 0, 1.0, apart))
        ratio = ratio / (values[:, None].cosh() * values.cosh())
        found = basis @ (ratio * (basis.T @ gradient.double() @ basis)) @ basis.T
        return _centred(found).to(gradient.dtype)


def _checked(coupling: Sequence[Sequence[float]]) -> "np.ndarray[Any, np.dtype[np.float64]]":
    try:
        matrix = np.array(coupling, dtype=np.float64)
    except ValueError as error:
        raise ConfigError(f"coupling={coupling!r} has rows of different lengths, expected a matrix.") from error
    what = f"coupling of shape {matrix.shape}"
    if matrix.ndim != 2 or len(matrix) != matrix.shape[1] or not np.isfinite(matrix).all():
        raise ConfigError(f"{what}: expected as many rows as columns of finite numbers.")
    if not np.allclose(matrix, matrix.T, atol=1e-6):
        raise ConfigError(f"{what} is not symmetric: what class a says of b, b must say of a. Take the mean of both.")
    if not np.allclose(matrix.sum(axis=1), 0, atol=1e-6):
        raise ConfigError(f"{what} has rows that do not sum to 0. From a matrix of probabilities take 1 / C off.")
    largest = float(np.abs(np.linalg.eigvalsh(matrix)).max(initial=0))
    if not largest < 1:
        raise ConfigError(f"{what} has an eigenvalue of size {largest:.3g}, expected less than 1: scale it down.")
    return matrix
