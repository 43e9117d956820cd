"""The k-nearest-neighbour graph with Gaussian weights."""

from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.attachment import Attachment
from gloss_pyg.graph.bandwidth import Bandwidth, SigmaRule
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.distances import unit_rows
from gloss_pyg.graph.neighbours import Search, nearest_neighbours
from gloss_pyg.graph.pairs import weigh_pairs


@final
@functional_transform("knn_gaussian")
class KNNGaussian(GraphRule):
    r"""Connect each document with its `k` nearest; for wide kernels, many classes, and graphs of many documents.

    .. math:: W_{ij} = \exp\left(-\frac{\|x_i - x_j\|^2}{2\sigma^2}\right)
        \text{ if } j \in N_k(i) \text{ or } i \in N_k(j), \text{ else } 0

    Prefer it where a batch holds many classes, or `sigma` is so wide that all documents weigh alike; of one batch with
    few classes `DenseGaussian` gives every pair a gradient, and is as fast up to about 2000 documents.

    The choice of neighbours has no gradient, the weights of the chosen pairs have. Neighbours are exact; of equally
    near ones those of smaller index are taken.

    Args:
        k: Neighbours of each document, at least 1; with fewer than `k + 1` documents the graph is complete.
        sigma: Bandwidth, as in `DenseGaussian`.
        search: How neighbours among more than about 2000 documents are looked for: in `blocks` of our own, or through
            `faiss` (extra "knn"). What is found is the same.

    Shapes: `data.x [N, d]` to `edge_index [2, E]`, `edge_weight [E]`, with `N k <= E <= 2 N k` (the union of both
    directions), sorted by target, then source.

    Raises:
        ConfigError: if `k` is below 1, or `search` unknown; for `sigma` as in `DenseGaussian`.
        DataError: for embeddings that are not a finite float matrix.

    `MutualKNNGaussian` keeps those of these edges that both ends chose.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, section on graph construction.

    Example:
        >>> from torch_geometric.data import Data
        >>> graph = KNNGaussian(k=1, sigma=1.0)(Data(x=torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])))
        >>> graph.edge_index.tolist()
        [[1, 0, 2, 1], [0, 1, 1, 2]]
    """

    def __init__(self, k: int = 10, sigma: float | SigmaRule = "sqrt", search: Search = "blocks") -> None:
        super().__init__()
        self.bandwidth = Bandwidth(sigma)
        if not isinstance(k, int) or k < 1:
            raise ConfigError(f"KNNGaussian: k={k!r}, expected at least 1 neighbour, a whole number.")
        if search not in ("blocks", "faiss"):
            raise ConfigError(f"KNNGaussian: search={search!r}, expected 'blocks' or 'faiss'.")
        self.k = k
        self.search = search

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges between nearest neighbours, both directions, and their weights."""
        n = x.size(0)
        found = nearest_neighbours(unit_rows(x.detach())[0], self.k, search=self.search)
        first, second = found
        code = torch.unique(torch.minimum(first, second) * n + torch.maximum(first, second))
        return weigh_pairs(x, self.bandwidth(x, found), torch.stack([code // n, code % n]))

    def attachment(self, x: Float[Tensor, "nodes dim"]) -> Attachment:
        """How to attach new documents to the graph of these embeddings: to their `k` nearest."""
        return Attachment(unit_rows(x.detach())[0], self.bandwidth(x).detach(), self.k, self.search)

    def extra_repr(self) -> str:
        """The number of neighbours."""
        return f"k={self.k}"
