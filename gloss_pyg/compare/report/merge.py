"""Several result folders as one comparison: a cell that is in two of them counts once, and conflicts are told.

Cells of one name must have been made with the same settings, or they would be averaged like repetitions of one thing.
Where they were not, they are shown apart: the second as `name-2`. Within one folder, cells that its last configuration
no longer has make room for those that it has, and for those that it plans.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gloss_pyg.compare.files import Record
from gloss_pyg.compare.report.runs import FoundCell, Run

_SHOWN_DIFFERENCES = 3


@dataclass(frozen=True)
class Merged:
    """The cells of a report.

    Attributes:
        cells: Finished cells by data set, method and seed, each name once.
        failed: Records of cells that failed in every run that has them, with their `error`.
        missing: Data set, method and seed of cells that a run planned and nobody finished.
        claimed: Cells that were begun and are neither finished nor failed.
        notes: What was left out, renamed or found to disagree.
    """

    cells: tuple[FoundCell, ...]
    failed: tuple[Record, ...]
    missing: tuple[tuple[str, str, int], ...]
    claimed: int
    notes: tuple[str, ...]

    @property
    def data(self) -> list[str]:
        """Names of the data sets, in order."""
        return list(dict.fromkeys(cell.name[0] for cell in self.cells))

    @property
    def methods(self) -> list[str]:
        """Names of the methods, in order."""
        return list(dict.fromkeys(cell.name[1] for cell in self.cells))

    def of(self, data: str, method: str | None = None) -> list[FoundCell]:
        """The cells of a data set, or of a method on it."""
        return [cell for cell in self.cells if cell.name[0] == data and method in (None, cell.name[1])]


@dataclass
class _Variant:
    """Cells of one name that belong together; `contents` are digests of documents, by which cells share them."""

    signature: dict[str, Any]
    contents: dict[str, object] = field(default_factory=dict)
    cells: list[FoundCell] = field(default_factory=list)

    def admits(self, contents: Mapping[str, object]) -> bool:
        """Whether the documents are those of the cells that are here; results that do not say are believed."""
        return all(self.contents.get(key, content) == content for key, content in contents.items())


@dataclass
class _Names:
    """What was renamed, so that the same settings have one name wherever they are shown.

    Attributes:
        taken: Names that stand for something.
        given: The new name, by the old one and the settings.
    """

    taken: set[str]
    given: dict[tuple[str, str], str] = field(default_factory=dict)

    def other(self, name: str, signature: dict[str, Any]) -> str:
        """The name of a further variant."""
        key = (name, _spelt(signature))
        if key not in self.given:
            number = 2
            while (other := f"{name}-{number}") in self.taken:
                number += 1
            self.taken.add(other)
            self.given[key] = other
        return self.given[key]


def merge(runs: Sequence[Run]) -> Merged:
    """Bring runs together.

    Example:
        >>> merge([]).cells
        ()
    """
    notes = [note for run in runs for note in run.notes]
    cells = _asked_for(runs, list(_once(runs, notes)), notes)
    finished = {cell.digest for cell in cells}
    failed = {record["digest"]: record for run in runs for record in run.failed if record["digest"] not in finished}
    missing = _missing(runs, cells, list(failed.values()))
    order = list(dict.fromkeys([*(name for run in runs for name in run.methods), *(cell.name[1] for cell in cells)]))
    of_data, of_methods = _Names({cell.name[0] for cell in cells}), _Names({cell.name[1] for cell in cells})
    named = list(_named(cells, "data", _data_signature, of_data, notes))
    by_data = {
        name: [cell for cell in named if cell.name[0] == name] for name in dict.fromkeys(c.name[0] for c in named)
    }
    groups = [list(_named(group, "method", _method_signature, of_methods, notes)) for group in by_data.values()]
    shown = [_renamed(cell, of_methods) for group in groups for cell in group]
    order += [name for name in dict.fromkeys(cell.name[1] for cell in shown) if name not in order]
    single: dict[tuple[str, str, int], FoundCell] = {}
    for cell in shown:
        single.setdefault(cell.name, cell)
    notes += [
        f"There are two results of {cell} ({single[cell.name].digest} and {cell.digest}); the first is shown."
        for cell in shown
        if single[cell.name] is not cell
    ]
    places = {name: place for place, name in enumerate(by_data)}
    in_order = sorted(
        single.values(), key=lambda cell: (places.get(cell.name[0], 0), order.index(cell.name[1]), cell.name[2])
    )
    return Merged(
        tuple(in_order), tuple(failed.values()), tuple(missing), sum(run.claimed for run in runs), tuple(notes)
    )


def _once(runs: Sequence[Run], notes: list[str]) -> Iterator[FoundCell]:
    """Each digest once; two results of one digest that disagree are told."""
    first: dict[str, FoundCell] = {}
    for cell in (cell for run in runs for cell in run.cells):
        other = first.setdefault(cell.digest, cell)
        if other is cell:
            continue
        if cell.name[:2] != other.name[:2]:
            notes.append(
                f"{cell} ({cell.run}) and {other} ({other.run}) are the same computation, shown as the latter."
            )
        if any(cell.record[key] != other.record[key] for key in ("accuracy", "macro_f1")):
            notes.append(
                f"{cell} was computed twice with the same settings and came out differently: accuracy "
                f"{100 * other.record['accuracy']:.2f} in {other.run}, {100 * cell.record['accuracy']:.2f} in "
                f"{cell.run}. The first is shown; machines round differently."
            )
        if cell.current and not other.current:
            first[cell.digest] = replace(other, current=True)
    yield from sorted(first.values(), key=lambda cell: not cell.current)


def _asked_for(runs: Sequence[Run], cells: Sequence[FoundCell], notes: list[str]) -> list[FoundCell]:
    """All but what a run's last configuration has replaced, whether its own results are there yet or not.

    Where it replaces one seed of a method, the method's other seeds with the settings of before go with it.
    """
    planned = {run.folder: {name: digest for digest, name in run.planned.items()} for run in runs}
    replaced = {_question(cell) for cell in cells if not cell.current and cell.name in planned.get(cell.run, {})}
    left_out: dict[tuple[Path, str, str], list[FoundCell]] = {}
    kept = []
    for cell in cells:
        if cell.current or _question(cell) not in replaced:
            kept.append(cell)
        else:
            left_out.setdefault((cell.run, *cell.name[:2]), []).append(cell)
    for (run, data, method), old in left_out.items():
        new = next((cell for cell in kept if cell.current and (cell.run, *cell.name[:2]) == (run, data, method)), None)
        differs = "" if new is None else f" ({_differences(_signature(new), _signature(old[0]))})"
        notes.append(
            f"{method} on {data}: {len(old)} results of an earlier configuration of {run} are left out{differs}."
        )
    return kept


def _question(cell: FoundCell) -> tuple[Path, str, str, str]:
    """What the seeds of a cell have in common."""
    return cell.run, *cell.name[:2], _spelt(_signature(cell))


def _signature(cell: FoundCell) -> dict[str, Any]:
    return _data_signature(cell) | _method_signature(cell)


def _spelt(signature: dict[str, Any]) -> str:
    return json.dumps(signature, sort_keys=True)


def _renamed(cell: FoundCell, names: _Names) -> FoundCell:
    """A cell whose settings were given another name on some data set."""
    other = names.given.get((cell.name[1], _spelt(_method_signature(cell))))
    return cell if other is None else replace(cell, record=cell.record | {"method": other})


def _named(
    cells: Sequence[FoundCell], key: str, signature: Any, renamed: _Names, notes: list[str]
) -> Iterator[FoundCell]:
    """Cells under a name that stands for one set of settings only."""
    names: dict[str, list[_Variant]] = {}
    for cell in cells:
        variants = names.setdefault(str(cell.record[key]), [])
        wanted, contents = signature(cell), _contents(cell) if key == "data" else {}
        fitting = (one for one in variants if one.signature == wanted and one.admits(contents))
        variant = next(fitting, None)
        if variant is None:
            variants.append(variant := _Variant(wanted))
        for place, content in contents.items():
            variant.contents.setdefault(place, content)
        variant.cells.append(cell)
    for name, variants in names.items():
        where = name if key == "data" else f"{name} on {variants[0].cells[0].record['data']}"
        first = variants[0]
        yield from first.cells
        for variant in variants[1:]:
            differs = _differences(first.signature, variant.signature)
            if not any(cell.current for cell in variant.cells) and any(
                cell.current and cell.run == variant.cells[0].run for cell in first.cells
            ):
                notes.append(
                    f"{where}: {len(variant.cells)} results of an earlier configuration of {variant.cells[0].run} are "
                    f"left out ({differs})."
                )
                continue
            other = renamed.other(name, variant.signature | variant.contents)
            notes.append(
                f"{where}: {len(variant.cells)} results in {variant.cells[0].run} were made with other settings than "
                f"the first ones; they are shown as '{other}' ({differs})."
            )
            yield from (replace(cell, record=cell.record | {key: other}) for cell in variant.cells)


def _contents(cell: FoundCell) -> dict[str, object]:
    """Digests of its documents, as far as its results say: of all with its draw of labels, and of those held out."""
    found = {
        f"seed {cell.record.get('data_seed') or 0}": cell.settings.get("content"),
        "held out": cell.record.get("held_out_content"),
    }
    return {key: content for key, content in found.items() if content is not None}


def _data_signature(cell: FoundCell) -> dict[str, Any]:
    record = cell.record
    fields = ("train_size", "labels_per_class", "unlabelled", "validation_size", "test_size")
    follows = record.get("data_seed") in (None, record["seed"])
    return {key: record.get(key) for key in fields} | ({} if follows else {"seed": record["data_seed"]})


def _method_signature(cell: FoundCell) -> dict[str, Any]:
    if cell.settings:
        return {key: cell.settings.get(key) for key in ("method", "resolved", "gloss_pyg")}
    return {key: cell.record.get(key) for key in ("method_class", "method_arguments")}


def _differences(one: dict[str, Any], other: dict[str, Any]) -> str:
    """Where two settings differ, in words."""
    first, second = dict(_flat(one)), dict(_flat(other))
    keys = [key for key in {**first, **second} if first.get(key) != second.get(key)]
    if not keys:
        return "the documents differ"
    said = [f"{key}: {first.get(key, 'none')} and {second.get(key, 'none')}" for key in keys[:_SHOWN_DIFFERENCES]]
    more = len(keys) - len(said)
    return "; ".join(said) + (f"; {more} more" if more else "")


def _flat(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _flat(entry, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value and not all(isinstance(entry, int | float) for entry in value):
        for place, entry in enumerate(value):
            yield from _flat(entry, f"{path}[{place}]")
    else:
        yield path, json.dumps(value).strip('"')


def _missing(runs: Sequence[Run], cells: Sequence[FoundCell], failed: Sequence[Record]) -> list[tuple[str, str, int]]:
    """What was planned and nobody has; of runs that do not say, what the grid of their cells has room for."""
    there = {cell.name for cell in cells if cell.current} | {
        (record["data"], record["method"], int(record["seed"])) for record in failed if "method" in record
    }
    finished = {cell.digest for cell in cells}  # under whichever name
    missing: dict[tuple[str, str, int], None] = {}
    for run in runs:
        names = [name for digest, name in run.planned.items() if digest not in finished]
        missing |= dict.fromkeys(name for name in (names if run.planned else _room(run)) if name not in there)
    return list(missing)


def _room(run: Run) -> Iterator[tuple[str, str, int]]:
    """Data sets times methods times seeds of the cells that a run has."""
    names = [cell.name for cell in run.cells if cell.current]
    data, methods, seeds = (dict.fromkeys(column) for column in zip(*names, strict=True)) if names else ((), (), ())
    yield from ((one, two, seed) for one in data for two in methods for seed in sorted(seeds))
