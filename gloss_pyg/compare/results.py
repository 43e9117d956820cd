"""The folder of results: one folder a cell, claimed by a lock and written whole at its end.

    <output>/cells/<digest>/          record.json, history.json, settings.json, predictions.parquet
    <output>/cells/<digest>.lock      held by the process that works on the cell, and gone with it
    <output>/cells/<digest>.error     why the cell failed; tried again at the next start
    <output>/grid.jsonl               data set, method, seed and digest of every cell of the configuration
    <output>/results.jsonl            the records of the configuration, merged from the folders

The claim is a lock of the operating system (flock), so that a process killed at any moment leaves none behind. A
folder appears under its name by one rename, so that a cell is either finished or not there.
"""

import json
import logging
import os
import shutil
import tempfile
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.files import Record, to_json, write_whole
from gloss_pyg.errors import ConfigError, one_line

logger = logging.getLogger(__name__)

FILES = ("record.json", "history.json", "settings.json", "predictions.parquet")
_PARQUET = b"PAR1"
_NEEDED = {"fit_seconds", "predict_seconds", "accuracy", "macro_f1", "best_step"}


class Results:
    """Results of a comparison on disk.

    Args:
        folder: Where they lie; made when the first cell is claimed, so that a command that is refused leaves nothing.

    Raises:
        ConfigError: if the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._cells = folder / "cells"
        there = self._cells.absolute()
        while not there.exists() and there != there.parent:
            there = there.parent
        if not there.is_dir():
            raise self._unwritable(f"{there} is a file")
        if not os.access(there, os.W_OK | os.X_OK):
            raise self._unwritable(f"{there} is not open for writing")

    def _unwritable(self, reason: str) -> ConfigError:
        return ConfigError(f"Results cannot be written to {self.folder} ({reason}); name another --output.")

    def is_finished(self, cell: Cell) -> bool:
        """Whether the cell's folder is there, with files that can be read."""
        return _is_whole(self._cells / cell.digest)

    def finished_folders(self) -> list[Path]:
        """The folders of all finished cells, of this configuration or of others, in the order of their names."""
        if not self._cells.is_dir():
            return []
        return [path for path in sorted(self._cells.iterdir()) if path.name[0] != "." and _is_whole(path)]

    def record(self, cell: Cell) -> Record:
        """Record of a finished cell, under the names that the cell has in this configuration."""
        record: Record = json.loads((self._cells / cell.digest / "record.json").read_text(encoding="utf-8"))
        return record | cell.keys()

    def cell_folder(self, cell: Cell) -> Path:
        """Where the files of a finished cell lie."""
        return self._cells / cell.digest

    def history(self, cell: Cell) -> list[Record]:
        """Validation curve of a finished cell."""
        rows: list[Record] = json.loads((self._cells / cell.digest / "history.json").read_text(encoding="utf-8"))
        return rows

    def error(self, cell: Cell) -> str | None:
        """Why the cell failed when it was tried last, else `None`."""
        try:
            return self._error_file(cell).read_text(encoding="utf-8").splitlines()[0]
        except (FileNotFoundError, IndexError):
            return None

    def error_stamp(self, cell: Cell) -> int | None:
        """Tells one failure of a cell from the next: when its error was written."""
        try:
            return self._error_file(cell).stat().st_mtime_ns
        except FileNotFoundError:
            return None

    @contextmanager
    def claim(self, cell: Cell) -> Iterator[bool]:
        """Claim a cell for the time of the block; gives whether that succeeded."""
        self._make()
        lock = FileLock(self._cells / f"{cell.digest}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            for left in self._cells.glob(f".{cell.digest}-*"):  # of a run that was killed: only the holder writes here
                shutil.rmtree(left, ignore_errors=True)
            self._set_aside(cell)
            yield True
        finally:
            lock.release()

    def _make(self) -> None:
        try:
            self._cells.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from error

    def write(self, cell: Cell, files: Mapping[str, bytes]) -> None:
        """Write a claimed cell's folder as a whole."""
        folder = Path(tempfile.mkdtemp(prefix=f".{cell.digest}-", dir=self._cells))
        for name, content in files.items():
            write_whole(folder / name, content)
        folder.chmod(0o755)  # mkdtemp's own mode would shut out colleagues on a common disk
        folder.rename(self._cells / cell.digest)
        self._error_file(cell).unlink(missing_ok=True)

    def _set_aside(self, cell: Cell) -> None:
        """Make room for a cell whose folder was spoilt, by a full disk or by hand; nothing is deleted."""
        folder = self._cells / cell.digest
        if not folder.exists() or self.is_finished(cell):
            return
        spoilt = Path(tempfile.mkdtemp(prefix=f"{cell.digest}-unreadable-", dir=self._cells))
        folder.rename(spoilt / cell.digest)
        logger.warning("%s: its results cannot be read; they lie in %s now, and it is run again", cell, spoilt)

    def fail(self, cell: Cell, error: Exception) -> str:
        """Note why a claimed cell failed, first in a line, then with the traceback; gives the line."""
        line = one_line(error)
        write_whole(self._error_file(cell), f"{line}\n\n{''.join(traceback.format_exception(error))}".encode())
        return line

    def plan(self, cells: Sequence[Cell]) -> None:
        """Write `grid.jsonl`, so that whoever reads the results knows what is missing."""
        self._make()
        keys = ("data", "method", "seed", "digest")
        lines = [to_json({key: getattr(cell, key) for key in keys}, indent=None) for cell in cells]
        write_whole(self.folder / "grid.jsonl", b"".join(lines))

    def merge(self, cells: Sequence[Cell]) -> list[Record]:
        """Collect the records of these cells, failed ones with their `error`, and write `results.jsonl`."""
        records = []
        for cell in cells:
            if self.is_finished(cell):
                records.append(self.record(cell))
            elif (error := self.error(cell)) is not None:
                records.append(cell.keys() | {"error": error})
        self._make()
        write_whole(self.folder / "results.jsonl", b"".join(to_json(record, indent=None) for record in records))
        return records

    def error_path(self, cell: Cell) -> Path:
        """File with the traceback of a failed cell."""
        return self._error_file(cell)

    def _error_file(self, cell: Cell) -> Path:
        return self._cells / f"{cell.digest}.error"


def _is_whole(folder: Path) -> bool:
    """Whether the files of a cell are there and can be read; of the predictions, their beginning and end."""
    try:
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        with (folder / "predictions.parquet").open("rb") as stream:
            begins = stream.read(len(_PARQUET))
            stream.seek(-len(_PARQUET), os.SEEK_END)
            ends = stream.read()
    except (OSError, ValueError):
        return False
    return (
        isinstance(record, dict)
        and isinstance(history, list)
        and record.keys() >= _NEEDED
        and begins == ends == _PARQUET
    )
