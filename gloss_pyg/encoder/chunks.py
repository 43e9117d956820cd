r"""Length chunks: a batch of uneven documents, encoded a few rows at a time so that little padding is computed.

A batch is padded to its longest document. Sorted by length and cut into runs of similar length, each run needs to be
padded to its own longest document only. A run costs something too (kernels to launch, gradients of the weights to
add up), so the cuts are chosen to minimise, over all ways to cut the sorted lengths :math:`l_1 \ge l_2 \ge \dots`,

.. math:: \sum_{\text{runs } r} |r| \max_{i \in r} l_i + o, \qquad o = \text{one run's overhead, in tokens},

exactly, by a dynamic programme over the distinct lengths: the best cut of the first j of them ends in a run i..j.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

Tokens = Mapping[str, Tensor]
"""The inputs of an encoder, all of shape `[batch, tokens]`; `attention_mask` may be missing."""


@dataclass(frozen=True)
class Run:
    """Consecutive rows of the sorted batch, `rows[start:stop]`, cut to `length` columns."""

    start: int
    stop: int
    length: int


def plan_runs(lengths: Sequence[int], overhead: float) -> list[Run]:
    """Cut lengths, sorted from the longest to the shortest, into the runs of least cost.

    Args:
        lengths: Tokens of each row, in descending order.
        overhead: What a run costs beside its tokens, in tokens.

    Example:
        >>> plan_runs([40, 39, 10, 10, 9], overhead=8)
        [Run(start=0, stop=2, length=40), Run(start=2, stop=5, length=10)]
        >>> plan_runs([40, 39, 10, 10, 9], overhead=1000)
        [Run(start=0, stop=5, length=40)]
    """
    distinct, counts = np.unique(np.asarray(lengths), return_counts=True)
    distinct, counts = distinct[::-1], counts[::-1]
    rows = np.concatenate([[0], np.cumsum(counts)])  # rows[j]: how many rows the j longest lengths have
    cost = np.zeros(len(distinct) + 1)
    cut = np.zeros(len(distinct) + 1, dtype=np.int64)
    # A run of the lengths i..j-1 is padded to the longest of them, distinct[i].
    for j in range(1, len(distinct) + 1):
        choices = cost[:j] + (rows[j] - rows[:j]) * distinct[:j] + overhead
        cut[j] = choices.argmin()
        cost[j] = choices[cut[j]]
    runs: list[Run] = []
    j = len(distinct)
    while j > 0:
        i = int(cut[j])
        runs.append(Run(int(rows[i]), int(rows[j]), int(distinct[i])))
        j = i
    return runs[::-1]


def run_overhead(device: torch.device, hidden_size: int) -> float:
    """What one more run costs, forward and backward, in tokens of an encoder with this hidden size.

    A layer computes about `72 d^2` operations a token in a step. Beside that a run adds up the gradients of the
    weights once more, `12 d^2` of them a layer, and those of the word embeddings, which is worth about 64 tokens at
    any size; and it starts about 60 kernels a layer. On a processor those take about a millisecond, at 10^11
    operations a second (measured with MiniLM on two cores: 46 ms a run, 0.54 ms a token, 85 tokens). On an
    accelerator, 5 microseconds each at 10^14 operations a second; that figure is an estimate.
    """
    launches = 1.5e6 if device.type == "cpu" else 4e8
    return 64 + launches / hidden_size**2


def encode_in_runs(
    tokens: Tokens, hidden_size: int, encode: Callable[[Tokens], Float[Tensor, "_ d"]]
) -> Float[Tensor, "batch d"]:
    """Encode a batch run by run, each row without its padding, and put the rows back in order.

    Padding on the left is taken away too: each document's tokens begin in column 0 of what `encode` gets.

    Args:
        tokens: Inputs of the encoder, `[batch, tokens]` each, with or without `attention_mask`.
        hidden_size: Of the encoder, for the cost of a run.
        encode: Makes an embedding a row; rows must not depend on each other.
    """
    runs = sort_by_length(tokens, hidden_size)
    if runs is None:
        return encode(tokens)
    order, columns, plan = runs
    pooled = torch.cat([encode(part) for part in _parts(tokens, order, columns, plan)])
    return pooled[torch.argsort(order)]


def sort_by_length(
    tokens: Tokens, hidden_size: int
) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"] | None, list[Run]] | None:
    """Rows from the longest to the shortest, the column where each begins, and the runs; `None`: nothing to cut."""
    mask = tokens.get("attention_mask")
    if mask is None:
        return None
    first, length = extents(mask)
    # The one wait for the device: which rows go together must be known before the first run.
    first_column, row_length = torch.stack([first, length]).tolist()
    order = sorted(range(len(row_length)), key=lambda row: -row_length[row])
    plan = plan_runs([row_length[row] for row in order], run_overhead(mask.device, hidden_size))
    shifted = any(first_column)
    if len(plan) == 1 and plan[0].length == mask.shape[1] and not shifted:
        return None
    return torch.tensor(order, device=mask.device), first if shifted else None, plan


def extents(mask: Shaped[Tensor, "batch tokens"]) -> tuple[Int[Tensor, " batch"], Int[Tensor, " batch"]]:
    """The column of each row's first token, and the columns from there to its last; 0 and 1 for a row without any."""
    present = (mask != 0).int()
    first = present.argmax(dim=1)
    last = mask.shape[1] - 1 - present.flip(1).argmax(dim=1)
    return first, torch.where(present.any(dim=1), last - first + 1, 1)


def _parts(tokens: Tokens, order: Tensor, columns: Tensor | None, plan: list[Run]) -> Iterator[dict[str, Tensor]]:
    for run in plan:
        rows = order[run.start : run.stop]
        if columns is None:
            yield {name: values[rows, : run.length] for name, values in tokens.items()}
        else:
            at = columns[rows].unsqueeze(1) + torch.arange(run.length, device=rows.device)  # [rows, length]
            yield {name: _take(values[rows], at) for name, values in tokens.items()}


def _take(values: Tensor, at: Tensor) -> Tensor:
    """Columns `at`, 0 beyond the right edge (only ever padding, where the mask is what counts)."""
    inside = at < values.shape[1]
    return torch.gather(values, 1, at.clamp(max=values.shape[1] - 1)) * inside.to(values.dtype)
