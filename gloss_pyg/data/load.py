"""`load_text_dataset`: any labelled texts as three splits with the same classes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, DatasetDict, DatasetInfo, Features, Value

from gloss_pyg.data.bbc import NOTE as BBC_NOTE
from gloss_pyg.data.bbc import read_bbc
from gloss_pyg.data.budget import apply_budget
from gloss_pyg.data.checks import Documents, Table, check_one_class, check_splits, note_shared_texts, read_documents
from gloss_pyg.data.files import read_file, read_folder
from gloss_pyg.data.hub import read_hub
from gloss_pyg.data.named import read_named
from gloss_pyg.data.report import log_note, text_key
from gloss_pyg.data.request import Unlabelled, check_budget, check_source
from gloss_pyg.data.split import stratified_parts
from gloss_pyg.errors import DataError

SPLIT_SEED = 0
"""Seed of the splits that we make. Not an argument: runs with different seeds are compared on the same test set."""

_TEST_SHARE = 0.3
_VALIDATION_SHARE = 0.1


def load_text_dataset(
    name_or_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    text_column: str = "text",
    label_column: str = "label",
    train_size: int | float | None = None,
    labels_per_class: int | None = None,
    unlabelled: Unlabelled = "drop",
    seed: int = 0,
) -> DatasetDict:
    """Load texts and classes as the splits `train`, `validation` and `test`, checked and with the same classes.

    What `name_or_path` may be:

    - `bbc`: BBC News, 5 topics, 2125 articles, offline with the extra `offline`;
    - `MR`, `R8`, `R52`, `Ohsumed`, `20NG`: the paper's five in its splits, from `data_dir`, else downloaded once;
    - a folder with `train`, `val`, `test` as CSV, TSV, JSONL, JSON or Parquet;
    - a file in one of these formats, divided 60/10/30 by class;
    - `owner/name`, `owner/name:configuration`: a data set of the Hugging Face Hub.

    Splits that are missing are made, always with the same seed 0, every class in proportion and equal texts in one
    part: without test and validation, 60/10/30; with a test split only, 10 % of the training documents become the
    validation split; with a validation split only, that becomes the test split and validation is taken from training.
    A Hub test split whose labels are all -1 counts as missing.

    What is repaired is counted and told: documents with an empty text are dropped; texts that are in two splits stay
    (but are named, since they flatter results); classes short of the budget give all they have. Such notes are
    warnings of the logger "gloss_pyg" and stand in each split's `info.description`; `describe` collects them.

    Args:
        name_or_path: See the table.
        data_dir: Folder with `<name>/{train,val,test}.{parquet,csv}` for the paper's five; the environment variable
            GLOSS_PYG_DATA names it too. Other data sets do not need it.
        text_column: Column with the texts.
        label_column: Column with the labels: names, or whole numbers from 0; -1 marks a document without a label.
        train_size: Number (int) or share (float, at most 1.0) of the labelled training documents that keep their
            label, drawn with every class in proportion and at least one document of each.
        labels_per_class: Number of training documents of each class that keep their label.
        unlabelled: What becomes of training documents without a label, those beyond the budget included: "drop" them,
            or "keep" them with label -1.
        seed: Seed of the budget's draw.

    Returns:
        Splits with columns `text` (string) and `label` (`ClassLabel` with the sorted class names of the training
        documents).

    Raises:
        ConfigError: for an unknown name or options that cannot work.
        DataError: for files, columns, texts or labels that cannot be used; the message says which and what to do.
        MissingExtraError: for `bbc` without the extra `offline`.

    Example:
        >>> splits = load_text_dataset("bbc", labels_per_class=5)
        >>> {name: len(split) for name, split in splits.items()}
        {'train': 25, 'validation': 212, 'test': 638}
        >>> splits["train"].features["label"].names
        ['business', 'entertainment', 'politics', 'sports', 'tech']
    """
    check_budget(train_size, labels_per_class, unlabelled, seed)
    documents = read_splits(name_or_path, data_dir=data_dir, text_column=text_column, label_column=label_column)
    return with_budget(
        documents, train_size=train_size, labels_per_class=labels_per_class, unlabelled=unlabelled, seed=seed
    )


@dataclass(frozen=True)
class LabelledSplits:
    """Checked texts and labels before any label budget, the same for every seed.

    Attributes:
        name: What they were asked for by.
        splits: The documents of `train`, `validation` and `test`.
        class_list: The sorted class names.
        notes: What was repaired and made.
    """

    name: str
    splits: Mapping[str, Documents]
    class_list: list[str]
    notes: list[str]


def read_splits(
    name_or_path: str | Path, *, data_dir: str | Path | None, text_column: str, label_column: str
) -> LabelledSplits:
    """The part of `load_text_dataset` that no label budget changes, for callers that need many of them."""
    name = str(name_or_path)
    tables, notes = _read(name, data_dir, text_column, label_column)
    documents, repairs = read_documents(tables)
    check_one_class(documents["train"], name)
    splits, made = _complete(documents, name)
    return LabelledSplits(name, splits, check_splits(splits, name), [*notes, *repairs, *made])


def with_budget(
    documents: LabelledSplits,
    *,
    train_size: int | float | None,
    labels_per_class: int | None,
    unlabelled: Unlabelled,
    seed: int,
) -> DatasetDict:
    """The rest of `load_text_dataset`: draw the documents that keep their labels."""
    name, splits = documents.name, dict(documents.splits)
    splits["train"], short = apply_budget(
        splits["train"], train_size=train_size, labels_per_class=labels_per_class, unlabelled=unlabelled, seed=seed
    )
    notes = [*documents.notes, *short]
    for note in [*notes, *note_shared_texts(splits)]:  # `describe` counts shared texts itself, whatever became of them
        log_note(name, note)
    description = "\n".join([BBC_NOTE, *notes] if name == "bbc" else notes)
    return DatasetDict({split: _dataset(part, documents.class_list, description) for split, part in splits.items()})


def _read(
    name: str, data_dir: str | Path | None, text_column: str, label_column: str
) -> tuple[Mapping[str, Table], list[str]]:
    source = check_source(name, data_dir=data_dir, text_column=text_column, label_column=label_column)
    path = Path(name).expanduser()
    if source == "bbc":
        return {"train": read_bbc()}, []
    if source == "named":
        return read_named(name, data_dir, text_column, label_column)
    if source == "folder":
        return read_folder(path, text_column, label_column), []
    if source == "file":
        return {"train": read_file(path, text_column, label_column)}, []
    return read_hub(name, text_column, label_column)


def _complete(documents: Mapping[str, Documents], name: str) -> tuple[dict[str, Documents], list[str]]:
    """Make the splits that are missing; see `load_text_dataset`."""
    splits, notes = dict(documents), []
    if "test" in splits and all(label is None for label in splits["test"].labels):
        notes.append(f"the {len(splits.pop('test').labels)} documents of 'test' have no labels (-1) and were left out")
    if "test" not in splits and "validation" in splits:
        splits["test"] = splits.pop("validation")
        notes.append("there is no labelled test split: the validation split is used as such")
    total = sum(len(part.texts) for part in splits.values())
    if "test" not in splits:
        splits["train"], validation, test = _part(splits["train"], [_VALIDATION_SHARE, _TEST_SHARE], name)
        splits["validation"], splits["test"] = validation, test
        if name != "bbc":  # which is divided for everyone in the same way; its page says so
            notes.append(f"one set of documents, divided 60/10/30 by class with seed {SPLIT_SEED}")
    elif "validation" not in splits:
        splits["train"], splits["validation"] = _part(splits["train"], [_VALIDATION_SHARE], name)
        notes.append(
            f"no validation split: {len(splits['validation'].texts)} of the training documents, 10 % by class with "
            f"seed {SPLIT_SEED}, were set aside for it"
        )
    if lost := total - sum(len(part.texts) for part in splits.values()):
        notes.append(f"{lost} documents without a label repeat a labelled text outside training and were dropped")
    return {split: splits[split] for split in ("train", "validation", "test")}, notes


def _part(documents: Documents, shares: list[float], name: str) -> list[Documents]:
    """Divide documents into the rest and a part of each share; equal texts go into the same part."""
    group_of: dict[str, int] = {}
    groups = np.array([group_of.setdefault(text_key(text), len(group_of)) for text in documents.texts])
    number = {label: index for index, label in enumerate(sorted({label for label in documents.labels if label}))}
    if not number:
        raise DataError(f"{name}: no document has a label, so there is nothing to train or to test on.")
    classes = np.full(len(group_of), -1, dtype=np.int64)
    for group, label in zip(groups, documents.labels, strict=True):
        if label is not None and classes[group] < 0:
            classes[group] = number[label]
    *parts, rest = stratified_parts(classes, shares, SPLIT_SEED)
    if any(len(part) == 0 for part in parts):
        raise DataError(
            f"{name}: {len(group_of)} different texts in {len(number)} classes are too few to divide, since every "
            f"class keeps a document for training. Is label_column the right column? Else give the splits as files "
            f"train, val and test in a folder."
        )
    has_label = np.array([label is not None for label in documents.labels])
    # Outside the rest, an unlabelled document can only be the copy of a labelled one.
    chosen = [np.isin(groups, rest), *(np.isin(groups, part) & has_label for part in parts)]
    return [
        Documents([documents.texts[index] for index in indices], [documents.labels[index] for index in indices])
        for indices in map(np.flatnonzero, chosen)
    ]


def _dataset(documents: Documents, class_list: list[str], description: str) -> Dataset:
    feature = ClassLabel(names=class_list)
    number = {name: index for index, name in enumerate(class_list)}
    labels = [-1 if label is None else number[label] for label in documents.labels]
    features = Features(text=Value("string"), label=feature)
    return Dataset.from_dict(
        {"text": documents.texts, "label": labels},
        features=features,
        info=DatasetInfo(description=description, features=features),
    )
