"""What is seen while a search runs: a line for each trial, and below it what is being done."""

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.status import Status
from rich.text import Text

from gloss_pyg.compare.display import ProgressHandler

_SECONDS = 10.0


class Narrator(AbstractContextManager["Narrator"]):
    """Shows the progress that methods log, and lines that stay; a context within which logging is shown.

    Args:
        console: Where to write; on a terminal what is being done stands in one line that changes, elsewhere it is
            written at most every ten seconds, so that a log file stays readable.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._spinner: Status | None = console.status("") if console.is_terminal else None
        self._handler = ProgressHandler(self)
        self._lock = threading.RLock()
        self._at: dict[int, str] = {}
        self._doing: dict[int, str] = {}
        self._said: dict[int, tuple[float, str]] = {}

    def note(self, text: str) -> None:
        """Write a line that stays."""
        self._console.print(Text(text), soft_wrap=True)

    def status(self, text: str) -> None:
        """Say what this thread is doing now."""
        here, now = threading.get_ident(), time.monotonic()
        with self._lock:
            self._doing[here] = f"{self._at[here]}: {text}" if here in self._at else text
            self._show()
            before, last = self._said.get(here, (0.0, ""))
            if self._spinner is None and self._doing[here] != last and now - before >= _SECONDS:
                self.note(f"{self._doing[here]} ...")
                self._said[here] = (now, self._doing[here])

    def rest(self) -> None:
        """This thread does nothing any more."""
        with self._lock:
            self._doing.pop(threading.get_ident(), None)
            self._show()

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Within the block, what this thread does is said of `place`."""
        here = threading.get_ident()
        with self._lock:
            self._at[here] = place
        try:
            self.status("starting")
            yield
        finally:
            with self._lock:
                del self._at[here]
            self.rest()

    def _show(self) -> None:
        if self._spinner is not None:
            self._spinner.update(escape("\n".join(self._doing.values())))

    def __enter__(self) -> "Narrator":
        self._handler.connect()
        if self._spinner is not None:
            self._spinner.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._spinner is not None:
            self._spinner.stop()
        self._handler.disconnect()
