"""The mutual k-nearest-neighbour graph with Gaussian weights."""

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
@functional_transform("mutual_knn_gaussian")
class MutualKNNGaussian(GraphRule):
    r"""Connect two documents if each is among the other's `k` nearest; against hubs and noise between classes.

    .. math:: W_{ij} = \exp\left(-\frac{\|x_i - x_j\|^2}{2\sigma^2}\right)
        \text{ if } j \in N_k(i) \text{ and } i \in N_k(j), \text{ else } 0

    A document that is near to many (a hub, of which high dimensions make some) has at most `k` edges here, where
    `KNNGaussian` ties it to all who chose it. The choice of neighbours has no gradient, the weights have.

    Args:
        k: Neighbours that each document chooses, at least 1; about twice that of `KNNGaussian` keeps as many edges.
        sigma: Bandwidth, as in `DenseGaussian`.

    Shapes: `data.x [N, d]` to `edge_index [2, E]`, `edge_weight [E]`, with `E <= N k`, sorted by target, then source.

    A document that nobody chose back has no edge (an outlier, or one of more than `k` equal documents, for which ties
    go by index): propagation gives it a zero row and the loss does not count it. Where many are so, raise `k`.

    Raises:
        ConfigError: if `k` is below 1; for `sigma` as in `DenseGaussian`.
        DataError: for embeddings that are not a finite float matrix.

    Source: Brito, Chavez, Quiroz, Yukich, "Connectivity of the mutual k-nearest-neighbor graph in clustering and
    outlier detection", Statistics & Probability Letters 35, 1997; Ozaki, Shimbo, Komachi, Matsumoto, "Using the Mutual
    k-Nearest Neighbor Graphs for Semi-supervised Classification of Natural Language Data", CoNLL 2011.

    Example:
        >>> from torch_geometric.data import Data
        >>> rule = MutualKNNGaussian(k=1, sigma=1.0)
        >>> rule(Data(x=torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]))).edge_index.tolist()  # nobody chose 2
        [[1, 0], [0, 1]]
    """

    def __init__(self, k: int = 20, sigma: float | SigmaRule = "sqrt") -> None:
        super().__init__()
        self.bandwidth = Bandwidth(sigma)
        if not isinstance(k, int) or k < 1:
            raise ConfigError(f"MutualKNNGaussian: k={k!r}, expected at least 1 neighbour, a whole number.")
        self.k = k

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges between documents that chose each other, and their weights."""
        n = x.size(0)
        first, second = nearest_neighbours(unit_rows(x.detach())[0], self.k)
        mutual = torch.isin(first * n + second, second * n + first, assume_unique=True) & (first < second)
        return weigh_pairs(x, self.bandwidth(x), torch.stack([first[mutual], second[mutual]]))

    def extra_repr(self) -> str:
        """The number of neighbours."""
        return f"k={self.k}"
