"""The documents of a cell: a data set under the label budget of its seed."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import Dataset, DatasetDict

from gloss_pyg.compare.configuration import DataSpec, budget
from gloss_pyg.data import load_text_dataset
from gloss_pyg.data.named_contents import NAMED_SETS
from gloss_pyg.data.split import IntArray, proportional_quota
from gloss_pyg.errors import DataError


@dataclass(frozen=True)
class Splits:
    """Documents of a cell.

    Attributes:
        documents: Splits `train`, `validation` and `test`.
        test_rows: For each document of `test`, its row in the whole test split, shape `[len(test)]`.
        content: sha256 of all texts, labels and class names.
    """

    documents: DatasetDict
    test_rows: IntArray
    content: str


def load_splits(spec: DataSpec, seed: int) -> Splits:
    """Load a data set; the label budget is drawn with `spec.seed`, or with the cell's seed where that is not given.

    Raises:
        UserError: whatever `load_text_dataset` refuses, and a validation or test size that cannot be had.
    """
    train_size, labels_per_class = budget(spec)
    documents = load_text_dataset(
        spec.name_or_path,
        data_dir=spec.data_dir,
        text_column=spec.text_column,
        label_column=spec.label_column,
        train_size=train_size,
        labels_per_class=labels_per_class,
        unlabelled=spec.unlabelled,
        seed=data_seed(spec, seed),
    )
    validation_rows = draw_rows(documents["validation"], spec.validation_size, "validation_size", spec.name_or_path)
    test_rows = draw_rows(documents["test"], spec.test_size, "test_size", spec.name_or_path)
    documents = DatasetDict(
        train=documents["train"],
        validation=documents["validation"].select(validation_rows),
        test=documents["test"].select(test_rows),
    )
    return Splits(documents, test_rows, content_digest(documents))


def data_seed(spec: DataSpec, seed: int) -> int:
    """Seed of the draw of labelled documents in a cell with this seed."""
    return seed if spec.seed is None else spec.seed


def draw_rows(split: Dataset, size: int | None, field: str, name: str) -> IntArray:
    """Rows of a sample with every class in proportion, and at least one document of each where `size` allows.

    Always drawn with seed 0, so that all seeds of a comparison are measured on the same documents.

    Raises:
        DataError: if `size` is less than 1 or more than there are.
    """
    if size is None:
        return np.arange(len(split))
    if not 1 <= size <= len(split):
        raise DataError(f"{name}: {field}={size}, but the split has {len(split)} documents; give 1 to {len(split)}.")
    labels = np.asarray(split["label"])
    counts = np.bincount(labels, minlength=split.features["label"].num_classes)
    least = np.minimum(counts, 1) if size >= np.count_nonzero(counts) else np.zeros_like(counts)
    quota = proportional_quota(counts, size, least, counts)
    generator = np.random.default_rng(0)
    drawn = [generator.permutation(np.flatnonzero(labels == label))[:number] for label, number in enumerate(quota)]
    return np.sort(np.concatenate(drawn))


def content_digest(documents: DatasetDict) -> str:
    """sha256 of the texts, labels and class names of all splits, in order."""
    digest = hashlib.sha256()
    for name, split in sorted(documents.items()):
        digest.update(json.dumps([str(name), split.features["label"].names, len(split)]).encode())
        for text, label in zip(split["text"], split["label"], strict=True):
            digest.update(json.dumps([text, label]).encode())
    return digest.hexdigest()


class SplitsCache:
    """The splits loaded last, since the methods of a seed follow one another; and the digests of all.

    Args:
        message: Told before something is loaded.
    """

    def __init__(self, message: Callable[[str], None]) -> None:
        self._message = message
        self._last: tuple[tuple[DataSpec, int], Splits] | None = None

    def load(self, name: str, spec: DataSpec, seed: int) -> Splits:
        """`load_splits`, from memory where these were the last ones."""
        key = (spec, data_seed(spec, seed))
        if self._last is None or self._last[0] != key:
            self._message(f"reading {name} (documents of seed {seed})")
            self._last = (key, load_splits(spec, seed))
        return self._last[1]


def needs_download(spec: DataSpec) -> bool:
    """Whether reading may use the network; such data sets are read last, so that typing errors show first."""
    name = spec.name_or_path
    return name in NAMED_SETS or ("/" in name and not Path(name).expanduser().exists())
