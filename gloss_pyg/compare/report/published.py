"""Published figures (`published.json`) for cells whose setting is a published one, and what still differs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gloss_pyg.compare.files import Record

_GRAPH_METHODS = {"TextGCN": "textgcn", "BertGCN": "bertgcn", "BertGAT": "bertgat"}
_METRIC_LOSSES = {
    "SupervisedContrastive": "scl",
    "BatchAllTriplet": "triplet",
    "PairwiseCosine": "cosine",
    "GLoss": "g-loss-o",
}
_CROSS_ENTROPY = ("", "ClassificationLoss")


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
    family = _family(str(record.get("method_class", "")), arguments)
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
    return Published(Entry(line["name"], line["kind"], figures), tuple(_differences(records, arguments, family)))


def _arguments(record: Record) -> dict[str, Any]:
    try:
        found = json.loads(record.get("method_arguments") or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _family(method_class: str, arguments: dict[str, Any]) -> str | None:
    """What the source would call a method: `ce`, `g-loss-o+ce`, `scl`, ..."""
    name = method_class.rsplit(".", 1)[-1]
    if name in _GRAPH_METHODS:
        return _GRAPH_METHODS[name]
    loss = arguments.get("loss")
    kind, inside = _class_name(loss), _init(loss)
    if name == "FineTuning" and kind in _CROSS_ENTROPY:
        return "ce"
    if name == "FineTuning" and kind == "HybridLoss":
        inner = inside.get("graph_loss")
        found = _metric_loss(inner)
        return f"{found}+ce" if found and _class_name(inside.get("classification_loss")) in _CROSS_ENTROPY else None
    if name == "Standalone":
        return _metric_loss(loss) if kind else "g-loss-o"
    return None


def _metric_loss(loss: Any) -> str | None:
    found = _METRIC_LOSSES.get(_class_name(loss))
    if found == "g-loss-o" and _init(_init(loss).get("graph")).get("sigma") == "sqrt":
        return "g-loss-sqrt"
    return found


def _class_name(part: Any) -> str:
    path = part.get("class_path") if isinstance(part, dict) else part
    return str(path or "").rsplit(".", 1)[-1]


def _init(part: Any) -> dict[str, Any]:
    found = part.get("init_args") if isinstance(part, dict) else None
    return found if isinstance(found, dict) else {}


def _differences(records: Sequence[Record], arguments: dict[str, Any], family: str | None) -> list[str]:
    """Settings that are not the published ones, in words."""
    said = []
    if family in _GRAPH_METHODS.values():
        wanted: dict[str, Any] = {}
    else:
        wanted = {key: value for key, value in _known()["settings"].items() if key in arguments or key == "pooling"}
    for key, value in wanted.items():
        given = arguments.get(key)
        if given != value and not (key == "pooling" and given is None):
            said.append(f"{key} {given if given is not None else 'none'}, published {value}")
    if records[0].get("validation_size") is not None:
        said.append(f"{records[0]['validation_size']} validation documents, published all")
    if len(records) != 3:
        said.append(f"{len(records)} seeds, published 3")
    if family and family.startswith("g-loss"):
        inner = _init(arguments.get("loss")).get("graph_loss", arguments.get("loss"))
        objective = _class_name(_init(inner).get("objective"))
        if objective != "PublishedCode":
            said.append("the graph loss follows the published equation, the published figures came from the code")
        if "g-loss-o" in family:
            said.append("sigma, gamma and lambda were searched for there")
    return said


@cache
def _known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return found
