"""The k-nearest-neighbour graph with Gaussian weights."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.bandwidth import Bandwidth, SigmaRule
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.distances import unit_rows
from gloss_pyg.graph.neighbours import nearest_neighbours
from gloss_pyg.graph.pairs import weigh_pairs


@final
@functional_transform("knn_gaussian")
class KNNGaussian(GraphRule):
    r"""Connect each document with its `k` nearest; for wide kernels, many classes, and graphs of many documents.

    .. math:: W_{ij} = \exp\left(-\frac{\|x_i - x_j\|^2}{2\sigma^2}\right)
        \text{ if } j \in N_k(i) \text{ or } i \in N_k(j), \text{ else } 0

    The choice of neighbours has no gradient, the weights of the chosen pairs have. Neighbours are exact; of equally
    near ones those of smaller index are taken.

    Args:
        k: Neighbours of each document, at least 1; with fewer than `k + 1` documents the graph is complete.
        sigma: Bandwidth, as in `DenseGaussian`.

    Shapes: `data.x [N, d]` to `edge_index [2, E]`, `edge_weight [E]`, with `N k <= E <= 2 N k` (the union of both
    directions), sorted by target, then source.

    Raises:
        ConfigError: if `k` is below 1; for `sigma` as in `DenseGaussian`.
        DataError: for embeddings that are not a finite float matrix.

    `MutualKNNGaussian` keeps those of these edges that both ends chose.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, section on graph construction.

    Example:
        >>> from torch_geometric.data import Data
        >>> graph = KNNGaussian(k=1, sigma=1.0)(Data(x=torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])))
        >>> graph.edge_index.tolist()
        [[1, 0, 2, 1], [0, 1, 1, 2]]
    """

    def __init__(self, k: int = 10, sigma: float | SigmaRule = "sqrt") -> None:
        super().__init__()
        self.bandwidth = Bandwidth(sigma)
        if k < 1:
            raise ConfigError(f"KNNGaussian: k={k}, expected at least 1 neighbour.")
        self.k = k

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges between nearest neighbours, both directions, and their weights."""
        n = x.size(0)
        first, second = nearest_neighbours(unit_rows(x.detach())[0], self.k)
        code = torch.unique(torch.minimum(first, second) * n + torch.maximum(first, second))
        return weigh_pairs(x, self.bandwidth(x), torch.stack([code // n, code % n]))

    def extra_repr(self) -> str:
        """The number of neighbours."""
        return f"k={self.k}"
