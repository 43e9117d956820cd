"""From scores to rows of probabilities."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch_geometric.utils import scatter

from gloss_pyg.graph.reach import is_connected
from gloss_pyg.propagation.solvers.components import components_of_edges


def rows_to_one(scores: Tensor, known_above: float = 0.0) -> Tensor:
    """Rows divided by their sums; a row without any score stays zero, and its gradient too.

    Rows with a sum of at most `known_above` get no gradient either.
    """
    result: Tensor = _RowsToOne.apply(scores, known_above)  # type: ignore[no-untyped-call]
    return result


class _RowsToOne(torch.autograd.Function):
    """`p = s / sum(s)`, with the gradient `(g - g.p) / sum(s)`: half the steps of the composed one."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor, known_above: float) -> Tensor:
        total = scores.sum(dim=1, keepdim=True)
        total.masked_fill_(total == 0, torch.inf)
        rows = scores / total
        ctx.save_for_backward(rows, total.masked_fill(total <= known_above, torch.inf) if known_above else total)
        return rows

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        rows, total = ctx.saved_tensors
        in_scores: Tensor = (gradient - (gradient * rows).sum(dim=1, keepdim=True)) / total
        return in_scores, None


def sharpened(
    scores: Float[Tensor, "nodes classes"],
    seeds: Float[Tensor, "nodes classes"],
    edge_index: Int[Tensor, "2 edges"],
    edge_weight: Float[Tensor, " edges"],
    temperature: float,
    *,
    as_they_are: bool = False,
) -> Float[Tensor, "nodes classes"]:
    """`softmax(scores / (temperature * r))`, zero rows in components without a seed.

    `r` is the root mean square of the scores in the node's connected component: scores of one component are comparable,
    and scale with a power of its weights. Scores that are all zero give equal probabilities.
    Scores that are to be taken as they are have `r = 1`.
    """
    n = scores.size(0)
    if is_connected(edge_index, edge_weight, n):
        square = scores.square().mean()[None]
        component = torch.zeros(n, dtype=torch.long, device=scores.device)
    else:
        component = components_of_edges(edge_index, edge_weight.detach(), n)
        square = scatter(scores.square().mean(dim=1), component, dim_size=n, reduce="mean")
    if as_they_are:
        square = torch.ones_like(square)
    size = torch.where(square > 0, square, 1.0).sqrt()  # where all scores are zero, any size leaves them so
    seeded = scatter((seeds > 0).any(dim=1).to(scores.dtype), component, dim_size=size.numel(), reduce="max") > 0
    probabilities = (scores / (temperature * size[component, None])).softmax(dim=1)
    return torch.where(seeded[component, None], probabilities, 0.0)
