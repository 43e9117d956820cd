"""Connected components of a graph, by SciPy."""

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor


def components_of_matrix(weights: Float[Tensor, "nodes nodes"]) -> Int[Tensor, " nodes"]:
    """For each node the number of its component; directions of edges do not matter, nor do edges of weight zero."""
    found = connected_components(csr_array((weights != 0).cpu().numpy()), directed=False)[1]
    return torch.from_numpy(found.astype(np.int64)).to(weights.device)


def components_of_edges(
    edge_index: Int[Tensor, "2 edges"], edge_weight: Float[Tensor, " edges"], num_nodes: int
) -> Int[Tensor, " nodes"]:
    """As `components_of_matrix`, for an edge list.

    Example:
        >>> components_of_edges(torch.tensor([[0, 2], [1, 1]]), torch.tensor([1.0, 0.0]), 3).tolist()
        [0, 0, 1]
    """
    leading = edge_index[:, edge_weight != 0].cpu().numpy()
    ones = np.ones(leading.shape[1], dtype=np.int8)
    graph = csr_array((ones, (leading[1], leading[0])), shape=(num_nodes, num_nodes))
    found = connected_components(graph, directed=False)[1]
    return torch.from_numpy(found.astype(np.int64)).to(edge_index.device)
