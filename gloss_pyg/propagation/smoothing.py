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
    keeps `(1 - a) Y`.

    Args:
        matrix: `W`.
        rows: `Y`, of any sign.
        damping: `a`, above 0 and below 1; differentiable.
    """
    isolated = matrix.degree <= 0
    degree = torch.where(isolated, 1.0, matrix.degree)
    root = degree.sqrt()[:, None]
    leaving = (1 - damping) / damping
    spread = root * matrix.solve_grounded(leaving * degree, leaving * root * rows)
    return torch.where(isolated[:, None], (1 - damping) * rows, spread)
