"""Gaussian weights of chosen pairs as a graph: what the sparse rules have in common."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.graph.distances import unit_rows, unit_rows_backward
from gloss_pyg.graph.edges import mark_symmetric
from gloss_pyg.graph.kernel import PairKernel, pair_blocks, pair_scale
from gloss_pyg.graph.log_weights import Logarithms, logarithms


def weigh_pairs(
    x: Float[Tensor, "nodes dim"], precision: Tensor, pairs: Int[Tensor, "2 pairs"]
) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
    """Both directions of pairs `i < j`, each given once, sorted by target, then source, and their weights.

    Args:
        x: Embeddings, not yet of unit length.
        precision: What `Bandwidth` gave, `[]` or `[N]`.
        pairs: Positions of the two rows of each pair.
    """
    weights: Tensor = PairKernel.apply(x, precision, pairs)  # type: ignore[no-untyped-call]
    both = torch.cat([pairs, pairs.flip(0)], dim=1)
    order = (both[1] * x.size(0) + both[0]).argsort()
    edge_index = both[:, order]
    edge_weight = mark_symmetric(edge_index, torch.cat([weights, weights])[order])

    def of(chosen: Tensor) -> Tensor:
        found = pairs[:, order[chosen] % pairs.size(1)]
        distances: Tensor = _PairDistances.apply(x.double(), found)  # type: ignore[no-untyped-call]
        return -distances * pair_scale(precision.double(), found)

    logarithms.put(edge_weight, Logarithms(of))
    return edge_index, edge_weight


class _PairDistances(torch.autograd.Function):
    """Squared distances of chosen pairs of unit rows, by differences, in blocks of pairs."""

    @staticmethod
    def forward(ctx: Any, x: Float[Tensor, "nodes dim"], pairs: Int[Tensor, "2 pairs"]) -> Float[Tensor, " pairs"]:
        rows, reciprocal = unit_rows(x)
        distances = rows.new_empty(pairs.size(1))
        for block in pair_blocks(pairs.size(1), rows.size(1)):
            distances[block] = (rows[pairs[0, block]] - rows[pairs[1, block]]).square_().sum(dim=1)
        ctx.save_for_backward(rows, reciprocal, pairs)
        return distances

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        rows, reciprocal, pairs = ctx.saved_tensors
        in_rows = torch.zeros_like(rows)
        for block in pair_blocks(pairs.size(1), rows.size(1)):
            apart = (rows[pairs[0, block]] - rows[pairs[1, block]]).mul_(2 * gradient[block, None])
            in_rows.index_add_(0, pairs[0, block], apart)
            in_rows.index_add_(0, pairs[1, block], apart, alpha=-1)
        return unit_rows_backward(in_rows, rows, reciprocal), None
