"""Edges learned from several views of the embeddings."""

import copy
from typing import final

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.utils import coalesce

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.dense import DenseGaussian
from gloss_pyg.graph.distances import differentiable_unit_rows
from gloss_pyg.graph.edges import Square, mark_symmetric, squares
from gloss_pyg.graph.fitting import Fittable
from gloss_pyg.graph.sized import Sized, check_size, unsized


@final
@functional_transform("multi_head_edges")
class MultiHeadEdges(GraphRule, Sized):
    r"""Average a rule's weights over several learned maps of the embeddings; when distance itself is to be learned.

    .. math:: W_{ij} = \frac{1}{H} \sum_{h=1}^H w_h(A_h x_i, A_h x_j), \quad x_i = \frac{e_i}{\|e_i\|}

    with `w_h` the weight that the rule gives the pair. Each head decides by its own directions in the embedding space
    which documents are near, so that documents may be near in one respect; the loss teaches it which respects carry
    labels, also where the encoder is frozen. The parameters are trained with the encoder by our training commands.

    Args:
        dim: Columns of the embeddings, `d`; by default what the encoder has, told before training
            (`gloss_pyg.training.set_sizes`).
        num_heads: Heads, `H`. Default 4.
        head_dim: Rows of each `A_h`; by default `dim / num_heads`, at least 1. Maps start with orthonormal rows (or
            columns, whichever are fewer), drawn from torch's generator.
        rule: What each head weighs pairs with, copied for each, so that a learned bandwidth is one a head:
            `DenseGaussian`, `DenseCosine`, any rule. Default `DenseGaussian("learned")`.

    Shapes: `data.x [N, dim]` to the edges of the rule; of a sparse one all pairs that a head connects, sorted by
    target, then source.

    Where a bandwidth is so small that weights underflow, each head's may carry a constant of its own.

    Raises:
        ConfigError: for numbers below 1; for what the rule refuses.
        DataError: for embeddings that are not a finite float matrix with `dim` columns.

    Requires: labels enough to learn `H * head_dim * dim` numbers from; else `DenseGaussian("learned")` learns one.

    Source: Chen, Wu, Zaki, "Iterative Deep Graph Learning for Graph Neural Networks: Better and Robust Node
    Embeddings", NeurIPS 2020, equations 2 and 3. There a head is a vector that weighs the columns, similarities are
    cosines, and their mean is cut at a threshold; here maps mix columns and each head's weights are never negative.

    Example:
        >>> from torch_geometric.data import Data
        >>> rule = MultiHeadEdges(dim=4, num_heads=2, rule=DenseGaussian(sigma=1.0))
        >>> graph = rule(Data(x=torch.eye(4)))
        >>> graph.edge_weight.shape, sum(parameter.numel() for parameter in rule.parameters())
        (torch.Size([12]), 16)
    """

    def __init__(
        self,
        dim: int | None = None,
        num_heads: int = 4,
        head_dim: int | None = None,
        rule: GraphRule | None = None,
    ) -> None:
        super().__init__()
        if min(number for number in (dim, num_heads, head_dim) if number is not None) < 1:
            raise ConfigError(
                f"MultiHeadEdges: dim={dim}, num_heads={num_heads}, head_dim={head_dim}: each must be at least 1."
            )
        self.dim = dim
        self.num_heads = num_heads
        self.head_dim = head_dim
        rule = DenseGaussian("learned") if rule is None else rule
        self.heads = nn.ModuleList(_Head(copy.deepcopy(rule)) for _ in range(num_heads))
        if dim is not None:
            self._draw(dim)

    @property
    def open_sizes(self) -> tuple[str, ...]:
        """See `Sized.open_sizes`."""
        return ("dim",) if self.dim is None else ()

    def set_sizes(self, dim: int, num_classes: int) -> None:  # noqa: ARG002 - one interface for rules and layers
        """See `Sized.set_sizes`: draw the heads, if `dim` was left open."""
        check_size(self, "dim", self.dim, dim)
        if self.dim is None:
            self._draw(dim)

    def _draw(self, dim: int) -> None:
        self.dim = dim
        rows = max(dim // self.num_heads, 1) if self.head_dim is None else self.head_dim
        for head in self.heads:
            head.weight = nn.Parameter(nn.init.orthogonal_(torch.empty(rows, dim)))

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges that a head has, and the mean of their weights over the heads."""
        if self.dim is not None and x.size(1) != self.dim:
            raise DataError(f"MultiHeadEdges was made for embeddings of dim={self.dim} columns; got {x.size(1)}.")
        rows = differentiable_unit_rows(x)
        views = [head(rows) for head in self.heads]
        edge_index = views[0][0]
        weights = [weight for _, weight in views]
        # Complete graphs of a size share one edge list.
        if all(other is edge_index for other, _ in views):
            return edge_index, mark_symmetric(edge_index, _mean(weights))
        edge_index, edge_weight = coalesce(
            torch.cat([other for other, _ in views], dim=1),
            torch.cat(weights) / len(views),
            num_nodes=x.size(0),
            reduce="sum",
            sort_by_row=False,
        )
        return edge_index, mark_symmetric(edge_index, edge_weight)


def _mean(weights: list[Tensor]) -> Tensor:
    """The mean, with the note of its matrix where all had one."""
    mean = torch.stack(weights).mean(dim=0)
    known = [square.matrix for weight in weights if (square := squares.get(weight)) is not None]
    if len(known) == len(weights):
        squares.put(mean, Square(torch.stack(known).mean(dim=0)))
    return mean


class _Head(Fittable):
    """A linear map and the rule that sees its result, whose bandwidth is fitted on mapped embeddings."""

    weight: nn.Parameter | None

    def __init__(self, rule: GraphRule) -> None:
        super().__init__()
        self.register_parameter("weight", None)
        self.rule = rule

    @property
    def needs_fit(self) -> bool:
        return self.rule.needs_fit

    def fit(self, embeddings: Tensor, labels: NDArray[np.int64] | None = None) -> None:
        with torch.no_grad():
            rows = embeddings if self.weight is None else embeddings.to(self.weight.device)
            self.rule.fit_sigma(self._view(differentiable_unit_rows(rows)), labels)

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        return self.rule.edges(self._view(rows))

    def _view(self, rows: Tensor) -> Tensor:
        if self.weight is None:
            raise unsized("MultiHeadEdges", "dim")
        return nn.functional.linear(rows, self.weight.to(rows.dtype))
