"""The documents of a cell: a data set under the label budget of its seed."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset, DatasetDict

from gloss_pyg.compare.configuration import DataSpec, budget
from gloss_pyg.data.load import LabelledSplits, read_splits, with_budget
from gloss_pyg.data.named_contents import NAMED_SETS
from gloss_pyg.data.request import check_budget
from gloss_pyg.data.split import IntArray, proportional_quota
from gloss_pyg.errors import DataError


@dataclass(frozen=True)
class Splits:
    """Documents of a cell.

    Attributes:
        documents: Splits `train`, `validation` and `test`.
        test_rows: For each document of `test`, its row in the whole test split, shape `[len(test)]`.
        content: sha256 of all texts, labels and class names.
        held_out_content: That of validation and test, which all seeds of a data set share.
    """

    documents: DatasetDict
    test_rows: IntArray
    content: str
    held_out_content: str


def load_splits(spec: DataSpec, seed: int, documents: LabelledSplits | None = None) -> Splits:
    """Load a data set; the label budget is drawn with `spec.seed`, or with the cell's seed where that is not given.

    Args:
        spec: The data set.
        seed: The cell's seed.
        documents: The data set before any budget, where it was read already.

    Raises:
        UserError: whatever `load_text_dataset` refuses, and a validation or test size that cannot be had.
    """
    train_size, labels_per_class = budget(spec)
    check_budget(train_size, labels_per_class, spec.unlabelled, data_seed(spec, seed))
    drawn = with_budget(
        documents or read_splits(**_source(spec)),
        train_size=train_size,
        labels_per_class=labels_per_class,
        unlabelled=spec.unlabelled,
        seed=data_seed(spec, seed),
    )
    validation_rows = draw_rows(drawn["validation"], spec.validation_size, "validation_size", spec.name_or_path)
    test_rows = draw_rows(drawn["test"], spec.test_size, "test_size", spec.name_or_path)
    chosen = DatasetDict(
        train=drawn["train"],
        validation=drawn["validation"].select(validation_rows),
        test=drawn["test"].select(test_rows),
    )
    held_out = DatasetDict({name: part for name, part in chosen.items() if name != "train"})
    return Splits(chosen, test_rows, content_digest(chosen), content_digest(held_out))


def _source(spec: DataSpec) -> dict[str, Any]:
    """What decides which documents are read, as arguments of `read_splits`: the same for every budget and seed."""
    return {name: getattr(spec, name) for name in ("name_or_path", "data_dir", "text_column", "label_column")}


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
    labels = np.asarray(split["label"][:])
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
        for text, label in zip(split["text"][:], split["label"][:], strict=True):
            digest.update(json.dumps([text, label]).encode())
    return digest.hexdigest()


class SplitsCache:
    """The splits loaded last, since the methods of a seed follow one another; and the documents that they are drawn of.

    Args:
        message: Told before something is loaded.
    """

    def __init__(self, message: Callable[[str], None]) -> None:
        self._message = message
        self._last: tuple[tuple[DataSpec, int], Splits] | None = None
        self._read: tuple[dict[str, Any], LabelledSplits] | None = None

    def load(self, name: str, spec: DataSpec, seed: int) -> Splits:
        """`load_splits`, from memory where these were the last ones."""
        key = (spec, data_seed(spec, seed))
        if self._last is None or self._last[0] != key:
            self._message(f"reading {name} (documents of seed {seed})")
            self._last = (key, load_splits(spec, seed, self._documents(spec)))
        return self._last[1]

    def _documents(self, spec: DataSpec) -> LabelledSplits:
        """The documents before any budget, from memory where they are those read last."""
        source = _source(spec)
        if self._read is None or self._read[0] != source:
            self._read = (source, read_splits(**source))
        return self._read[1]


def needs_download(spec: DataSpec) -> bool:
    """Whether reading may use the network; such data sets are read last, so that typing errors show first."""
    name = spec.name_or_path
    return name in NAMED_SETS or ("/" in name and not Path(name).expanduser().exists())
