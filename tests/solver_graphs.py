"""Small graphs and right sides that the tests of several solvers share."""

import torch
from torch_geometric.data import Data

from gloss_pyg.graph import DenseGaussian, KNNGaussian

N, C = 12, 3


def graph_of(kind):
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(N, 4, generator=generator, dtype=torch.float64)
    if kind in ("complete", "knn"):
        graph = (DenseGaussian(0.6) if kind == "complete" else KNNGaussian(3, 0.6))(Data(x=x))
        return graph.edge_index, graph.edge_weight
    w = torch.rand(N, N, generator=generator, dtype=torch.float64)
    w = w * (torch.rand(N, N, generator=generator) < 0.4)
    if kind != "directed":
        w = w.triu(1) + w.triu(1).T
    if kind == "disconnected":
        w[:4, 4:] = w[4:, :4] = 0
        w[9, :] = w[:, 9] = 0
    if kind == "loops":
        w = w + torch.eye(N, dtype=torch.float64)
    target, source = w.nonzero().T
    edge_index, edge_weight = torch.stack([source, target]), w[target, source]
    if kind == "shuffled":
        order = torch.randperm(edge_weight.numel(), generator=generator)
        edge_index, edge_weight = edge_index[:, order], edge_weight[order]
    return edge_index, edge_weight


def complain(error):
    raise AssertionError(f"not converged: {error}")


def rows_of(seed, columns=C):
    return torch.randn(N, columns, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def symmetric_direction(edge_index, direction, kind):
    """A direction that moves both directions of an edge alike, since solvers may rely on symmetry."""
    if kind == "directed":
        return direction
    code = edge_index.min(dim=0).values * N + edge_index.max(dim=0).values
    return torch.zeros(N * N, dtype=torch.float64).index_copy(0, code, direction)[code]
