"""Published figures (`published.json`) for cells whose setting is a published one."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gloss_pyg.compare.files import Record
from gloss_pyg.compare.report.published_settings import differences, family_of


@dataclass(frozen=True)
class Entry:
    """A published line.

    Attributes:
        name: What it was called.
        source: Whether it is a mean, a best run or quoted.
        figures: For `accuracy`, `macro_f1` and `silhouette`, as far as they are there, in the unit of the source.
    """

    name: str
    source: str
    figures: dict[str, float]


@dataclass(frozen=True)
class Published:
    """What is published for a method on a data set.

    Attributes:
        entry: The line, or `None`.
        differs: What differs here from the published setting.
        reason: Why there is none.
    """

    entry: Entry | None = None
    differs: tuple[str, ...] = ()
    reason: str = ""

    @property
    def text(self) -> str:
        """The figures as the table shows them."""
        if self.entry is None:
            return "-"
        found = self.entry.figures
        shown = f"{found['accuracy']:.2f}" + (f" / {found['macro_f1']:.2f}" if "macro_f1" in found else "")
        return shown + (" (best run)" if self.entry.source == "best run" else "")


def published_for(records: Sequence[Record]) -> Published:
    """The published figures for a method on a data set; data set, documents, encoder and kind of loss must agree."""
    known, record = _known(), records[0]
    data = str(record.get("name_or_path"))
    if data not in known["data"]:
        return Published(reason="the data set is none of the published ones")
    if record.get("train_size") is not None or record.get("labels_per_class") is not None:
        return Published(reason="the published ones are for all training documents, not for a label budget")
    if record.get("test_size") is not None:
        return Published(reason="the published ones are for all test documents")
    arguments = _arguments(record)
    family = family_of(str(record.get("method_class", "")), arguments)
    given = str(record.get("encoder") or "")
    encoder = known["encoders"].get(given.rstrip("/").rsplit("/", 1)[-1])
    fitting = [
        line
        for line in known["entries"]
        if line["family"] == family and line.get("encoder") in (None, encoder) and data in line["accuracy"]
    ]
    if not fitting:
        if encoder is None and family is not None:
            return Published(reason=f"nothing was published for the encoder {given or 'of these methods'}")
        return Published(reason="nothing was published for methods of this kind")
    line = fitting[0]
    figures = {key: line[key][data] for key in ("accuracy", "macro_f1", "silhouette") if key in line}
    said = differences(records, arguments, str(family), known["settings"])
    return Published(Entry(line["name"], line["kind"], figures), tuple(said))


def _arguments(record: Record) -> dict[str, Any]:
    try:
        found = json.loads(record.get("method_arguments") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return found
