"""What the source would call a method, and which of its settings are not the published ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gloss_pyg.compare.files import Record

_GRAPH_METHODS = {"TextGCN": "textgcn", "BertGCN": "bertgcn", "BertGAT": "bertgat"}
_METRIC_LOSSES = {"SupervisedContrastive": "scl", "BatchAllTriplet": "triplet", "PairwiseCosine": "cosine"}
_CROSS_ENTROPY = ("", "ClassificationLoss")
_LEARNING_RATES = (1e-5, 5e-5)


def family_of(method_class: str, arguments: Mapping[str, Any]) -> str | None:
    """What the source would call a method: `ce`, `g-loss-o+ce`, `scl`, ...; `None` for what it does not have.

    Example:
        >>> family_of("gloss_pyg.FineTuning", {}), family_of("gloss_pyg.FineTuning", {"loss": "FocalLoss"})
        ('ce', None)
    """
    name = method_class.rsplit(".", 1)[-1]
    if name in _GRAPH_METHODS:
        return _GRAPH_METHODS[name]
    if arguments.get("prediction") is not None:
        return None
    loss = arguments.get("loss")
    kind, inside = _class_name(loss), _init(loss)
    if name == "FineTuning" and kind in _CROSS_ENTROPY:
        return "ce"
    if name == "FineTuning" and kind == "HybridLoss":
        found = _metric_loss(inside.get("graph_loss"))
        plain = _class_name(inside.get("classification_loss")) in _CROSS_ENTROPY
        return f"{found}+ce" if found and plain and inside.get("unlabelled_loss") is None else None
    if name == "Standalone":
        return _metric_loss(loss or {"class_path": "GLoss"})
    return None


def _metric_loss(loss: Any) -> str | None:
    if _class_name(loss) != "GLoss":
        return _METRIC_LOSSES.get(_class_name(loss))
    graph = _init(loss).get("graph")
    if _class_name(graph) not in ("", "DenseGaussian") or _class_name(_init(loss).get("propagation")) not in (
        "",
        "LabelPropagation",
    ):
        return None
    sigma = _init(graph).get("sigma", "sqrt")
    return "g-loss-sqrt" if sigma == "sqrt" else None if isinstance(sigma, str) else "g-loss-o"


def differences(
    records: Sequence[Record], arguments: Mapping[str, Any], family: str, published: Mapping[str, Any]
) -> list[str]:
    """Settings of a method that are not the published ones, in words.

    Args:
        records: Of its seeds.
        arguments: Of the method.
        family: What the source calls it.
        published: The settings that all published methods with an encoder share.
    """
    said = []
    if family not in _GRAPH_METHODS.values():
        for key, value in published.items():
            given = arguments.get(key)
            if (key in arguments and given != value) and not (key == "pooling" and given is None):
                said.append(f"{key} {given if given is not None else 'none'}, published {value}")
        said += _of_the_loss(arguments, family)
    if records[0].get("validation_size") is not None:
        said.append(f"{records[0]['validation_size']} validation documents, published all")
    if len(records) != 3:
        said.append(f"{len(records)} seeds, published 3")
    return said


def _of_the_loss(arguments: Mapping[str, Any], family: str) -> Iterator[str]:
    yield from _outside("learning_rate", arguments.get("learning_rate"), _LEARNING_RATES)
    loss = arguments.get("loss")
    hybrid = family.endswith("+ce")
    cross_entropy = _init(_init(loss).get("classification_loss")) if hybrid else _init(loss)
    if (family == "ce" or hybrid) and (smoothing := cross_entropy.get("label_smoothing")):
        yield f"label smoothing {smoothing}, published none"
    if hybrid:
        yield from _outside("weight (lambda)", _init(loss).get("weight"), (0.1, 0.9))
    inner = _init(loss).get("graph_loss") if hybrid else loss
    given = _init(inner)
    if family.startswith("scl"):
        yield from _outside("temperature", given.get("temperature"), (0.01, 1.0))
    if family.startswith("triplet") and given.get("margin", 5) != 5:
        yield f"margin {given['margin']}, published 5"
    if family.startswith("g-loss"):
        if _class_name(given.get("objective")) != "PublishedCode":
            yield "the graph loss follows the published equation, the published figures came from the code"
        yield from _outside("labelled_fraction (gamma)", given.get("labelled_fraction"), (0.1, 0.9))
        if "g-loss-o" in family:
            yield "sigma, gamma and lambda were searched for there"


def _outside(name: str, given: object, bounds: tuple[float, float]) -> Iterator[str]:
    if isinstance(given, int | float) and not bounds[0] <= given <= bounds[1]:
        yield f"{name} {given:g}, published {bounds[0]:g} to {bounds[1]:g}"


def _class_name(part: Any) -> str:
    path = part.get("class_path") if isinstance(part, dict) else part
    return str(path or "").rsplit(".", 1)[-1]


def _init(part: Any) -> dict[str, Any]:
    found = part.get("init_args") if isinstance(part, dict) else None
    return found if isinstance(found, dict) else {}
