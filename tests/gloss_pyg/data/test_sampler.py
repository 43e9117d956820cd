from collections import Counter
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.data import DataLoader
from transformers import Trainer, TrainingArguments

from gloss_pyg.data import ClassBalancedSampler
from gloss_pyg.errors import ConfigError, DataError


def blocks_of(sampler: ClassBalancedSampler) -> list[list[int]]:
    indices, size = list(sampler), sampler.batch_size
    assert len(indices) == len(sampler)
    assert len(indices) % size == 0
    return [indices[start : start + size] for start in range(0, len(indices), size)]


@st.composite
def settings_of_a_sampler(draw: st.DrawFn) -> tuple[list[int], int, int, int]:
    sizes = draw(st.lists(st.integers(1, 40), min_size=2, max_size=9))
    names = draw(st.lists(st.integers(0, 50), min_size=len(sizes), max_size=len(sizes), unique=True))
    labels = [name for name, size in zip(names, sizes, strict=True) for _ in range(size)]
    labels += draw(st.lists(st.sampled_from([-1, -100]), max_size=10))
    order = draw(st.randoms(use_true_random=False))
    order.shuffle(labels)
    return labels, draw(st.integers(2, len(sizes))), draw(st.integers(1, 6)), draw(st.integers(0, 5))


@given(settings_of_a_sampler())
@settings(max_examples=300, deadline=None)
def test_an_epoch_is_as_the_docstring_says(drawn: tuple[list[int], int, int, int]) -> None:
    labels, P, K, seed = drawn
    sampler = ClassBalancedSampler(labels, classes_per_batch=P, documents_per_class=K, seed=seed)
    counts = Counter(label for label in labels if label >= 0)
    groups = {label: ceil(count / K) for label, count in counts.items()}
    blocks = blocks_of(sampler)
    assert len(blocks) == max(max(groups.values()), ceil(sum(groups.values()) / P))

    appearances: Counter[int] = Counter()
    for block in blocks:
        rows = [[labels[index] for index in block[start : start + P]] for start in range(0, P * K, P)]
        assert all(len(set(row)) == P for row in rows)  # every run of P indices is of P classes
        assert all(set(row) == set(rows[0]) for row in rows)  # and of the same ones: K documents of each
        assert min(rows[0]) >= 0
        appearances.update(rows[0])
        if all(counts[label] >= K for label in rows[0]):
            assert len(set(block)) == P * K  # no document twice
    seen = Counter(index for block in blocks for index in block)
    assert {index for index, label in enumerate(labels) if label >= 0} == set(seen)
    for label, count in counts.items():
        assert groups[label] <= appearances[label] <= len(blocks)
        times = [seen[index] for index, other in enumerate(labels) if other == label]
        assert set(times) <= {appearances[label] * K // count, ceil(appearances[label] * K / count)}
    # Surplus places go to the classes with the fewest: none is raised above another that it was not below.
    raised = {label for label in counts if appearances[label] > groups[label]}
    assert all(appearances[label] <= appearances[other] + 1 for label in raised for other in counts)


@given(settings_of_a_sampler(), st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_the_order_is_a_function_of_seed_and_epoch(drawn: tuple[list[int], int, int, int], epoch: int) -> None:
    labels, P, K, seed = drawn

    def make() -> ClassBalancedSampler:
        return ClassBalancedSampler(labels, classes_per_batch=P, documents_per_class=K, seed=seed)

    passes = make()
    orders = [list(passes) for _ in range(epoch + 1)]  # without set_epoch each pass is the next epoch
    resumed = make()
    resumed.set_epoch(epoch)
    np.random.seed(0)  # noqa: NPY002 - global state must not matter
    torch.manual_seed(9)
    assert list(resumed) == orders[-1]


def test_epochs_and_seeds_differ() -> None:
    labels = [0] * 30 + [1] * 30 + [2] * 30
    sampler = ClassBalancedSampler(labels, classes_per_batch=2, documents_per_class=5)
    other = ClassBalancedSampler(labels, classes_per_batch=2, documents_per_class=5, seed=1)
    first, second, third = list(sampler), list(sampler), list(other)
    assert first != second
    assert first != third


def test_imbalance_of_900_to_100_uses_every_document() -> None:
    sampler = ClassBalancedSampler([0] * 900 + [1] * 100, classes_per_batch=2, documents_per_class=8)
    seen = Counter(list(sampler))
    assert set(seen) == set(range(1000))
    assert {seen[index] for index in range(900)} == {1, 2}
    assert {seen[index] for index in range(900, 1000)} == {9, 10}
    assert len(sampler) == 2 * 8 * 113


def test_a_class_smaller_than_its_place_repeats_within_the_block() -> None:
    sampler = ClassBalancedSampler([0, 0, 0, 1], classes_per_batch=2, documents_per_class=3)
    (block,) = blocks_of(sampler)
    assert Counter(block) == {0: 1, 1: 1, 2: 1, 3: 3}


def test_every_class_meets_every_other() -> None:
    labels = [label for label in range(6) for _ in range(8)]
    sampler = ClassBalancedSampler(labels, classes_per_batch=2, documents_per_class=4)
    met = {frozenset(labels[i] for i in block) for _ in range(30) for block in blocks_of(sampler)}
    assert len(met) == 15


def test_labels_may_be_a_tensor_or_an_array() -> None:
    labels = [0, 1, 2, 0, 1, 2]
    orders = [
        list(ClassBalancedSampler(kind, classes_per_batch=3, documents_per_class=2))
        for kind in (labels, np.array(labels), torch.tensor(labels))
    ]
    assert orders[0] == orders[1] == orders[2]


@pytest.mark.parametrize(
    ("labels", "P", "K", "error", "message"),
    [
        ([0, 0, 0], 2, 2, DataError, "3 of 3 documents have a label, in 1 classes.*Use a random sampler"),
        ([-1, -100], 2, 2, DataError, "0 of 2 documents have a label"),
        ([], 2, 2, DataError, "0 of 0 documents"),
        ([0, 1], 3, 2, ConfigError, "classes_per_batch=3, but only 2 classes have documents; give at most that many"),
        ([0, 1], 1, 2, ConfigError, "classes_per_batch=1; expected a whole number from 2"),
        ([0, 1], 2, 0, ConfigError, "documents_per_class=0; expected a whole number from 1"),
        (torch.tensor([[0, 1], [1, 0]]), 2, 1, DataError, r"shape \[2, 2\].*expected whole numbers, shape \[N\]"),
        (torch.tensor([0.5, 1.0]), 2, 1, DataError, "type float32; expected whole numbers"),
    ],
)
def test_what_cannot_be_balanced_is_refused(labels: Any, P: int, K: int, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ClassBalancedSampler(labels, classes_per_batch=P, documents_per_class=K)


def test_a_plain_loader_gets_the_blocks() -> None:
    labels = [0] * 10 + [1] * 4 + [2] * 7
    sampler = ClassBalancedSampler(labels, classes_per_batch=2, documents_per_class=3)
    expected = blocks_of(ClassBalancedSampler(labels, classes_per_batch=2, documents_per_class=3))
    loader = DataLoader(range(21), batch_size=sampler.batch_size, sampler=sampler)  # type: ignore[arg-type]
    assert [batch.tolist() for batch in loader] == expected


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"loss": (self.linear(x)[:, 0] - labels).square().mean()}


class Documents(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    labels = (0,) * 20 + (1,) * 7 + (2,) * 3

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"index": torch.tensor(index), "x": torch.tensor([index / 30]), "labels": torch.tensor(1.0)}


class Balanced(Trainer):
    """The few lines that the docstring asks for, and a list of the batches that were trained on."""

    def _get_train_sampler(self, train_dataset: Any = None) -> ClassBalancedSampler:
        return ClassBalancedSampler(Documents.labels, classes_per_batch=2, documents_per_class=2, seed=3)

    def training_step(self, model: nn.Module, inputs: dict[str, Any], *rest: Any, **options: Any) -> torch.Tensor:
        self.batches.append(inputs.pop("index").tolist())
        return super().training_step(model, inputs, *rest, **options)


def train(folder: Path, steps: int, *, resume: bool = False) -> list[list[int]]:
    torch.manual_seed(0)
    arguments = TrainingArguments(
        str(folder),
        per_device_train_batch_size=4,
        num_train_epochs=3,
        max_steps=steps,
        save_steps=13,
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        remove_unused_columns=False,
        logging_strategy="no",
    )
    trainer = Balanced(Line(), arguments, train_dataset=Documents())
    trainer.batches = []
    trainer.train(resume_from_checkpoint=resume)
    return trainer.batches


def test_a_resumed_trainer_meets_the_batches_of_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = train(tmp_path / "whole", 30)
    sampler = ClassBalancedSampler(Documents.labels, classes_per_batch=2, documents_per_class=2, seed=3)
    assert whole == [block for _ in range(3) for block in blocks_of(sampler)][:30]
    assert len(sampler) == 4 * 10
    begun = train(tmp_path / "cut", 13)  # stops in the second epoch, after 3 of its 10 batches
    resumed = train(tmp_path / "cut", 30, resume=True)
    assert begun + resumed == whole
