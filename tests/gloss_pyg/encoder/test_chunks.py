"""Runs of rows of like length: the plan is the cheapest there is, and the rows come back in order, cut and unpadded."""

import itertools
from collections.abc import Mapping

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gloss_pyg.encoder import chunks
from gloss_pyg.encoder.chunks import encode_in_runs, extents, plan_runs, run_overhead


def cost(lengths: list[int], cuts: tuple[int, ...], overhead: float) -> float:
    """What a set of cuts costs, added up run by run."""
    borders = [0, *cuts, len(lengths)]
    return sum((stop - start) * lengths[start] + overhead for start, stop in itertools.pairwise(borders))


@given(st.lists(st.integers(1, 20), min_size=1, max_size=9), st.floats(0, 60))
def test_no_other_cut_is_cheaper(lengths: list[int], overhead: float) -> None:
    lengths = sorted(lengths, reverse=True)
    runs = plan_runs(lengths, overhead)
    inner = range(1, len(lengths))
    best = min(cost(lengths, cuts, overhead) for k in range(len(lengths)) for cuts in itertools.combinations(inner, k))
    assert cost(lengths, tuple(run.start for run in runs[1:]), overhead) == pytest.approx(best)
    assert [run.start for run in runs] == [0, *(run.stop for run in runs[:-1])]
    assert runs[-1].stop == len(lengths)
    assert all(run.length == lengths[run.start] for run in runs)


def test_a_larger_overhead_never_cuts_more() -> None:
    lengths = sorted(torch.randint(3, 128, (64,), generator=torch.Generator().manual_seed(0)).tolist(), reverse=True)
    counts = [len(plan_runs(lengths, overhead)) for overhead in (0.0, 8.0, 64.0, 512.0, 4096.0)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] == len(set(lengths))
    assert counts[-1] == 1


def test_runs_cost_more_tokens_on_accelerators_and_small_models() -> None:
    cpu, accelerator = torch.device("cpu"), torch.device("meta")
    assert run_overhead(cpu, 384) < run_overhead(accelerator, 384)
    assert run_overhead(cpu, 384) < run_overhead(cpu, 32)


def test_extents_of_right_left_and_no_padding_holes_and_nothing() -> None:
    mask = torch.tensor([[1, 1, 0, 0], [0, 0, 1, 1], [1, 1, 1, 1], [0, 1, 0, 1], [0, 0, 0, 0]])
    first, length = extents(mask)
    assert first.tolist() == [0, 2, 0, 1, 0]
    assert length.tolist() == [2, 2, 4, 3, 1]


@pytest.fixture
def free_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs cost nothing, so that a batch is cut at every length."""
    monkeypatch.setattr(chunks, "run_overhead", lambda device, hidden_size: 0.0)


@pytest.mark.usefixtures("free_runs")
@given(st.lists(st.integers(1, 6), min_size=1, max_size=8), st.booleans(), st.integers(0, 3), st.randoms())
def test_every_row_arrives_whole_without_its_padding(
    lengths: list[int], left: bool, spare: int, random: object
) -> None:
    width = max(lengths) + spare
    ids = torch.full((len(lengths), width), 99)
    mask = torch.zeros(len(lengths), width, dtype=torch.long)
    for row, length in enumerate(lengths):
        at = slice(width - length, width) if left else slice(0, length)
        ids[row, at] = 100 * (row + 1) + torch.arange(length)
        mask[row, at] = 1
    seen: list[tuple[int, int]] = []

    def encode(tokens: Mapping[str, Tensor]) -> Tensor:
        seen.append(tuple(tokens["input_ids"].shape))
        rows = []
        for row_ids, row_mask in zip(tokens["input_ids"], tokens["attention_mask"], strict=True):
            kept = row_ids[row_mask.bool()]
            assert row_mask[: len(kept)].all()  # the tokens begin in column 0
            rows.append(torch.tensor([float(kept[0] // 100 - 1), float(len(kept)), float(kept.sum())]))
        return torch.stack(rows)

    result = encode_in_runs({"input_ids": ids, "attention_mask": mask}, 8, encode)
    for row, length in enumerate(lengths):
        total = 100 * (row + 1) * length + sum(range(length))
        assert result[row].tolist() == [row, length, total]
    assert sum(rows * columns for rows, columns in seen) == sum(lengths)  # not one padding token was computed


def test_without_a_mask_the_batch_goes_through_as_it_is() -> None:
    tokens = {"input_ids": torch.arange(6).reshape(2, 3)}
    given_tokens: list[Mapping[str, Tensor]] = []

    def encode(part: Mapping[str, Tensor]) -> Tensor:
        given_tokens.append(part)
        return torch.zeros(2, 1)

    encode_in_runs(tokens, 8, encode)
    assert len(given_tokens) == 1
    assert given_tokens[0] is tokens
