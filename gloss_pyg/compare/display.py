"""What is seen while a comparison runs: a live table on a terminal, plain lines elsewhere.

The methods tell what they are doing through the logger `gloss_pyg.progress` (level INFO); it becomes the status line.
Warnings of `gloss_pyg`, such as notes on the data, become lines that stay.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, runtime_checkable

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.files import Record
from gloss_pyg.compare.forecast import Forecast, spell_seconds
from gloss_pyg.compare.table import make_rows, rich_table

PROGRESS_LOGGER = "gloss_pyg.progress"
_PLAIN_SECONDS = 10.0


class Display(AbstractContextManager["Display"], ABC):
    """Told of everything that happens; a context within which logging is shown.

    Args:
        console: Where to write.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        # By thread: each works on a cell of its own, and says what it does there.
        self._doing: dict[int, tuple[str, float]] = {}
        self._at: dict[int, Cell] = {}
        self._lock = threading.RLock()
        self._cells: Sequence[Cell] = ()
        self._forecast: Forecast | None = None
        self._records: dict[str, Record] = {}
        self._handler = ProgressHandler(self)

    def plan(self, cells: Sequence[Cell], forecast: Forecast) -> None:
        """Tell the cells, once they are known."""
        self._cells, self._forecast = cells, forecast
        self.rest()

    def status(self, text: str) -> None:
        """Say what is being done now."""
        with self._lock:
            cell = self._at.get(threading.get_ident())
            self._doing[threading.get_ident()] = (f"{cell}: {text}" if cell else text, time.monotonic())
            self.show()

    def rest(self) -> None:
        """This thread does nothing any more, so that what it said last no longer stands."""
        with self._lock:
            self._doing.pop(threading.get_ident(), None)

    def started(self, cell: Cell) -> None:
        """A cell begins here."""
        with self._lock:
            if self._forecast:
                self._forecast.start(cell)
            self._at[threading.get_ident()] = cell
            self.status("starting")

    def finished(self, cell: Cell, record: Record, *, here: bool) -> None:
        """A cell has been finished, here or in another run."""
        with self._lock:
            self._ended(cell, record)
            self.report(cell, record, here=here)
            self.show()

    def failed(self, cell: Cell, error: str) -> None:
        """A cell has failed."""
        with self._lock:
            self._ended(cell, cell.keys() | {"error": error})
            self.note(f"FAILED: {cell}: {error}")
            self.show()

    def _ended(self, cell: Cell, record: Record) -> None:
        self._records[cell.digest] = record
        if self._forecast:
            self._forecast.finish(cell, None if "error" in record else record)
        here = threading.get_ident()
        if self._at.get(here) == cell:
            del self._at[here]
            self._doing.pop(here, None)

    def progress(self) -> str:
        """Such as `3 of 8 cells, about 2 min left`."""
        if not self._cells or self._forecast is None:
            return ""
        left = self._forecast.seconds_left()
        done = f"{len(self._records)} of {len(self._cells)} cells"
        return (
            done
            if left != left or len(self._records) == len(self._cells)
            else f"{done}, about {spell_seconds(left)} left"
        )

    @abstractmethod
    def note(self, text: str) -> None:
        """Write a line that stays."""

    @abstractmethod
    def report(self, cell: Cell, record: Record, *, here: bool) -> None:
        """Show a finished cell."""

    @abstractmethod
    def show(self) -> None:
        """Show the present state."""

    def __enter__(self) -> "Display":
        self._handler.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handler.disconnect()


class PlainDisplay(Display):
    """A line for each event; the status at most every ten seconds, so that a log file stays readable."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._said: dict[int, tuple[float, str]] = {}

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self.console.print(Text(text), soft_wrap=True)

    def report(self, cell: Cell, record: Record, *, here: bool) -> None:
        """Show a finished cell as a line."""
        steps = f", best step {record['best_step']} of {record['steps']}" if record["steps"] else ""
        where = "" if here else ", finished before or by another run"
        self.note(
            f"{cell}: accuracy {100 * record['accuracy']:.2f}, macro-F1 {100 * record['macro_f1']:.2f}, "
            f"fit {record['fit_seconds']:.1f} s{steps}{where} ({self.progress()})"
        )

    def show(self) -> None:
        """Write the status where it is new and the last one is a while ago."""
        now, here = time.monotonic(), threading.get_ident()
        doing = self._doing.get(here, ("", now))[0]
        shown, last = self._said.get(here, (0.0, ""))
        if doing and doing != last and (not last or now - shown >= _PLAIN_SECONDS or not self._cells):
            self.note(f"{doing} ...")
            self._said[here] = (now, doing)


class LiveDisplay(Display):
    """The table so far, the cell that runs, and the time left, in place."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=2, transient=True)

    def note(self, text: str) -> None:
        """Write a line above the table."""
        self.console.print(Text(text))

    def report(self, cell: Cell, record: Record, *, here: bool) -> None:
        """Nothing: the table shows it."""

    def show(self) -> None:
        """Draw at once."""
        self._live.refresh()

    def _render(self) -> Group:
        parts: list[object] = []
        # A copy: the thread that draws must not meet a dictionary that grows.
        records = [record for cell in self._cells if (record := dict(self._records).get(cell.digest))]
        if records:
            parts.append(rich_table(make_rows(records)))
        lines = []
        for text, since in dict(self._doing).values():
            seconds = time.monotonic() - since
            lines.append(f"{text} ({spell_seconds(seconds)})" if seconds >= 2 else text)
        # One worker's line stands beside the progress, those of several below each other.
        head = [part for part in (self.progress(), *lines[:1]) if part]
        parts.append(Text("\n".join([" · ".join(head), *lines[1:]])))
        return Group(*parts)  # type: ignore[arg-type]

    def __enter__(self) -> "Display":
        super().__enter__()
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        super().__exit__(kind, error, trace)


@runtime_checkable
class Shown(Protocol):
    """What messages can be shown on."""

    def status(self, text: str) -> None:
        """Say what is being done now."""

    def note(self, text: str) -> None:
        """Write a line that stays."""


class ProgressHandler(logging.Handler):
    """Turns progress into the status, and warnings into notes."""

    def __init__(self, display: Shown) -> None:
        super().__init__()
        self._display = display
        self._progress = logging.getLogger(PROGRESS_LOGGER)
        self._package = logging.getLogger("gloss_pyg")
        self._before = (self._progress.level, self._package.propagate)

    def connect(self) -> None:
        """Listen; what is shown here shall not come out of the root logger as well."""
        self._before = (self._progress.level, self._package.propagate)
        self._package.addHandler(self)
        self._progress.setLevel(logging.INFO)
        self._package.propagate = False

    def disconnect(self) -> None:
        """Leave logging as it was."""
        self._package.removeHandler(self)
        self._progress.setLevel(self._before[0])
        self._package.propagate = self._before[1]

    def emit(self, record: logging.LogRecord) -> None:
        """Show a message."""
        if record.levelno >= logging.WARNING:
            self._display.note(record.getMessage())
        elif record.name == PROGRESS_LOGGER:
            self._display.status(record.getMessage())
