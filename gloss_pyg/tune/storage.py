"""Optuna's journal in a file that several processes share, and that a killed one leaves usable."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from filelock import FileLock
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from gloss_pyg.methods import Choice, Range


class _Lock(JournalFileOpenLock):
    """A lock of the operating system, which goes with its process; Optuna's own outlive it by half a minute."""

    def __init__(self, journal: Path) -> None:
        super().__init__(str(journal))
        self._journal = journal
        self._lock = FileLock(journal.with_name(f"{journal.name}.lock"))

    def acquire(self) -> bool:
        """Wait for the lock; what a process that died left of half a line goes, so that the next one can be read."""
        self._lock.acquire()
        _cut_half_line(self._journal)
        return True

    def release(self) -> None:
        """Let others go on."""
        self._lock.release()


def _cut_half_line(journal: Path) -> None:
    with journal.open("rb+") as stream:
        end = stream.seek(0, 2)
        if not end:
            return
        stream.seek(end - 1)
        if stream.read(1) == b"\n":
            return
        stream.seek(0)
        stream.truncate(stream.read().rfind(b"\n") + 1)


def open_storage(journal: Path) -> JournalStorage:
    """Open a journal, or begin one."""
    return JournalStorage(JournalFileBackend(str(journal), lock_obj=_Lock(journal)))


@contextmanager
def quiet_optuna() -> Iterator[None]:
    """Optuna says each trial itself; we do."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def distribution(entry: Range) -> optuna.distributions.BaseDistribution:
    """A range of ours as Optuna knows it."""
    if isinstance(entry, Choice):
        return optuna.distributions.CategoricalDistribution(entry.values)
    if isinstance(entry.low, int) and isinstance(entry.high, int):
        return optuna.distributions.IntDistribution(entry.low, entry.high, log=entry.log)
    return optuna.distributions.FloatDistribution(entry.low, entry.high, log=entry.log)
