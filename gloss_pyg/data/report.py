"""What was found in a data set and what was done about it: notes that travel with the splits, and their numbers.

Every repair and every choice made on the way from files to splits is one sentence, a note. It is logged once a
process, as a warning of the logger "gloss_pyg", and stands in the splits' own `info.description`, where it survives
`map`, `select` and saving. `describe` reads the notes back and counts the rest afresh.
"""

import functools
import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from datasets import Dataset, DatasetDict

logger = logging.getLogger("gloss_pyg")


@dataclass(frozen=True)
class DataReport:
    """Numbers of a data set, and the notes of how it was made.

    Attributes:
        documents: Documents of each split.
        unlabelled: Of these, documents whose label is -1.
        per_class: For each split, documents of each class, in the order of the class names.
        median_words: For each split, the median of the number of words a document.
        shared_texts: For each pair of splits `(a, b)`, texts of b that occur in a too, blanks collapsed; pairs
            without any are left out.
        repeated_texts: For each split, documents whose text occurred earlier in the same split.
        conflicting_texts: Distinct texts, over all splits, that occur with more than one label.
        notes: Repairs and choices made when the data set was loaded, one sentence each.
    """

    documents: dict[str, int]
    unlabelled: dict[str, int]
    per_class: dict[str, dict[str, int]]
    median_words: dict[str, float]
    shared_texts: dict[tuple[str, str], int]
    repeated_texts: dict[str, int]
    conflicting_texts: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        """A few lines for people."""
        lines = []
        for name, count in self.documents.items():
            sizes = [size for size in self.per_class[name].values() if size]
            classes = f"{len(sizes)} classes of {min(sizes)} to {max(sizes)}" if sizes else "no labelled documents"
            bare = f", {self.unlabelled[name]} unlabelled" if self.unlabelled[name] else ""
            lines.append(f"{name}: {count} documents{bare}, {classes}, median {self.median_words[name]:g} words")
        for (first, second), count in self.shared_texts.items():
            lines.append(f"{count} texts of '{second}' also occur in '{first}'")
        repeated = sum(self.repeated_texts.values())
        if repeated:
            lines.append(f"{repeated} documents repeat a text of their own split")
        if self.conflicting_texts:
            lines.append(f"{self.conflicting_texts} texts occur with more than one label")
        return "\n".join([*lines, *self.notes])


def describe(splits: DatasetDict) -> DataReport:
    """Count what is in splits with columns `text` and `label`, and read back the notes of `load_text_dataset`.

    Example:
        >>> from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
        >>> features = Features({"text": Value("string"), "label": ClassLabel(names=["no", "yes"])})
        >>> train = Dataset.from_dict({"text": ["a b", "c", "c"], "label": [0, 1, -1]}, features=features)
        >>> test = Dataset.from_dict({"text": ["a  b"], "label": [1]}, features=features)
        >>> report = describe(DatasetDict(train=train, test=test))
        >>> report.shared_texts, report.repeated_texts, report.conflicting_texts, report.unlabelled
        ({('train', 'test'): 1}, {'train': 1, 'test': 0}, 1, {'train': 1, 'test': 0})
    """
    named = {str(name): split for name, split in splits.items()}
    keys = {name: [text_key(text) for text in split["text"][:]] for name, split in named.items()}
    labels = {name: split["label"][:] for name, split in named.items()}
    notes: list[str] = []
    for split in named.values():
        notes.extend(split.info.description.splitlines())
    return DataReport(
        documents={name: len(values) for name, values in keys.items()},
        unlabelled={name: values.count(-1) for name, values in labels.items()},
        per_class={name: _per_class(split, labels[name]) for name, split in named.items()},
        median_words={
            name: float(median(key.count(" ") + 1 for key in values)) if values else math.nan
            for name, values in keys.items()
        },
        shared_texts=shared_texts(keys),
        repeated_texts={name: len(values) - len(set(values)) for name, values in keys.items()},
        conflicting_texts=_conflicting(
            pair for name in keys for pair in zip(keys[name], labels[name], strict=True) if pair[1] != -1
        ),
        notes=tuple(dict.fromkeys(notes)),
    )


def text_key(text: str) -> str:
    """What makes two texts the same: their words in order, whatever the blanks and line breaks between them."""
    return " ".join(text.split())


def shared_texts(keys: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], int]:
    """Count, for each pair of splits in order, the documents of the second whose text is in the first too."""
    distinct = {name: set(values) for name, values in keys.items()}
    counts = {
        (first, second): sum(key in distinct[first] for key in keys[second]) for first, second in combinations(keys, 2)
    }
    return {pair: count for pair, count in counts.items() if count}


@functools.cache  # a comparison loads the same data in every cell; say it once
def log_note(name: str, note: str) -> None:
    """Log a note on the data set `name` as a warning, once a process."""
    logger.warning("%s: %s", name, note)


def _per_class(split: Dataset, labels: list[int]) -> dict[str, int]:
    counts = Counter(labels)
    return {name: counts[index] for index, name in enumerate(split.features["label"].names)}


def _conflicting(pairs: Iterable[tuple[str, int]]) -> int:
    return sum(count > 1 for count in Counter(key for key, _ in set(pairs)).values())
