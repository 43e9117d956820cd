"""Gaussian weights of chosen pairs as a graph: what the sparse rules have in common."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.graph.edges import mark_symmetric
from gloss_pyg.graph.kernel import PairKernel


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
    return edge_index, mark_symmetric(edge_index, torch.cat([weights, weights])[order])
