"""What a propagation layer is: from the labels that may be seen to class probabilities for every node.

A layer writes one method, `scores`. Everything that must hold for all layers happens here, in a `forward` that is
final: input is checked, labels outside the mask are removed before the layer sees them, scores become probabilities.
"""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch_geometric.nn import MessagePassing

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.edges import is_marked_symmetric, mark_symmetric
from gloss_pyg.propagation.checks import check_graph, check_labels
from gloss_pyg.propagation.solvers.precision import Widen, is_faint


class Propagation(MessagePassing, ABC):
    """Base of the layers that infer hidden labels from seen ones over a weighted graph.

    Args:
        num_classes: Number of classes `C`; needed only where labels are given as class ids.

    Shapes: `forward(y, edge_index, mask, edge_weight, x)` takes labels `y` as rows `[N, C]` (one-hot or soft, never
    negative) or class ids `[N]` (negative: unlabelled), `edge_index [2, E]` from row 0 to row 1, `mask [N]` (true where
    the label may be seen), `edge_weight [E]` (finite, not negative; all ones where it is `None`), and optionally the
    embeddings `x [N, d]`. It returns probabilities `[N, C]`: a row sums to 1, or is 0 where no seed is reachable.
    Half-precision weights are computed in float32.

    A subclass writes `scores` and states as class attributes:

    * `absorbing`: whether labels end at labelled nodes (a random walk that stops there) or pass through them;
    * `scores_are_probabilities`: whether its rows sum to 1 (or are 0) already and are left as they are;
    * `needs_num_classes`: whether it has parameters a class wide, so that `num_classes` must be given.

    Example:
        >>> class OneHop(Propagation):
        ...     "The weighted mean of the labels of labelled neighbours."
        ...
        ...     def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        ...         received = self.propagate(edge_index, x=seeds, edge_weight=edge_weight)
        ...         return torch.where(mask[:, None], seeds, received)
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> y, mask = torch.tensor([0, 1, -1]), torch.tensor([True, True, False])
        >>> OneHop(num_classes=2)(y, edge_index, mask, torch.ones(4)).tolist()
        [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """

    absorbing: ClassVar[bool] = False
    scores_are_probabilities: ClassVar[bool] = False
    needs_num_classes: ClassVar[bool] = False

    def __init__(self, num_classes: int | None = None) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        if num_classes is not None and num_classes < 1:
            raise ConfigError(f"{type(self).__name__}: num_classes={num_classes}, expected at least 1.")
        if num_classes is None and self.needs_num_classes:
            raise ConfigError(f"{type(self).__name__} has parameters for each class: give num_classes.")
        self.num_classes = num_classes

    @abstractmethod
    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """Scores of each class for each node, not negative; rows need not sum to 1.

        `seeds` are the label rows with every row outside `mask` at zero.
        """

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(
        self,
        y: Tensor,
        edge_index: Int[Tensor, "2 edges"],
        mask: Bool[Tensor, " nodes"],
        edge_weight: Float[Tensor, " edges"] | None = None,
        x: Float[Tensor, "nodes dim"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """Class probabilities of every node, `[N, C]`.

        Raises:
            DataError: for shapes, types or values that do not fit each other; the message names which.
        """
        edge_weight = check_graph(edge_index, edge_weight, y.size(0), x)
        dtype = edge_weight.dtype
        if is_faint(edge_weight):
            edge_weight = _widen(edge_index, edge_weight)
            x = None if x is None else x.double()
        labels = check_labels(y, mask, self.num_classes, edge_weight.dtype)
        seeds = labels.masked_fill(~mask[:, None], 0)
        scores = self.scores(seeds, edge_index, edge_weight, mask, x)
        return (scores if self.scores_are_probabilities else rows_to_one(scores)).to(dtype)

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:  # type: ignore[override]
        """What a neighbour sends: its row times the weight of the edge."""
        return edge_weight.view(-1, 1) * x_j


def _widen(edge_index: Tensor, edge_weight: Tensor) -> Tensor:
    """Weights in float64, still known to be symmetric where they were."""
    wide: Tensor = Widen.apply(edge_weight)  # type: ignore[no-untyped-call]
    return mark_symmetric(edge_index, wide) if is_marked_symmetric(edge_index, edge_weight) else wide


def rows_to_one(scores: Tensor) -> Tensor:
    """Rows divided by their sums; a row without any score stays zero, and its gradient too."""
    result: Tensor = _RowsToOne.apply(scores)  # type: ignore[no-untyped-call]
    return result


class _RowsToOne(torch.autograd.Function):
    """`p = s / sum(s)`, with the gradient `(g - g.p) / sum(s)`: half the steps of the composed one."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        total = scores.sum(dim=1, keepdim=True)
        total.masked_fill_(total == 0, 1)
        rows = scores / total
        ctx.save_for_backward(rows, total)
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        rows, total = ctx.saved_tensors
        in_scores: Tensor = (gradient - (gradient * rows).sum(dim=1, keepdim=True)) / total
        return in_scores
