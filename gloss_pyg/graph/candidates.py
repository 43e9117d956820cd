r"""Candidates for nearest neighbours among many rows: products in float32, with a bound on what rounding may have done.

Half the squared distance is one product of two longer rows, `[-x, h, 1]` and `[y, 1, h]` with `h = |.|^2 / 2`. It is
taken in square tiles, and of each row only the `count` nearest are remembered: once a row has that many, the entries
of a tile are compared with the worst of them, and only the few that beat it are looked at. Distances between rows of
one set are the same in both directions, so that only tiles on and above the diagonal are computed.

**The bound.** A sum of `d + 2` products in float32, in whatever order, errs by at most `(d + 2) u` times the sum of
their sizes, `u = 2^-24`; here that sum is `(|x| + |y|)^2 / 2`. Rounding the centred rows and `h` to float32 adds less
than `6 u` times the same. Rows are centred since that leaves distances as they are and makes the bound small.

Rows are shuffled, with a fixed seed: in a sorted corpus tile after tile would beat what is remembered.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

# Rows and columns of a tile, multiples of WORD. Small tiles compute less twice on the diagonal; where there are many,
# large ones (64 MB, and 16 MB of comparisons) spare the threads much waiting for each other.
TILE, LARGE_TILE = 2048, 4096
SMALL_CORPUS = 32_768
CHUNK = 8192  # rows that are centred at a time
WAITING = 1 << 17  # finds after which they are sorted in
WORD = 8  # comparisons that are tested at once


@dataclass(frozen=True)
class Candidates:
    """The nearest of each row by products in float32, nearest first.

    Attributes:
        halves: Half their squared distances.
        index: Which ones they are.
        error: Largest error of half a squared distance in this row, of one that is not listed too.
    """

    halves: Float[Tensor, "rows count"]
    index: Int[Tensor, "rows count"]
    error: Float[Tensor, " rows"]


@torch.no_grad()
def nearest_candidates(
    rows: Float[Tensor, "rows dim"], references: Float[Tensor, "references dim"] | None, count: int
) -> Candidates:
    """The `count` nearest of the references for each row.

    Args:
        rows: In float32 or float64.
        references: Where to search; `None` for the rows themselves, each row then excepted from its own search.
        count: At most the number of rows to be found for each.

    Example:
        >>> found = nearest_candidates(torch.tensor([[0.0], [1.0], [4.0]]), None, 1)
        >>> found.index.squeeze(1).tolist()
        [1, 0, 1]
    """
    searched = rows if references is None else references
    centre = searched.mean(dim=0)
    shuffled = torch.randperm(searched.size(0), generator=torch.Generator().manual_seed(0)).to(rows.device)
    right = _extended(searched, shuffled, centre)
    best = _Best(rows.size(0), count, rows.device)
    within = references is None
    with full_precision(rows.device):
        halves = _search_within(right, best)[:, -1] if within else _search_across(rows, right, centre, best)
    best.settle()
    radius = right[: searched.size(0), -1].max()
    if within:  # its rows were searched in shuffled order
        back = shuffled.argsort()
        best.values, best.index, halves = best.values[back], best.index[back], halves[back]
    return Candidates(best.values, shuffled[best.index], error_bound(halves, radius, rows.size(1)))


def error_bound(halves: Float[Tensor, " rows"], radius: Float[Tensor, ""], dim: int) -> Float[Tensor, " rows"]:
    """The bound of the module docstring, from half the squared lengths of the rows and the largest of the references.

    Four `u` more than there: one for the factor `1 / (1 - d u)`, the others for rounding distances to float32.
    """
    return (dim + 12) * 2.0**-24 * (halves.double().sqrt() + radius.double().sqrt()).square()


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Products of float32 matrices in float32, whatever shorter format the caller admits elsewhere."""
    backends: tuple[Any, ...] = (torch.backends.mkldnn.matmul, torch.backends.cuda.matmul)  # type: ignore[attr-defined]
    before = [backend.fp32_precision for backend in backends]
    try:
        for backend in backends:
            backend.fp32_precision = "ieee"
        with torch.autocast(device.type, enabled=False):
            yield
    finally:
        for backend, precision in zip(backends, before, strict=True):
            backend.fp32_precision = precision


def _extended(rows: Tensor, order: Tensor, centre: Tensor) -> Tensor:
    """`[y, 1, h]` of the centred rows in the given order, and up to a multiple of 8 rows that are infinitely far."""
    n, dim = rows.shape
    extended = torch.zeros(-(-n // WORD) * WORD, dim + 2, device=rows.device)
    for start in range(0, n, CHUNK):
        part = extended[start : min(start + CHUNK, n)]
        part[:, :dim] = rows[order[start : start + CHUNK]] - centre
        part[:, dim + 1] = part[:, :dim].double().square().sum(dim=1) / 2
    extended[:, dim] = 1
    extended[n:, dim + 1] = torch.inf
    return extended


def _turned(extended: Tensor) -> Tensor:
    """`[-x, h, 1]` from `[x, 1, h]`."""
    turned = extended.neg()
    turned[:, -2] = extended[:, -1]
    turned[:, -1] = 1
    return turned


def _search_within(right: Tensor, best: "_Best") -> Tensor:
    """Search the rows of `right` for the nearest of each; gives those that are no padding."""
    side = TILE if right.size(0) <= SMALL_CORPUS else LARGE_TILE
    parts = right.split(side)
    for number, part in enumerate(parts):  # the diagonal first, so that every row remembers enough to compare with
        best.start((_turned(part) @ part.T).fill_diagonal_(torch.inf), number * side, number * side)
    buffer = right.new_empty(side * side)
    for number, part in enumerate(parts):
        left = _turned(part)
        for other in range(number + 1, len(parts)):
            tile = _product(left, parts[other], buffer)
            best.improve(tile, number * side, other * side)
            best.improve(tile, other * side, number * side, by_column=True)
    return right[: best.values.size(0)]


def _search_across(rows: Tensor, right: Tensor, centre: Tensor, best: "_Best") -> Tensor:
    """Search `right` for the nearest of each row; gives half the squared lengths of the centred rows."""
    buffer = right.new_empty(LARGE_TILE * LARGE_TILE)
    halves = []
    for top in range(0, rows.size(0), LARGE_TILE):
        block = rows[top : top + LARGE_TILE]
        left = _extended(block, torch.arange(block.size(0), device=rows.device), centre)
        halves.append(left[: block.size(0), -1])
        left = _turned(left)
        for number, others in enumerate(right.split(LARGE_TILE)):
            tile = _product(left, others, buffer)
            if number == 0:
                best.start(tile, top, 0)
            else:
                best.improve(tile, top, number * LARGE_TILE)
    return torch.cat(halves)


def _product(left: Tensor, others: Tensor, buffer: Tensor) -> Tensor:
    """The tile `left others^T`, in memory that is there already."""
    room = buffer[: left.size(0) * others.size(0)].view(left.size(0), -1)
    return torch.mm(left, others.T, out=room)


class _Best:
    """What is remembered: the nearest seen so far of each row, nearest first, infinitely far where there is none yet.

    Tiles may be padded with rows and columns that are infinitely far. What is found waits until it is worth sorting in;
    `settle` does so at the end.
    """

    def __init__(self, num_rows: int, count: int, device: torch.device) -> None:
        self.values = torch.full((num_rows, count), torch.inf, device=device)
        self.index = torch.zeros(num_rows, count, dtype=torch.long, device=device)
        self._waiting: list[tuple[Tensor, Tensor, Tensor]] = []  # row, column and value of what beat the worst

    def start(self, tile: Tensor, top: int, begin: int) -> None:
        """Remember the nearest in a first tile, whose corner is at row `top` and column `begin`."""
        here = self.values[top : top + tile.size(0)]
        nearest = tile[: here.size(0)].topk(min(here.size(1), tile.size(1)), dim=1, largest=False)
        here[:, : nearest.values.size(1)] = nearest.values.clamp_(min=0)
        self.index[top : top + tile.size(0), : nearest.values.size(1)] = nearest.indices + begin

    def improve(self, tile: Tensor, top: int, begin: int, *, by_column: bool = False) -> None:
        """Take in another tile; with `by_column` it is the columns that neighbours are searched for."""
        limit = tile.new_full((tile.size(1 if by_column else 0),), -torch.inf)  # padding never improves
        worst = self.values[top : top + limit.size(0), -1]
        limit[: worst.size(0)] = worst
        place = _places(tile < (limit if by_column else limit[:, None]))
        row, column = place // tile.size(1), place % tile.size(1)
        if by_column:
            row, column = column, row
        self._waiting.append((top + row, begin + column, tile.view(-1)[place].clamp_(min=0)))
        if sum(row.size(0) for row, _, _ in self._waiting) >= WAITING:
            self.settle()

    def settle(self) -> None:
        """Take what is waiting among the remembered."""
        if not self._waiting:
            return
        row, column, value = (torch.cat(parts) for parts in zip(*self._waiting, strict=True))
        self._waiting = []
        if not row.numel():
            return
        # Floats that are not negative are in the order of their bits.
        order = (row << 32 | value.view(torch.int32)).argsort()
        row, column, value = row[order], column[order], value[order]
        touched, number = row.unique_consecutive(return_counts=True)
        line = torch.arange(touched.size(0), device=row.device).repeat_interleave(number)
        rank = torch.arange(row.size(0), device=row.device) - (number.cumsum(0) - number)[line]
        count = self.values.size(1)
        kept = rank < count
        line, slot = line[kept], rank[kept] + count
        width = count + min(count, int(number.max()))
        values = torch.full((touched.size(0), width), torch.inf, device=row.device)
        index = torch.zeros(touched.size(0), width, dtype=torch.long, device=row.device)
        values[:, :count], index[:, :count] = self.values[touched], self.index[touched]
        values[line, slot], index[line, slot] = value[kept], column[kept]
        nearest = values.topk(count, dim=1, largest=False)
        self.values[touched], self.index[touched] = nearest.values, index.gather(1, nearest.indices)


def _places(found: Bool[Tensor, "rows columns"]) -> Int[Tensor, " places"]:
    """Places of the true entries, row by row; a word of eight is passed over at once."""
    flat = found.view(-1)
    words = flat.view(torch.int64).nonzero()
    place = (words * WORD + torch.arange(WORD, device=found.device)).view(-1)
    return place[flat[place]]
