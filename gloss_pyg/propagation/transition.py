"""The published transition matrix on an edge list, for graphs of any kind."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.utils import scatter


def transition_weights(
    edge_index: Int[Tensor, "2 edges"], edge_weight: Float[Tensor, " edges"], num_nodes: int
) -> Float[Tensor, " edges"]:
    r"""Probability that a walk at the target of an edge steps to its source.

    .. math:: A = D^{-1/2} W D^{-1/2}, \quad B_{ij} = A_{ij} / \sum_k A_{kj}, \quad T_{ij} = B_{ij} / \sum_k B_{ik}

    with `W_ij` the weight of the edge from `j` to `i` and `D` the row sums of `W`. Columns are divided by their sums,
    then rows by theirs, as the published code does. A node that receives nothing has a zero row.

    Differentiable in the weights; weights need not be symmetric.
    """
    source, target = edge_index
    root = _inverse(scatter(edge_weight, target, dim_size=num_nodes, reduce="sum")).sqrt()
    normalised = root[target] * edge_weight * root[source]
    by_column = normalised * _inverse(scatter(normalised, source, dim_size=num_nodes, reduce="sum"))[source]
    return by_column * _inverse(scatter(by_column, target, dim_size=num_nodes, reduce="sum"))[target]


def _inverse(values: Tensor) -> Tensor:
    """Reciprocals of the positive entries, zero for the others, without an infinite gradient at zero."""
    positive = values > 0
    return torch.where(positive, torch.where(positive, values, 1.0).reciprocal(), 0.0)
