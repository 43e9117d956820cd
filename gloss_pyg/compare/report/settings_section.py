"""Every setting and version, every cell, and the command that makes the comparison again."""

import json
import shlex
from collections.abc import Sequence
from typing import Any

import yaml

from gloss_pyg.compare.report.content import Block, Code, Details, Items, Section, Table, Text, Value
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.merge import Merged
from gloss_pyg.compare.report.runs import FoundCell
from gloss_pyg.compare.report.texts import fit_to_show
from gloss_pyg.compare.report.wording import NONE, count, percent, seconds

_DATA = (
    "name_or_path",
    "data_dir",
    "text_column",
    "label_column",
    "train_size",
    "labels_per_class",
    "unlabelled",
    "validation_size",
    "test_size",
)
_DEFAULTS = {"text_column": "text", "label_column": "label", "unlabelled": "drop"}


def settings(material: Material, configurations: Sequence[str], command: Sequence[str]) -> Section:
    """Data, methods, versions, and how to make it again.

    Args:
        material: What the report is written from.
        configurations: The YAML files that lie beside the report, from `configurations_of`.
        command: Arguments of the command that made this report.
    """
    merged = material.merged
    names = [_file_name(place, len(configurations)) for place in range(len(configurations))]
    lines = [
        f"python -m gloss_pyg.compare --config {name} --output again-{place + 1}" for place, name in enumerate(names)
    ]
    made = " ".join(f"again-{place + 1}" for place in range(len(names)))
    blocks: list[Block] = [
        Text(f"The configuration lies beside this report as {' and '.join(names)}; with the versions below it gives:"),
        Code("\n".join([*lines, f"python -m gloss_pyg.compare.report {made}"])),
        Text("This report was made by:"),
        Code(f"python -m gloss_pyg.compare.report {' '.join(map(shlex.quote, command))}"),
    ]
    blocks += [
        Details(f"{name}, all settings of all methods", (Code(text),))
        for name, text in zip(names, configurations, strict=True)
    ]
    blocks += [_data(merged), _versions(merged)]
    return Section("Settings", tuple(blocks), "settings")


def configurations_of(merged: Merged) -> list[str]:
    """The comparison as configurations of `python -m gloss_pyg.compare`.

    One, where all data sets have the same methods with the same arguments and the same seeds; else one for each kind.
    """
    groups: dict[str, dict[str, Any]] = {}
    for data in merged.data:
        cells = merged.of(data)
        methods = {}
        for cell in cells:
            arguments = json.loads(cell.record.get("method_arguments") or "{}")
            methods[cell.name[1]] = {"class_path": cell.record.get("method_class")} | (
                {"init_args": arguments} if arguments else {}
            )
        seeds = sorted({cell.name[2] for cell in cells})
        group = groups.setdefault(
            json.dumps([methods, seeds], sort_keys=True), {"methods": methods, "data": {}, "seeds": seeds}
        )
        group["data"][data] = _spec(cells)
    return [yaml.safe_dump(group, sort_keys=False, allow_unicode=True, width=110) for group in groups.values()]


def _spec(cells: Sequence[FoundCell]) -> dict[str, Any]:
    record = cells[0].record
    spec = {key: record[key] for key in _DATA if record.get(key) not in (None, _DEFAULTS.get(key))}
    if any(cell.record.get("data_seed") not in (None, cell.record["seed"]) for cell in cells):
        spec["seed"] = next(cell.record["data_seed"] for cell in cells)
    return spec


def file_names(configurations: Sequence[str]) -> list[str]:
    """What the configurations are called beside the report."""
    return [_file_name(place, len(configurations)) for place in range(len(configurations))]


def _file_name(place: int, of: int) -> str:
    return "configuration.yaml" if of == 1 else f"configuration-{place + 1}.yaml"


def _data(merged: Merged) -> Table:
    rows = []
    for data in merged.data:
        record = merged.of(data)[0].record
        spec = _spec(merged.of(data))
        said = ", ".join(f"{key} {value}" for key, value in spec.items() if key not in ("name_or_path", "data_dir"))
        sizes = [
            record.get(key)
            for key in ("training_documents", "labelled_documents", "validation_documents", "test_documents")
        ]
        shown = [NONE if size is None else f"{size:,}" for size in sizes]
        rows.append(
            (
                data,
                str(record.get("name_or_path", NONE)),
                said or "all documents",
                *shown,
                str(record.get("classes", NONE)),
            )
        )
    columns = ("data set", "source", "settings", "training", "labelled", "validation", "test", "classes")
    return Table("Data sets", columns, tuple(rows), text=frozenset({0, 1, 2}))


def _versions(merged: Merged) -> Table:
    """What the fits were made with; fits that agree share a row."""
    keys = sorted({key for cell in merged.cells for key in cell.record if key.endswith("_version")})
    kinds: dict[tuple[str, ...], int] = {}
    for cell in merged.cells:
        record = cell.record
        versions = [
            f"{key.removesuffix('_version').replace('_', '-')} {record[key]}" for key in keys if record.get(key)
        ]
        machine = f"{record.get('cpus', '?')} x {record.get('processor') or '?'}"
        kind = (
            ", ".join(versions) or NONE,
            str(record.get("platform") or NONE),
            machine + (f", {record['accelerator']}" if record.get("accelerator") else ""),
            str(record.get("commit") or NONE),
        )
        kinds[kind] = kinds.get(kind, 0) + 1
    rows = tuple((f"{number_:,}", *kind) for kind, number_ in kinds.items())
    return Table(
        "Versions, machines and commits",
        ("fits", "versions", "platform", "machine", "commit"),
        rows,
        text=frozenset({1, 2, 3, 4}),
        notes=("A + behind a commit: files had been changed.",),
    )


def cells(material: Material) -> Section:
    """Every cell, what failed, what is missing, and notes on the results."""
    merged = material.merged
    blocks: list[Block] = []
    if found := (*merged.notes, *material.notes):
        blocks.append(Section("Notes on these results", (Items(tuple(fit_to_show(note, 600) for note in found)),)))
    if merged.failed:
        failed: tuple[tuple[str | Value, ...], ...] = tuple(
            (
                *(str(record.get(key, NONE)) for key in ("data", "method", "seed")),
                Value(fit_to_show(str(record["error"]), 400), foreign=True),
                str(record["digest"]),
            )
            for record in merged.failed
        )
        blocks.append(
            Table("Failed", ("data set", "method", "seed", "error", "digest"), failed, 3, frozenset({0, 1, 3, 4}))
        )
    if merged.missing:
        missing: tuple[tuple[str | Value, ...], ...] = tuple(
            (data, method, str(seed)) for data, method, seed in merged.missing
        )
        table = Table("Missing from the grid", ("data set", "method", "seed"), missing, 3, frozenset({0, 1}))
        blocks.append(table if len(missing) <= 10 else Details(f"{len(missing)} missing fits", (table,)))
    if merged.claimed:
        blocks.append(Text(f"Begun and not finished: {count(merged.claimed, 'cell')}, running now or stopped."))
    rows: tuple[tuple[str | Value, ...], ...] = tuple(
        (
            *cell.name[:2],
            str(cell.name[2]),
            percent(cell.record["accuracy"]),
            percent(cell.record["macro_f1"]),
            seconds(float(cell.record.get("fit_seconds") or float("nan"))),
            f"{cell.record.get('best_step', NONE)} of {cell.record.get('steps', NONE)}",
            {"patience": "its score", "limit": "the limit"}.get(str(cell.record.get("stopped_by")), NONE),
            str(cell.record.get("started_at") or NONE),
            cell.digest,
        )
        for cell in merged.cells
    )
    columns = (
        "data set",
        "method",
        "seed",
        "accuracy",
        "macro-F1",
        "fit (s)",
        "best step",
        "stopped by",
        "started",
        "digest",
    )
    table = Table("All finished fits", columns, rows, 3, frozenset({0, 1, 7, 8, 9}))
    blocks.append(Details(f"All {count(len(rows), 'finished fit')}", (table,)))
    return Section("Cells", tuple(blocks), "cells")
