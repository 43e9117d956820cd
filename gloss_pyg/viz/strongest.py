"""The edges that are worth drawing: each document's strongest."""

import numpy as np
from numpy.typing import NDArray

from gloss_pyg.errors import ConfigError
from gloss_pyg.viz.view import GraphView

Pairs = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]


def strongest_pairs(graph: GraphView, count: int | None) -> Pairs:
    """Pairs that are among the `count` strongest of either document; all of them for `None`.

    A dense graph of 128 documents has 8,128 pairs. The globally strongest would all lie in the densest corner; each
    document's own say where it belongs.

    Args:
        graph: What is to be drawn.
        count: Edges that each document keeps, of equally strong ones those to documents of smaller index.

    Raises:
        ConfigError: for a count that is no whole number from 1.
    """
    if count is not None and (not isinstance(count, int) or count < 1):
        raise ConfigError(f"strongest={count!r}; expected a whole number from 1, or None for all edges.")
    first, second, weight = graph.pairs()
    if count is None or not weight.size:
        return first, second, weight
    end, other = np.hstack([first, second]), np.hstack([second, first])
    number = np.tile(np.arange(weight.size), 2)
    order = np.lexsort((other, -weight[number], end))
    sizes = np.bincount(end, minlength=graph.num_nodes)
    rank = np.arange(order.size) - (sizes.cumsum() - sizes)[end[order]]
    kept = np.unique(number[order[rank < count]])
    return first[kept], second[kept], weight[kept]
