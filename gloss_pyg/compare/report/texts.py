"""Texts of test documents, looked up in their data set, and any text made fit to be shown.

Results hold no texts, only the row of each document. The data set is loaded again from the fields of the record; where
its labels are not those that were predicted, it is another one by now, and no text is shown.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.report.outcomes import Outcome
from gloss_pyg.errors import UserError

LONGEST = 280
_LONGEST_WORD = 60
_MOST_MARKS = 4

# Characters that change how their neighbours are shown, or that show as nothing: written out instead. Joiners stay,
# since emoji and several scripts are made with them.
_WRITTEN_OUT = re.compile(
    "[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_UNFIT = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def fit_to_show(text: str, longest: int = LONGEST) -> str:
    r"""A text of any origin on one line, cut, without characters that act on what stands around them.

    Control characters become U+FFFD; marks of direction and invisible characters are written out as `<U+202E>`; blanks
    of all kinds are one; a long run of combining marks is cut. Nothing is escaped here: each format does that itself.

    Example:
        >>> fit_to_show("a\n\x00 b\u202ec")
        'a � b<U+202E>c'
    """
    total = len(text)
    short = text[: 4 * longest]
    short = _UNFIT.sub("\ufffd", " ".join(short.split()))
    short = _few_marks(_WRITTEN_OUT.sub(lambda found: f"<U+{ord(found[0]):04X}>", short))
    if total <= 4 * longest and len(short) <= longest:
        return short
    cut = short[:longest]
    while cut and (unicodedata.combining(cut[-1]) or cut[-1] in "\u200d\ufe0e\ufe0f"):
        cut = cut[:-1]
    return f"{cut.rstrip()} … ({total:,} characters)"


def _few_marks(text: str) -> str:
    """At most a few combining marks on one letter: more of them run over the lines above and below."""
    kept, marks = [], 0
    for letter in text:
        marks = marks + 1 if unicodedata.combining(letter) else 0
        if marks <= _MOST_MARKS:
            kept.append(letter)
    return "".join(kept)


@dataclass(frozen=True)
class Texts:
    """The texts of a data set's test documents, by row in the whole test split.

    Attributes:
        texts: Those that were asked for; empty where there are none to be had.
        note: Why there are none, else empty.
    """

    texts: dict[int, str]
    note: str = ""


def look_up(outcomes: list[Outcome], rows: Iterable[int]) -> Texts:
    """Texts of these rows of the test split of the data set that the outcomes belong to."""
    record = outcomes[0].cell.record
    name = record.get("name_or_path")
    if not name:
        return Texts({}, "The results do not say where the documents came from.")
    known = {field.name for field in fields(DataSpec)}
    spec = DataSpec(**{key: value for key, value in record.items() if key in known and key != "seed"})
    folder = spec.data_dir if spec.data_dir and Path(spec.data_dir).expanduser().is_dir() else None
    try:
        from gloss_pyg.data import load_text_dataset

        test = load_text_dataset(
            spec.name_or_path, data_dir=folder, text_column=spec.text_column, label_column=spec.label_column
        )["test"]
    except (UserError, OSError, ValueError) as error:
        why = fit_to_show(str(error), 400)
        return Texts({}, f"The data set is not here, and a report downloads nothing, so texts are not shown. {why}")
    labels, predictions = np.asarray(test["label"][:]), outcomes[0].predictions
    if (
        list(test.features["label"].names) != list(outcomes[0].class_names)
        or int(predictions.documents.max()) >= len(labels)
        or not np.array_equal(labels[predictions.documents], predictions.labels)
    ):
        return Texts(
            {},
            f"The data set that is found here as '{spec.name_or_path}' is not the one that the results are from: "
            "texts are not shown.",
        )
    texts = test["text"]
    return Texts({row: str(texts[row]) for row in rows})
