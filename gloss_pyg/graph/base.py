"""What a graph rule is: a transform from embeddings to a weighted graph, differentiable in the embeddings."""

from abc import abstractmethod
from typing import final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gloss_pyg.errors import DataError
from gloss_pyg.graph.bandwidth import Bandwidth, SigmaRule
from gloss_pyg.graph.edges import mark_symmetric


class GraphRule(BaseTransform, nn.Module):  # type: ignore[misc]  # in this order: the other changes the caller's Data
    """Base of the rules that turn embeddings into a graph with Gaussian weights.

    A rule takes `Data(x=embeddings [N, d])` and returns a copy with `edge_index [2, E]` and `edge_weight [E]`:
    symmetric, without self-loops, differentiable in `x`. Rows are L2-normalised first. Half-precision embeddings are
    computed in float32. Several graphs in one `Batch` each get their own edges.

    Args:
        sigma: Bandwidth of the kernel: a number or a rule, see `gloss_pyg.graph.bandwidth`.

    Subclasses write `edges`.
    """

    def __init__(self, sigma: float | SigmaRule = "sqrt") -> None:
        nn.Module.__init__(self)
        self.bandwidth = Bandwidth(sigma)

    @abstractmethod
    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges and weights for embeddings in float32 or float64, marked symmetric."""

    @property
    def needs_fit(self) -> bool:
        """Whether `fit_sigma` is still to be called."""
        return self.bandwidth.needs_fit

    def fit_sigma(self, embeddings: Float[Tensor, "documents dim"]) -> None:
        """Fit the bandwidth once from the pretrained embeddings `[n, d]` of the training documents."""
        self.bandwidth.fit(embeddings)

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(self, data: Data) -> Data:
        """Return `data` with the rule's edges in place of any that it had.

        Raises:
            DataError: if `data.x` is missing, not a float matrix `[N, d]`, or not finite.
        """
        x = data.x
        if x is None or x.dim() != 2 or not x.is_floating_point() or x.size(1) == 0:
            given = "nothing" if x is None else f"{x.dtype} of shape {tuple(x.shape)}"
            raise DataError(f"A graph rule needs embeddings as data.x, floats of shape [nodes, dim]; got {given}.")
        if x.dtype in (torch.float16, torch.bfloat16):
            x = x.float()
        batch = getattr(data, "batch", None)
        if batch is None or batch.numel() == 0 or int(batch[-1]) == 0:
            data.edge_index, data.edge_weight = self.edges(x)
        else:
            data.edge_index, data.edge_weight = self._edges_by_graph(x, torch.bincount(batch).tolist())
        if data.get("edge_attr") is not None:
            data.edge_attr = None  # it described the edges that were replaced
        return data

    def _edges_by_graph(self, x: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        parts = [self.edges(rows) for rows in x.split(sizes)]
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0).tolist()
        edge_index = torch.cat([index + start for (index, _), start in zip(parts, starts, strict=True)], dim=1)
        edge_weight = torch.cat([weight for _, weight in parts])
        return edge_index, mark_symmetric(edge_index, edge_weight)

    def __repr__(self) -> str:
        return nn.Module.__repr__(self)
