"""Made-up results of comparisons in the format of the real ones, for the report's tests and its benchmark.

Methods differ by a skill; documents by a difficulty that all methods share, fits by chance of their own.
"""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.files import to_json
from gloss_pyg.compare.results import Results
from gloss_pyg.description import digest

VERSIONS = {"python_version": "3.11.7", "gloss_pyg_version": "0.1.0", "torch_version": "2.13.0"}
HYBRID = {
    "class_path": "gloss_pyg.HybridLoss",
    "init_args": {"graph_loss": {"class_path": "gloss_pyg.GLoss", "init_args": {"labelled_fraction": 0.6}}},
}


def write_corpus(folder: Path, classes: Sequence[str], sizes: Mapping[str, int], texts: Iterable[str] = ()) -> Path:
    """A data set as a folder of JSONL files; test documents have these texts, over and over, where there are any."""
    folder.mkdir(parents=True, exist_ok=True)
    given = list(texts)
    for split, size in sizes.items():
        with (folder / f"{split}.jsonl").open("w", encoding="utf-8", errors="surrogatepass") as stream:
            for row in range(size):
                text = f"{split} document {row} of the corpus"
                if given and split == "test":
                    text = f"{given[row % len(given)]} ({row})"  # of equal texts with other labels some are dropped
                stream.write(json.dumps({"text": text, "label": classes[row % len(classes)]}) + "\n")
    return folder


def make_cell(method: str, data: str, seed: int, spec: DataSpec, arguments: dict[str, Any]) -> Cell:
    """A cell whose settings say what these arguments say."""
    given = {"class_path": "gloss_pyg.methods.fine_tuning.FineTuning", "init_args": arguments}
    settings = {
        "method": given,
        "data": {key: getattr(spec, key) for key in ("train_size", "labels_per_class", "test_size")} | {"seed": seed},
        "content": f"{Path(spec.name_or_path).name} {spec.train_size} {spec.labels_per_class} {seed}",
        "seed": seed,
        "gloss_pyg": "0.1.0",
    }
    return Cell(method, data, seed, given, spec, False, settings, digest(settings))


def cell_files(
    cell: Cell, classes: Sequence[str], documents: int, skill: float, *, validations: int = 12, **fields: Any
) -> dict[str, bytes]:
    """The files of a finished cell; test document `row` has the class `row % classes`."""
    hard = np.random.default_rng(documents).normal(size=documents)
    generator = np.random.default_rng([int(cell.digest[:8], 16)])
    count = len(classes)
    labels = np.arange(documents) % count
    margin = skill - hard + 0.6 * generator.normal(size=documents) + 0.05 * generator.normal()
    logits = generator.normal(0, 0.3, (documents, count))
    other = (labels + 1 + generator.integers(0, max(count - 1, 1), documents)) % count
    logits[np.arange(documents), labels] += 2 * margin
    logits[np.arange(documents), other] += 1.0
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)
    predicted = probabilities.argmax(axis=1)
    right = predicted == labels
    f1 = [
        2 * (right & (labels == c)).sum() / max(1, (labels == c).sum() + (predicted == c).sum()) for c in range(count)
    ]
    steps = 25 * np.arange(1, validations + 1)
    rise = right.mean() * (1 - 0.5 * np.exp(-steps / 80)) + 0.004 * generator.normal(size=validations)
    history = [
        {"step": float(step), "seconds": 0.9 * step, "macro_f1": float(value), "accuracy": float(value) + 0.001}
        for step, value in zip(steps, rise, strict=True)
    ]
    best = int(np.argmax(rise))
    record = cell.keys() | {
        "encoder": "offline",
        "classes": count,
        "training_documents": 40 * count,
        "labelled_documents": (cell.spec.labels_per_class or 40) * count,
        "validation_documents": 100,
        "test_documents": documents,
        "accuracy": float(right.mean()),
        "macro_f1": float(np.mean(f1)),
        "macro_silhouette": 0.3,
        "fit_seconds": 0.9 * float(steps[-1]) + 12,
        "setup_seconds": 12.0,
        "checkpoint_seconds": 0.0,
        "graph_seconds": 0.0,
        "training_seconds": 0.9 * float(steps[-1]),
        "seconds_per_epoch": 22.5,
        "predict_seconds": 3.5,
        "steps": int(steps[-1]),
        "stopped_by": "patience",
        "best_step": int(steps[best]),
        "loss_overhead": 0.001,
        "peak_memory_bytes": 2 * 2**30 + int(generator.integers(2**28)),
        "started_at": "2026-11-20T10:00:00+00:00",
        "commit": "0123456789abcdef0123456789abcdef01234567",
        **VERSIONS,
        "platform": "Linux",
        "cpus": 2,
        "processor": "a processor",
        "accelerator": "",
    }
    flat = pa.array(probabilities.reshape(-1), type=pa.float32())
    table = pa.table(
        {
            "document": pa.array(np.arange(documents), type=pa.int32()),
            "label": pa.array(labels, type=pa.int32()),
            "probabilities": pa.FixedSizeListArray.from_arrays(flat, count),
        }
    ).replace_schema_metadata({"class_names": json.dumps(list(classes))})
    stream = io.BytesIO()
    pq.write_table(table, stream, compression="zstd")
    return {
        "record.json": to_json(record | fields),
        "history.json": to_json(history),
        "settings.json": to_json(cell.settings),
        "predictions.parquet": stream.getvalue(),
    }


def write_results(
    folder: Path,
    data: Mapping[str, tuple[DataSpec, Sequence[str], int]],
    methods: Mapping[str, float],
    seeds: Sequence[int],
    **fields: Any,
) -> list[Cell]:
    """A finished run: data sets as (spec, classes, test documents), methods with their skills."""
    results, cells = Results(folder), []
    for name, (spec, classes, documents) in data.items():
        for seed in seeds:
            for place, (method, skill) in enumerate(methods.items()):
                arguments = {"learning_rate": 1e-5 * (place + 1)} | ({"loss": HYBRID} if place else {})
                cell = make_cell(method, name, seed, spec, arguments)
                with results.claim(cell):
                    results.write(cell, cell_files(cell, classes, documents, skill, **fields))
                cells.append(cell)
    results.merge(cells)
    return cells


def budgets(corpus: Path, counts: Sequence[int | None]) -> dict[str, DataSpec]:
    """A data set with several label budgets, as the grid makes them."""
    return {f"{corpus.name}-{count or 'all'}": DataSpec(str(corpus), labels_per_class=count) for count in counts}
