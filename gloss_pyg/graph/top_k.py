"""Keep the strongest edges of any graph."""

from typing import final

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.base import GraphStep
from gloss_pyg.graph.batches import graph_sizes, set_edges
from gloss_pyg.graph.edges import from_off_diagonal, is_complete, is_marked_symmetric, mark_symmetric, off_diagonal
from gloss_pyg.graph.log_weights import note_selection
from gloss_pyg.graph.neighbours import smallest_of_rows


@final
@functional_transform("keep_top_k")
class TopK(GraphStep):
    r"""Keep each node's `k` strongest edges; makes a sparse graph of any rule: `Compose([DenseStudentT(), TopK(10)])`.

    .. math:: W'_{ij} = W_{ij} \text{ if } j \in T_k(i) \text{ or } i \in T_k(j), \text{ else } 0

    with `T_k(i)` the sources of the `k` strongest edges into `i`; of equally strong ones those of smaller index. Which
    edges stay has no gradient, their weights have.

    Args:
        k: Edges of each node, at least 1.

    Shapes: `data.edge_index [2, E]`, `data.edge_weight [E]` (and `data.edge_attr [E, ...]` where there is one) to the
    same with fewer edges, in the order that they had. Self-loops stay and are not counted; edges of weight zero, which
    lead nowhere, go. A symmetric graph stays symmetric, and marked so.

    Raises:
        ConfigError: if `k` is below 1.
        DataError: if there are no edges yet, or no weight for each, or weights that are negative or not finite.

    After `DenseGaussian` it gives the edges of `KNNGaussian`, which is quicker and needs no memory for all pairs.

    Source: Iscen, Tolias, Avrithis, Chum, "Label Propagation for Deep Semi-supervised Learning", CVPR 2019, section 4.2
    (there with `W + W^T`, which weighs edges that both ends chose twice).

    Example:
        >>> edges = torch.tensor([[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]])
        >>> data = Data(edge_index=edges, edge_weight=torch.tensor([0.9, 0.1, 0.9, 0.2, 0.1, 0.2]), num_nodes=3)
        >>> TopK(1)(data).edge_index.tolist()
        [[1, 0, 2, 1], [0, 1, 1, 2]]
    """

    def __init__(self, k: int = 10) -> None:
        super().__init__()
        if not isinstance(k, int) or k < 1:
            raise ConfigError(f"TopK: k={k!r}, expected at least 1 edge a node, a whole number.")
        self.k = k

    def forward(self, data: Data) -> Data:
        """Return `data` without its weaker edges."""
        edge_index, edge_weight = data.get("edge_index"), data.get("edge_weight")
        _check(edge_index, edge_weight)
        n = int(data.num_nodes or 0)
        kept = self._kept(edge_index, edge_weight.detach(), n)
        if bool(kept.all()):
            return data  # the very tensors, with all that is known of them
        fewer, weight = edge_index[:, kept], edge_weight[kept]
        if is_marked_symmetric(edge_index, edge_weight):
            mark_symmetric(fewer, weight)
        note_selection(edge_weight, kept, weight)
        attributes = data.get("edge_attr")
        if attributes is not None:
            data.edge_attr = attributes[kept]
        return set_edges(data, fewer, weight, graph_sizes(data, n))

    def _kept(self, edge_index: Int[Tensor, "2 edges"], weight: Tensor, n: int) -> Bool[Tensor, " edges"]:
        if is_complete(edge_index, n):
            if n <= self.k + 1:
                return weight > 0
            chosen = smallest_of_rows(from_off_diagonal(weight, n).fill_diagonal_(-1).neg_(), self.k)
            return off_diagonal(chosen | chosen.T) & (weight > 0)
        source, target = edge_index
        loop = source == target
        # By target, then from strong to weak, then by source; each sort keeps the order of the one before.
        order = source.argsort(stable=True)
        order = order[weight[order].masked_fill(loop[order], torch.inf).argsort(stable=True, descending=True)]
        order = order[target[order].argsort(stable=True)]
        degree = torch.bincount(target, minlength=n)
        loops = torch.bincount(target[loop], minlength=n)  # first of their target, for they were made strongest
        first = degree.cumsum(0) - degree
        place = torch.arange(order.numel(), device=order.device) - first[target[order]]
        chosen = torch.empty_like(loop)
        chosen[order] = place < self.k + loops[target[order]]
        code, reverse = target * n + source, source * n + target
        return (chosen | torch.isin(code, reverse[chosen])) & (weight > 0)

    def extra_repr(self) -> str:
        """The number of edges."""
        return f"k={self.k}"


def _check(edge_index: Tensor | None, edge_weight: Tensor | None) -> None:
    if edge_index is None or edge_weight is None:
        raise DataError("TopK chooses among weighted edges and found none: put a rule before it, in a Compose.")
    if edge_weight.shape != edge_index.shape[1:]:
        raise DataError(
            f"TopK found {edge_index.size(1)} edges but edge_weight of shape {tuple(edge_weight.shape)}; perhaps a "
            "transform before it changed the edges but not their weights."
        )
    sound = (edge_weight >= 0) & edge_weight.isfinite()
    if not bool(sound.all()):
        raise DataError("TopK: edge_weight must be finite and not negative.")
