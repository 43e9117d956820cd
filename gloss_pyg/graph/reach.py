"""Which seeds' labels can reach which nodes."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph.edges import from_off_diagonal, is_complete, weight_bounds


@torch.no_grad()
def reached(
    sources: Bool[Tensor, "nodes classes"],
    mask: Bool[Tensor, " nodes"],
    edge_index: Int[Tensor, "2 edges"],
    edge_weight: Float[Tensor, " edges"],
    *,
    absorbing: bool,
    hops: int | None = None,
) -> Bool[Tensor, "nodes classes"]:
    """Whether a path of edges with positive weight leads from a seed of each class to each node.

    Args:
        sources: For each node the classes that it is a seed of.
        mask: The seeds. With `absorbing` a path ends at the first seed that it meets, as a random walk that stops at
            labelled nodes does; else labels also pass through seeds.
        edge_index: Edges from row 0 to row 1.
        edge_weight: Their weights; an edge of weight zero leads nowhere.
        absorbing: See `mask`.
        hops: How many edges a path has at most; by default any number.

    Example:
        >>> chain = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, nodes 0 and 1 are seeds of classes 0 and 1
        >>> sources, mask = torch.tensor([[1, 0], [0, 1], [0, 0]]).bool(), torch.tensor([1, 1, 0]).bool()
        >>> reached(sources, mask, chain, torch.ones(4), absorbing=True)[2].tolist()
        [False, True]
    """
    n = sources.size(0)
    complete = is_complete(edge_index, n)
    if is_connected(edge_index, edge_weight, n):
        return sources.any(dim=0).expand_as(sources)
    found = sources
    relay = ~mask[:, None] if absorbing else None
    adjacency = (from_off_diagonal(edge_weight, n) > 0).float() if complete else None
    leading = edge_weight > 0
    source, target = edge_index[0, leading], edge_index[1, leading]
    senders = sources
    for _ in range(n if hops is None else hops):
        if adjacency is not None:
            received = adjacency @ senders.float()
        else:
            received = torch.zeros(sources.shape, device=sources.device)
            received.index_add_(0, target, senders[source].float())
        grown = found | (received > 0)
        if torch.equal(grown, found):
            break
        found = grown
        senders = sources | (grown & relay) if relay is not None else grown
    return found


def is_connected(edge_index: Tensor, edge_weight: Tensor, num_nodes: int) -> bool:
    """Whether this is known, without a search, to be a complete graph with positive weights."""
    return num_nodes > 1 and is_complete(edge_index, num_nodes) and weight_bounds(edge_weight)[0] > 0
