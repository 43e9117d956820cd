"""Exact nearest neighbours of unit rows, in blocks, with ties broken by index so that graphs are reproducible."""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph.distances import squared_distances

BLOCK = 1 << 22  # distances in memory at a time


@torch.no_grad()
def smallest_of_rows(values: Float[Tensor, "rows columns"], k: int) -> Bool[Tensor, "rows columns"]:
    """Which entries are among the `k` smallest of their row; of equal ones those of smaller index are."""
    largest = values.topk(k, dim=1, largest=False).values[:, -1:]
    smaller, tied = values < largest, values == largest
    wanted = k - smaller.sum(dim=1, keepdim=True)
    return smaller | (tied & (tied.cumsum(dim=1) <= wanted))


@torch.no_grad()
def near_pairs(rows: Float[Tensor, "nodes dim"], radius: float) -> Int[Tensor, "2 found"]:
    """Pairs `i < j` of rows nearer than `radius`, in order, compared as in `nearest_neighbours`."""
    n = rows.size(0)
    step = max(1, BLOCK // max(n, 1))
    limit = torch.tensor(radius**2, dtype=torch.float32, device=rows.device)
    found = [torch.empty(2, 0, dtype=torch.long, device=rows.device)]
    for start in range(0, n, step):
        distances = squared_distances(rows[start : start + step], rows[start:]).float()
        found.append((distances < limit).triu_(diagonal=1).nonzero().T + start)
    return torch.cat(found, dim=1)


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
        chosen = smallest_of_rows(distances, k)
        pair = chosen.nonzero().T
        found.append(torch.stack([pair[0] + start, pair[1]]))
    return torch.cat(found, dim=1)
