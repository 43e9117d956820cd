"""Fits that ended by their own score, under a higher limit of steps: they are the same, and are not made again.

Where some fits of a grid were cut off by `max_steps`, it is raised and the same command run again: only those are made
anew.
"""

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.files import Record, to_json
from gloss_pyg.compare.results import FILES, Results
from gloss_pyg.description import digest


class FitsWithinLimits:
    """The finished fits of a result folder that ended by their own score.

    Args:
        results: The folder; read once, at the first question.
    """

    def __init__(self, results: Results) -> None:
        self._results = results
        self._fits: list[tuple[Path, Record, dict[str, Any]]] | None = None
        self._alike: dict[tuple[str, ...], dict[str, list[tuple[Path, Record]]]] = {}

    def of(self, cell: Cell) -> Path | None:
        """The folder of a fit that differs from a cell in its limits alone and keeps within those of the cell."""
        if not cell.limits:
            return None
        arguments = cell.settings["method"].get("init_args", {})
        for folder, record in self._by_settings(tuple(cell.limits)).get(_key(cell.settings, tuple(cell.limits)), ()):
            if _is_within(record, arguments, cell.limits):
                return folder
        return None

    def _by_settings(self, limits: tuple[str, ...]) -> dict[str, list[tuple[Path, Record]]]:
        """The fits by what determines them, these limits aside."""
        if self._fits is None:
            self._fits = _read(self._results)
        if limits not in self._alike:
            found: dict[str, list[tuple[Path, Record]]] = {}
            for folder, record, settings in self._fits:
                found.setdefault(_key(settings, limits), []).append((folder, record))
            self._alike[limits] = found
        return self._alike[limits]

    def take_over(self, cell: Cell) -> bool:
        """Finish a cell with the files of such a fit, if there is one; its record says `taken_over_from`."""
        folder = self.of(cell)
        if folder is None:
            return False
        with self._results.claim(cell) as claimed:
            if not claimed or self._results.is_finished(cell):
                return False
            files = {name: (folder / name).read_bytes() for name in FILES}
            record = _record(folder) | cell.keys() | {"taken_over_from": folder.name}
            self._results.write(cell, files | {"record.json": to_json(record), "settings.json": to_json(cell.settings)})
        return True


def _read(results: Results) -> list[tuple[Path, Record, dict[str, Any]]]:
    found = []
    for folder in results.finished_folders():
        try:
            settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        record = _record(folder)
        if isinstance(settings, dict) and record.get("stopped_by") == "patience":
            found.append((folder, record, settings))
    return found


def _record(folder: Path) -> Record:
    record: Record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    return record


def _key(settings: Mapping[str, Any], limits: tuple[str, ...]) -> str:
    """Digest of what determines a result, less what only bounds the training."""
    kept = copy.deepcopy(dict(settings))
    for owner, place in (("method", "init_args"), ("resolved", "arguments")):
        arguments = kept.get(owner, {}).get(place, {})
        for name in limits:
            arguments.pop(name, None)
    return digest(kept)


def _is_within(record: Record, arguments: Mapping[str, Any], limits: Mapping[str, str | None]) -> bool:
    bounds = [(record.get(figure), arguments.get(name)) for name, figure in limits.items() if figure is not None]
    return all(bound is None or (figure is not None and figure <= bound) for figure, bound in bounds)
