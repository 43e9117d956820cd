"""What a graph rule is: a transform from embeddings to a weighted graph, differentiable in the embeddings."""

from abc import abstractmethod
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gloss_pyg.errors import DataError
from gloss_pyg.graph.batches import graph_sizes, set_edges
from gloss_pyg.graph.edges import mark_symmetric
from gloss_pyg.graph.fitting import fittable_parts
from gloss_pyg.graph.precision import full_precision


class GraphStep(BaseTransform, nn.Module):  # type: ignore[misc]  # in this order: the other changes the caller's Data
    """Base of our transforms: a module, whose parameters torch finds and whose bandwidths, if any, are fitted once."""

    def __init__(self) -> None:
        nn.Module.__init__(self)

    @property
    def needs_fit(self) -> bool:
        """Whether `fit_sigma` is still to be called; never true of a step without a bandwidth to fit."""
        return any(part.needs_fit for part in fittable_parts(self))

    def fit_sigma(self, embeddings: Float[Tensor, "documents dim"], labels: NDArray[np.int64] | None = None) -> None:
        """Fit the bandwidths, if any, once from the pretrained embeddings `[n, d]` of the training documents.

        The rule `"leave-one-out"` needs their labels too, class ids `[n]`, negative where there is none.
        """
        for part in fittable_parts(self):
            part.fit(embeddings, labels)

    def __repr__(self) -> str:
        return nn.Module.__repr__(self)


class GraphRule(GraphStep):
    """Base of the rules that turn embeddings into a weighted graph.

    A rule takes `Data(x=embeddings [N, d])` and returns a copy with `edge_index [2, E]` and `edge_weight [E]`:
    symmetric, without self-loops, not negative, differentiable in `x`. Only the directions of embeddings count, not
    their lengths. Half-precision embeddings are computed in float32, also under autocast. Several graphs in one
    `Batch` each get their own edges.

    Subclasses write `edges`. One with a bandwidth makes `self.bandwidth = Bandwidth(sigma)`, and it will be fitted.

    Example:
        >>> from gloss_pyg.graph.edges import complete_edge_index, off_diagonal
        >>> class DenseUniform(GraphRule):
        ...     "Connect every pair alike."
        ...
        ...     def edges(self, x):
        ...         edge_index = complete_edge_index(len(x))
        ...         return edge_index, mark_symmetric(edge_index, x.new_ones(edge_index.size(1)))
        >>> DenseUniform()(Data(x=torch.eye(2))).edge_index.tolist()
        [[1, 0], [0, 1]]
    """

    @abstractmethod
    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges and weights for embeddings in float32 or float64, marked symmetric."""

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(self, data: Data) -> Data:
        """Return `data` with the rule's edges in place of any that it had.

        Raises:
            DataError: if `data.x` is missing, not a float matrix `[N, d]`, or not finite.
        """
        x = data.x
        if not isinstance(x, Tensor) or x.dim() != 2 or not x.is_floating_point() or x.size(1) == 0:
            given = "nothing" if x is None else type(x).__name__
            if isinstance(x, Tensor):
                given = f"{x.dtype} of shape {tuple(x.shape)}"
            raise DataError(f"A graph rule needs embeddings as data.x, floats of shape [nodes, dim]; got {given}.")
        if x.dtype in (torch.float16, torch.bfloat16):
            x = x.float()
        sizes = graph_sizes(data, x.size(0))
        with full_precision(x.device.type):
            edge_index, edge_weight = self._edges_by_graph(x, sizes) if len(sizes) > 1 else self.edges(x)
        if "edge_attr" in data:
            del data.edge_attr  # it described the edges that are replaced
        return set_edges(data, edge_index, edge_weight, sizes)

    def _edges_by_graph(self, x: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        parts = [self.edges(rows) for rows in x.split(sizes)]
        starts = torch.tensor([0, *sizes[:-1]]).cumsum(0).tolist()
        edge_index = torch.cat([index + start for (index, _), start in zip(parts, starts, strict=True)], dim=1)
        edge_weight = torch.cat([weight for _, weight in parts])
        return edge_index, mark_symmetric(edge_index, edge_weight)
