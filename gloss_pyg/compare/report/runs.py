"""Result folders as they lie on disk: what is finished, what failed, and what cannot be read."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gloss_pyg.compare.files import Record
from gloss_pyg.errors import DataError

_NEEDED = ("method", "data", "seed", "accuracy", "macro_f1", "digest")


@dataclass(frozen=True)
class FoundCell:
    """A finished cell.

    Attributes:
        folder: Where its files lie.
        run: The result folder that it was found in.
        record: Its record, under the names of the last configuration that used it.
        settings: Everything that determined its result; empty in results that do not say.
        history: Its validation curve.
        current: Whether the last configuration of its run still has it.
    """

    folder: Path
    run: Path
    record: Record
    settings: dict[str, Any]
    history: list[Record]
    current: bool

    @property
    def digest(self) -> str:
        """Name of the cell's folder."""
        return self.folder.name

    @property
    def name(self) -> tuple[str, str, int]:
        """Data set, method and seed."""
        return self.record["data"], self.record["method"], int(self.record["seed"])

    def __str__(self) -> str:
        return f"{self.record['method']} on {self.record['data']}, seed {self.record['seed']}"


@dataclass(frozen=True)
class Run:
    """A result folder.

    Attributes:
        folder: Its path.
        cells: Finished cells.
        failed: Records with an `error`, of its last configuration where that is known; without names where nothing but
            the digest is.
        claimed: Cells that were begun and are neither finished nor failed: they run now, or were stopped.
        methods: Names of the methods in the order of its last configuration, as far as they are known.
        planned: Data set, method and seed of every cell of that configuration by digest; empty where it is not known.
        notes: What could not be read.
    """

    folder: Path
    cells: tuple[FoundCell, ...]
    failed: tuple[Record, ...]
    claimed: int
    methods: tuple[str, ...]
    planned: dict[str, tuple[str, str, int]]
    notes: tuple[str, ...]


def check_folders(folders: Sequence[Path]) -> None:
    """Refuse paths that are no result folders, before anything is read.

    Raises:
        DataError: naming the first of them, and what to do.
    """
    seen: dict[Path, Path] = {}
    for folder in folders:
        if not folder.exists():
            raise DataError(f"There is no folder {folder}. Give the --output of a comparison, such as results/quick.")
        if not (folder / "cells").is_dir():
            near = next((place for place in (folder.parent, folder.parent.parent) if (place / "cells").is_dir()), None)
            hint = f" Did you mean {near}?" if near else " Give the --output of a comparison, such as results/quick."
            raise DataError(f"{folder} holds no results of a comparison: it has no folder 'cells'.{hint}")
        if (other := seen.setdefault(folder.resolve(), folder)) is not folder:
            raise DataError(f"{folder} and {other} are the same folder; give it once.")


def read_results(folder: Path) -> Run:
    """Read a result folder; a cell that cannot be read becomes a note."""
    planned = _lines(folder / "grid.jsonl")
    listed = planned or _lines(folder / "results.jsonl")  # results of older versions have no grid
    cells: list[FoundCell] = []
    notes: list[str] = []
    finished, failed, begun = set(), {}, set()
    for path in sorted((folder / "cells").iterdir()):
        if path.suffix == ".error":
            failed[path.stem] = _error(path, listed.get(path.stem))
        elif path.suffix == ".lock":
            begun.add(path.stem)
        elif path.is_dir() and not path.name.startswith(".") and "-unreadable-" not in path.name:
            found = _cell(folder, path, listed)
            if isinstance(found, str):
                notes.append(found)
            else:
                cells.append(found)
                finished.add(path.name)
    if planned:  # what failed or was begun for an earlier configuration is nobody's question any more
        failed = {digest: record for digest, record in failed.items() if digest in planned}
        begun &= planned.keys()
    order = {digest: place for place, digest in enumerate(listed)}
    cells.sort(key=lambda cell: (not cell.current, order.get(cell.digest, 0), _natural(cell.name[0]), *cell.name[1:]))
    return Run(
        folder,
        tuple(cells),
        tuple(record for digest, record in failed.items() if digest not in finished),
        len(begun - finished - failed.keys()),
        tuple(dict.fromkeys(str(record["method"]) for record in listed.values() if "method" in record)),
        {digest: (str(one["data"]), str(one["method"]), int(one["seed"])) for digest, one in planned.items()},
        tuple(notes),
    )


def _natural(name: str) -> list[tuple[bool, int, str]]:
    """Sorts `bbc-5` before `bbc-20`: numbers in a name by their value."""
    parts = re.findall(r"[0-9]+|[^0-9]+", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts]


def _lines(file: Path) -> dict[str, Record]:
    """What a file says of the cells of the last configuration, by digest and in its order."""
    found: dict[str, Record] = {}
    try:
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            found[str(record["digest"])] = record
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


def _cell(run: Path, folder: Path, listed: dict[str, Record]) -> FoundCell | str:
    """A cell, or why it cannot be read."""
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        if missing := [key for key in _NEEDED if record.get(key) is None]:
            return f"{folder} is left out: its record lacks {', '.join(missing)}."
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        if not isinstance(history, list):
            return f"{folder} is left out: its history.json holds no list."
    except (OSError, ValueError, AttributeError) as error:
        return f"{folder} is left out: it cannot be read ({type(error).__name__}: {' '.join(str(error).split())})."
    try:
        settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = {}
    names = {key: listed[folder.name][key] for key in ("method", "data") if folder.name in listed}
    return FoundCell(folder, run, record | names, settings, history, folder.name in listed or not listed)


def _error(path: Path, record: Record | None) -> Record:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        lines = [str(error)]
    return {**(record or {}), "digest": path.stem, "error": lines[0] if lines else "unknown"}
