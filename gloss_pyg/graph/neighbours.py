"""Exact nearest neighbours of unit rows, in blocks, with ties broken by index so that graphs are reproducible."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.graph.distances import squared_distances

BLOCK = 1 << 22  # distances in memory at a time


@torch.no_grad()
def nearest_neighbours(rows: Float[Tensor, "nodes dim"], k: int) -> Int[Tensor, "2 found"]:
    """Pairs `(i, j)`, in order, where `j` is one of the `min(k, N - 1)` nearest other rows of `i`.

    Distances are taken in float64 and rounded to float32, so that distances equal but for rounding tie; of equally
    near rows those of smaller index are taken.

    Example:
        >>> nearest_neighbours(torch.tensor([[0.0], [1.0], [2.0], [4.0]]), k=1).tolist()
        [[0, 1, 2, 3], [1, 0, 1, 2]]
    """
    n = rows.size(0)
    k = min(k, n - 1)
    if k < 1:
        return torch.empty(2, 0, dtype=torch.long, device=rows.device)
    step = max(1, BLOCK // n)
    found = []
    for start in range(0, n, step):
        distances = squared_distances(rows[start : start + step], rows).float()
        own = torch.arange(start, start + distances.size(0), device=rows.device)
        distances[own - start, own] = torch.inf
        furthest = distances.topk(k, dim=1, largest=False).values[:, -1:]
        nearer, tied = distances < furthest, distances == furthest
        wanted = k - nearer.sum(dim=1, keepdim=True)
        chosen = nearer | (tied & (tied.cumsum(dim=1) <= wanted))
        pair = chosen.nonzero().T
        found.append(torch.stack([pair[0] + start, pair[1]]))
    return torch.cat(found, dim=1)
