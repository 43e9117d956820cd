"""What is refused and what is repaired between the rows of a file and a data set; every repair is counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gloss_pyg.data.labels import class_names, rows, sort_classes
from gloss_pyg.data.report import shared_texts, text_key
from gloss_pyg.errors import DataError

NO_CLASS_HINT = "if it is a class, give it a name such as 'negative'"
"""What to do where -1, which means no label, was meant as a class, as that of sentiment is in many files."""

_MISSING_NAMES = {"nan", "none", "null", "na", "n/a", "<na>"}


@dataclass(frozen=True)
class Table:
    """The two columns of a split as they were read, and what errors shall call their source."""

    source: str
    texts: Sequence[object]
    labels: Sequence[object]


@dataclass(frozen=True)
class Documents:
    """Checked documents: texts that are not blank, and class names, `None` for a document without a label."""

    texts: list[str]
    labels: list[str | None]


def read_documents(tables: Mapping[str, Table]) -> tuple[dict[str, Documents], list[str]]:
    """Check the rows of all splits; drop blank texts.

    Returns:
        The documents of each split, and a note for each split that lost some and for each class whose name says that
        there is no label.

    Raises:
        DataError: for an empty split, a text that is no string or not valid Unicode, a label that `class_names`
            refuses, a split whose texts are all blank.
    """
    for name, table in tables.items():
        if not len(table.texts):
            raise DataError(f"{table.source}: the split '{name}' is empty; it needs at least one document.")
        _check_texts(table)
    labels = class_names({table.source: table.labels for table in tables.values()})
    documents, notes = {}, []
    for name, table in tables.items():
        kept = [
            (text, label)
            for text, label in zip(table.texts, labels[table.source], strict=True)
            if isinstance(text, str) and text.strip()
        ]
        dropped = len(table.texts) - len(kept)
        if not kept:
            raise DataError(f"{table.source}: all {dropped} texts of the split '{name}' are empty.")
        if dropped:
            notes.append(f"{dropped} of {len(table.texts)} documents of '{name}' had an empty text and were dropped")
        documents[name] = Documents([text for text, _ in kept], [label for _, label in kept])
    return documents, [*notes, *_note_missing_names(documents)]


def check_splits(splits: Mapping[str, Documents], name: str) -> list[str]:
    """Check finished splits against each other and return the sorted class names.

    Raises:
        DataError: for training without a label, a label that training has not seen, an unlabelled document where
            results are measured.
    """
    train = splits["train"]
    classes = {label for label in train.labels if label is not None}
    if not classes:
        raise DataError(f"{name}: no training document has a label.")
    for split, documents in splits.items():
        if split == "train":
            continue
        bare = [row for row, label in enumerate(documents.labels) if label is None]
        if bare:
            raise DataError(
                f"{name}: {len(bare)} documents of '{split}' have no label (-1; {rows(bare)}). Only training documents "
                f"may be unlabelled: label them or move them to the training split. -1 means that there is no label; "
                f"{NO_CLASS_HINT}."
            )
        unseen = {label for label in documents.labels if label is not None} - classes
        if unseen:
            listed = ", ".join(f"'{label}'" for label in sort_classes(unseen)[:10])
            more = f" and {len(unseen) - 10} more" if len(unseen) > 10 else ""
            raise DataError(
                f"{name}: '{split}' has labels that no training document has: {listed}{more}. Add training documents "
                f"of these classes or remove them from '{split}'. Training knows: "
                f"{', '.join(sort_classes(classes)[:10])}{', ...' if len(classes) > 10 else ''}."
            )
    return sort_classes(classes)


def check_one_class(train: Documents, name: str) -> None:
    """Raise a `DataError` for a single class, before a division of documents that are too few is blamed."""
    classes = {label for label in train.labels if label is not None}
    if len(classes) == 1:
        bare = train.labels.count(None)
        told = f" {bare} documents have the label -1, which means none; {NO_CLASS_HINT}." if bare else ""
        raise DataError(
            f"{name}: all labelled training documents are of one class, '{classes.pop()}'; a classifier needs two."
            f"{told}"
        )


def note_shared_texts(splits: Mapping[str, Documents]) -> list[str]:
    """A note for each pair of splits that share texts."""
    shared = shared_texts({split: [text_key(text) for text in part.texts] for split, part in splits.items()})
    return [
        f"{count} of {len(splits[second].texts)} texts of '{second}' also occur in '{first}'; all are kept, so results "
        f"on '{second}' flatter a model that memorises"
        for (first, second), count in shared.items()
    ]


def _note_missing_names(documents: Mapping[str, Documents]) -> list[str]:
    """Name classes that may be what a data frame wrote for an empty cell; "none" can be a class in earnest."""
    counts = Counter(label for part in documents.values() for label in part.labels if label is not None)
    return [
        f"{counts[name]} documents have the label '{name}', which is taken for a class of that name; where it means "
        f"that there is none, write -1 instead"
        for name in sort_classes(set(counts))
        if name.lower() in _MISSING_NAMES
    ]


def _check_texts(table: Table) -> None:
    for row, text in enumerate(table.texts):
        if text is None or (isinstance(text, float) and text != text):
            continue  # an empty cell, counted with the blank texts
        if not isinstance(text, str):
            raise DataError(
                f"{table.source}: the text of row {row + 1} is a {type(text).__name__} ({text!r:.60}); expected a "
                f"string. Is text_column the right column?"
            )
        if not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise DataError(
                    f"{table.source}: the text of row {row + 1} is not valid Unicode ({error.reason} at character "
                    f"{error.start}); escape sequences such as \\ud83d need their second half."
                ) from error
