"""Exact nearest neighbours of unit rows, with ties broken by index so that graphs are reproducible.

What is exact: distances are those of float64, rounded to float32, so that distances equal but for rounding tie. A few
rows are searched by float64 products of all pairs. Many are searched in float32 first, a fifth of the time or less
(`gloss_pyg.graph.candidates`): where the gap between the last neighbour and the next candidate is larger than rounding
could account for, the neighbours are certain; where it is not, the candidates are measured in float64; and where even
an unlisted row could be among them, the whole row is.
"""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph.candidates import nearest_candidates
from gloss_pyg.graph.distances import distances_to, squared_distances
from gloss_pyg.graph.faiss_candidates import faiss_candidates

Search = Literal["blocks", "faiss"]

BLOCK = 1 << 22  # float64 distances in memory at a time; and the size of a search up to which it takes these alone
REFERENCES = 8192  # references that are taken to float64 at a time
DOUBTFUL = 1 << 16  # rows whose candidates are measured at a time
SPARE = 10  # candidates beside the neighbours: the more, the fewer rows are in doubt
# Squared distances below this are the rounding of equal unit rows.
ROUNDING = 1e-14


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
def nearest_neighbours(
    rows: Float[Tensor, "nodes dim"],
    k: int,
    references: Float[Tensor, "references dim"] | None = None,
    search: Search = "blocks",
) -> Int[Tensor, "2 found"]:
    """Pairs `(i, j)`, in order, where `j` is one of the `k` nearest references of row `i`.

    Of equally near ones those of smaller index are taken. Memory beyond the rows themselves is a copy in float32 and
    about 200 MB.

    Args:
        rows: Rows of length at most one.
        k: How many; all, where there are fewer.
        references: Where to search; by default among the rows themselves, each row excepted.
        search: What finds candidates among many rows: our own products in blocks, or `faiss` (extra "knn"). The result
            is the same.

    Raises:
        MissingExtraError: for `faiss` where it is not installed.

    Example:
        >>> nearest_neighbours(torch.tensor([[0.0], [0.1], [0.2], [0.4]]), k=1).tolist()
        [[0, 1, 2, 3], [1, 0, 1, 2]]
        >>> nearest_neighbours(torch.tensor([[0.3]]), k=2, references=torch.tensor([[0.0], [0.1], [0.2]])).tolist()
        [[0, 0], [1, 2]]
    """
    total = rows.size(0) - 1 if references is None else references.size(0)
    k = min(k, total)
    if k < 1 or not rows.size(0):
        return torch.empty(2, 0, dtype=torch.long, device=rows.device)
    everyone = torch.arange(rows.size(0), device=rows.device)
    if rows.size(0) * total <= BLOCK or total < 2 * (k + SPARE):
        found = _by_all_pairs(rows, everyone, references, k)
    else:
        found = _by_candidates(rows, references, k, total, search)
    return torch.stack([everyone.repeat_interleave(k), found.view(-1)])


def _by_all_pairs(rows: Tensor, which: Tensor, references: Tensor | None, k: int) -> Tensor:
    """Neighbours of the rows `which`, in order of their index, `[which, k]`."""
    searched = rows if references is None else references
    step = max(1, BLOCK // searched.size(0))
    found = []
    for own in which.split(step):
        block = rows if own.size(0) == rows.size(0) else rows[own]
        parts = [squared_distances(block, part).float() for part in searched.split(REFERENCES)]
        distances = torch.threshold_(parts[0] if len(parts) == 1 else torch.cat(parts, dim=1), ROUNDING, 0)
        if references is None:
            distances[torch.arange(own.size(0), device=own.device), own] = torch.inf
        found.append(smallest_of_rows(distances, k).nonzero()[:, 1].view(-1, k))
    return torch.cat(found)


def _by_candidates(rows: Tensor, references: Tensor | None, k: int, total: int, search: Search) -> Tensor:
    """The same for all rows."""
    find = faiss_candidates if search == "faiss" else nearest_candidates
    candidates = find(rows, references, k + SPARE)
    halves, error = candidates.halves.double(), candidates.error.double()
    found = candidates.index[:, :k].clone()
    doubtful = (~(halves[:, k] - halves[:, k - 1] > 2 * error)).nonzero().squeeze(1)
    searched = rows if references is None else references
    unknown = []
    for some in doubtful.split(DOUBTFUL):
        listed = candidates.index[some].sort(dim=1).values  # so that a stable sort by distance breaks ties by index
        distances = torch.threshold_(distances_to(rows[some], listed, searched).float(), ROUNDING, 0)
        ordered = distances.sort(dim=1, stable=True)
        found[some] = listed.gather(1, ordered.indices[:, :k])
        # All that is not listed is at least as far as this.
        beyond = 2 * (halves[some, -1] - error[some])
        unknown.append(some[~(ordered.values[:, k - 1] < beyond.float()) | ~(beyond > ROUNDING)])
    if unknown and total > k + SPARE and (rest := torch.cat(unknown)).numel():
        found[rest] = _by_all_pairs(rows, rest, references, k)
    return found.sort(dim=1).values
