import math

import pytest
import torch

from gloss_pyg.losses import BatchStatistics


def example():
    """Seeds 0 0 1; hidden 0 (right), 1 (wrong), 2 (uncounted: no seed); one document without label."""
    labels = torch.tensor([0, 0, 1, 0, 1, 2, -100])
    seen = torch.tensor([1, 1, 1, 0, 0, 0, 0]).bool()
    hidden = torch.tensor([0, 0, 0, 1, 1, 1, 0]).bool()
    counted = torch.tensor([0, 0, 0, 1, 1, 0, 0]).bool()
    return torch.tensor([0, 0, 1, 0, 0, 2, 1]), labels, seen, hidden, counted


def nothing():
    """A batch in which nothing counts."""
    labels = torch.tensor([3, -100])
    no = torch.zeros(2, dtype=torch.bool)
    return labels.clamp(min=0), labels, no, torch.tensor([True, False]), no


def test_numbers_of_an_example():
    statistics = BatchStatistics()
    statistics.add(*example())
    statistics.add(*nothing())
    assert statistics.summary() == {
        "batches": 2,
        "usable_batches": 0.5,
        "hidden": 4,
        "uncounted": 2,
        "hidden_accuracy": 0.5,
        "chance": pytest.approx((2 / 3 + 1 / 3) / 2),
    }


@pytest.mark.parametrize("batches", [63, 64, 65, 200])
def test_counting_together_changes_nothing(batches):
    statistics = BatchStatistics()
    for number in range(batches):
        statistics.add(*(nothing() if number % 4 == 0 else example()))
    useless = math.ceil(batches / 4)
    summary = statistics.summary()
    assert summary["batches"] == batches
    assert summary["usable_batches"] == pytest.approx(1 - useless / batches)
    assert summary["hidden"] == 3 * (batches - useless) + useless
    assert summary["uncounted"] == batches
    assert summary["hidden_accuracy"] == 0.5
    assert summary["chance"] == pytest.approx(0.5)
    assert statistics.summary() == summary  # reading does not count twice


def test_shares_of_nothing_are_nan_and_a_reset_forgets():
    statistics = BatchStatistics()
    statistics.add(*example())
    statistics.reset()
    summary = statistics.summary()
    assert (summary["batches"], summary["hidden"]) == (0, 0)
    assert all(math.isnan(summary[name]) for name in ("usable_batches", "hidden_accuracy", "chance"))


def test_empty_batches_count_as_batches():
    statistics = BatchStatistics()
    no = torch.zeros(0, dtype=torch.bool)
    statistics.add(torch.zeros(0).long(), torch.zeros(0).long(), no, no, no)
    assert statistics.summary()["batches"] == 1
