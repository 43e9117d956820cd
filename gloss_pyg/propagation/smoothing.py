"""The resolvent of the normalised weights, which several layers smooth with."""

import torch
from jaxtyping import Float
from torch import Tensor

from gloss_pyg.propagation.solvers.matrix import WeightMatrix


def smooth(
    matrix: WeightMatrix, rows: Float[Tensor, "nodes columns"], damping: float | Float[Tensor, ""]
) -> Float[Tensor, "nodes columns"]:
    r"""Rows spread over the graph.

    .. math:: F = (1 - a) (I - a S)^{-1} Y, \qquad S = D^{-1/2} W D^{-1/2}

    With `F = D^1/2 G` the system becomes, divided by `a`,

    .. math:: \left(D - W + \tfrac{1 - a}{a} D\right) G = \tfrac{1 - a}{a} D^{1/2} Y,

    a Laplacian that each node may leave, solved without loss of digits however near `a` is to one. A node without edges
    keeps `(1 - a) Y`. So does one that only sends (of a directed graph), whose degree is taken to be the mean of its
    component.

    Args:
        matrix: `W`.
        rows: `Y`, of any sign.
        damping: `a`, above 0 and below 1; differentiable.
    """
    isolated = matrix.degree <= 0
    degree = torch.where(isolated, 1.0 if matrix.symmetric else _mean_degree(matrix), matrix.degree)
    root = degree.sqrt()[:, None]
    leaving = (1 - damping) / damping
    exits = torch.where(isolated, degree / damping, leaving * degree)  # with what W 1 lacks there
    return root * matrix.solve_grounded(exits, leaving * root * rows)


def _mean_degree(matrix: WeightMatrix) -> Float[Tensor, " nodes"]:
    """Of the nodes of the component that receive anything; 1 where none does."""
    sums = matrix.by_component(torch.stack([matrix.degree, (matrix.degree > 0).to(matrix.degree.dtype)], dim=1))
    return torch.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1].clamp(min=1), 1.0)
