"""The model card of a saved model: what it is, what it was trained on, how well it does, how to use and cite it."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from huggingface_hub import EvalResult, ModelCardData

CARD_FILE = "README.md"

BIBTEX = """
@inproceedings{sharma2025gloss,
    title = "G-Loss: Graph-Guided Fine-Tuning of Language Models",
    author = "Sharma, Aditya and Agarwal, Vinti and Kumar, Rajesh",
    booktitle = "Learning on Graphs Conference",
    year = "2025",
    eprint = "2604.25853",
    archivePrefix = "arXiv",
}
"""

_USE = """```python
import gloss_pyg  # registers the model with transformers' Auto classes
from transformers import AutoModelForSequenceClassification

model = AutoModelForSequenceClassification.from_pretrained("FOLDER_OR_NAME")
```

or, for a file of texts, `python -m gloss_pyg.predict FOLDER_OR_NAME texts.csv`."""

_HEAD_USE = """It predicts by propagation from its training documents, whose embeddings and labels lie beside it; the
scores are those of

```python
from pathlib import Path

from gloss_pyg.predict import Predictor

probabilities = Predictor(Path("FOLDER"))(["a text", "another text"])
```

and of `python -m gloss_pyg.predict FOLDER texts.csv`. `AutoModelForSequenceClassification` and pipelines know its
linear classifier alone, whose answers are others."""

_SCORES = {"accuracy": "accuracy", "macro_f1": "macro-F1", "macro_silhouette": "macro silhouette"}


def model_card(record: Mapping[str, Any], class_names: Sequence[str], name: str) -> str:
    """The card as the Hugging Face Hub reads it: Markdown, with scores and tags as data above it.

    Paths of the machine that trained stay there: of each only its last part is written. No document is quoted.

    Args:
        record: What `python -m gloss_pyg.train` writes to `training.json`: method, data, arguments, scores, versions.
        class_names: The classes, in the order of the outputs.
        name: Of the model.

    Example:
        >>> card = model_card({"data": "reviews.csv", "accuracy": 0.9}, ["bad", "good"], "films")
        >>> "# films" in card, "| accuracy | 0.9000 |" in card
        (True, True)
    """
    data = _last_part(str(record.get("data", "")))
    settings = _without_paths(record.get("arguments", {}).get("method", {}))
    scores = {title: float(record[key]) for key, title in _SCORES.items() if key in record}
    base = record.get("arguments", {}).get("method", {}).get("init_args", {}).get("model")
    if base is not None and (Path(base).exists() or _last_part(base) != base):
        base = None  # a folder of the machine, which the Hub does not know
    metadata = ModelCardData(
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=["gloss_pyg", "text-classification", "graph-based-loss"],
        base_model={"offline": "sentence-transformers/all-MiniLM-L6-v2", "random-tiny": None}.get(str(base), base),
        model_name=name,
        eval_results=[
            EvalResult(
                task_type="text-classification", dataset_type=data, dataset_name=data, metric_type=title,
                metric_value=round(value, 6), dataset_split="test",
            )
            for title, value in scores.items()
        ]
        or None,
    )  # fmt: skip
    return f"---\n{metadata.to_yaml()}\n---\n\n{_text(record, class_names, name, data, settings, scores)}"


def _text(
    record: Mapping[str, Any],
    class_names: Sequence[str],
    name: str,
    data: str,
    settings: Any,
    scores: Mapping[str, float],
) -> str:
    rows = "\n".join(f"| {title} | {value:.4f} |" for title, value in scores.items())
    arguments = record.get("arguments", {}).get("method", {}).get("init_args", {})
    documents = record.get("test_documents")
    tested = f"On {documents} test documents of {_plain(data)}, seed {record.get('seed')}:" if documents else ""
    libraries = ("torch", "torch_geometric", "transformers")
    versions = ", ".join(f"{name} {version}" for name in libraries if (version := record.get(f"{name}_version")))
    return f"""# {_plain(name)}

A text classifier with {len(class_names)} classes ({", ".join(map(_plain, class_names))}), trained with
[gloss_pyg](https://pypi.org/project/gloss-pyg/) on {_plain(data)}.

## Scores

{tested}

| score | value |
|---|---:|
{rows or "| none | |"}

One training with one seed; other seeds give other values.

## Use

{_HEAD_USE if arguments.get("prediction") else _USE} The bare encoder is in the folder `body`, for `AutoModel`.

## Training

```yaml
{yaml.safe_dump(settings, sort_keys=False, allow_unicode=True).strip()}
```

{versions}

## Citation

```bibtex{BIBTEX}```
"""


def _plain(text: str) -> str:
    """On one line, without what Markdown or HTML would take for its own."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return "".join(f"\\{character}" if character in "\\`*_{}[]<>#|!&" else character for character in line)


def _last_part(text: str) -> str:
    return Path(text).name if os.sep in text and (text.startswith(("/", "~", ".")) or Path(text).exists()) else text


def _without_paths(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_paths(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_paths(entry) for entry in value]
    return _last_part(value) if isinstance(value, str) else value
