"""Work in a process of its own: its memory is its own, and what kills it kills nothing else."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

import torch

from gloss_pyg.errors import UserError

Result = TypeVar("Result")
Job = Callable[[], Callable[[], Result]]
"""What a process does: the first call loads what is needed and gives the work, which the second one does.

What is logged while it loads is not handed on: the parent has read the same, and said what there is to say of it.
"""

# What a server process imports once, which then forks for each job: importing takes ten seconds, forking none. It runs
# nothing itself, so that it has none of torch's threads, which would not survive a fork. Where a library may not bear
# to be forked once it was imported (other systems than Linux, drivers of accelerators) each process imports for itself.
_PRELOADED = ["gloss_pyg.compare.preload"]


class Workers:
    """Runs jobs apart, as many at a time as there are callers; their log messages come out of our own loggers.

    Args:
        count: How many run at a time: each gets its share of the cores, unless OMP_NUM_THREADS says how many threads.
    """

    def __init__(self, count: int) -> None:
        given = os.environ.get("OMP_NUM_THREADS")
        self._threads = None if given else max(1, (os.cpu_count() or 1) // count)
        self._running: set[BaseProcess] = set()
        self._context: ForkServerContext | SpawnContext = multiprocessing.get_context("spawn")
        if sys.platform == "linux" and not torch.accelerator.is_available():
            self._context = multiprocessing.get_context("forkserver")
            self._context.set_forkserver_preload(_PRELOADED)
            forkserver.ensure_running()  # it imports while the work is planned
        self._lock = threading.Lock()
        self.stopped = threading.Event()

    def run(self, job: Job[Result]) -> Result:
        """The result of a job, which must be picklable as the job is.

        Raises:
            Exception: what the job raised, with the traceback as a note.
            WorkerDiedError: where its process ended without a word.
        """
        ours, theirs = self._context.Pipe(duplex=False)
        environment = dict(os.environ)  # a server has that of its own start
        process = self._context.Process(target=_serve, args=(job, self._threads, environment, theirs), daemon=True)
        with self._lock:
            if self.stopped.is_set():
                raise WorkerDiedError("stopped before it began")
            process.start()
            self._running.add(process)
        theirs.close()
        try:
            result: Result = _listen(process, ours)
            return result
        finally:
            ours.close()
            process.join()
            with self._lock:
                self._running.discard(process)

    @contextmanager
    def ended_by_ctrl_c(self) -> Iterator[None]:
        """Within the block Ctrl-C ends the processes, which ignore it themselves, before it is a KeyboardInterrupt."""

        def interrupted(*_: object) -> None:
            self.stop()
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def stop(self) -> None:
        """End every process that runs, and start no more."""
        with self._lock:
            self.stopped.set()
            for process in self._running:
                process.kill()


class WorkerDiedError(RuntimeError):
    """A process ended before its work did."""


def _listen(process: BaseProcess, messages: Connection) -> Any:
    """Hand on what the process says until it has a result."""
    while True:
        try:
            kind, content = messages.recv()
        except EOFError:
            break
        if kind == "log":
            level, name, text = content
            logging.getLogger(name).log(level, "%s", text)
        elif kind == "result":
            return content
        else:
            raise _rebuilt(content)
    process.join()
    code = process.exitcode or 0
    if code < 0:
        name = signal.Signals(-code).name
        hint = "; often for want of memory: fewer --workers, or a smaller batch" if name == "SIGKILL" else ""
        raise WorkerDiedError(f"its process was ended by {name}{hint}")
    raise WorkerDiedError(f"its process ended with status {code} before its work was finished")


def _rebuilt(content: Mapping[str, Any]) -> Exception:
    """An exception like the one in the process, whose own class may not come through a pipe."""
    base = UserError if content["user"] else RuntimeError
    error: Exception = type(content["name"], (base,), {})(content["text"])
    error.add_note(content["traceback"])
    return error


class _Sender(logging.Handler):
    """Sends what is logged through the pipe."""

    def __init__(self, messages: Connection) -> None:
        super().__init__()
        self._messages = messages

    def emit(self, record: logging.LogRecord) -> None:
        """Send a message."""
        self._messages.send(("log", (record.levelno, record.name, record.getMessage())))


def _serve(job: Job[Any], threads: int | None, environment: Mapping[str, str], messages: Connection) -> None:
    """What the process does."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides what it means
    threading.Thread(target=_die_with_parent, daemon=True).start()
    package, progress = logging.getLogger("gloss_pyg"), logging.getLogger("gloss_pyg.progress")
    package.addHandler(logging.NullHandler())
    package.propagate = False
    try:
        import datasets
        from transformers.utils import logging as of_transformers

        datasets.disable_progress_bars()
        of_transformers.disable_progress_bar()
        if threads is not None:
            torch.set_num_threads(threads)
        work = job()
        package.addHandler(_Sender(messages))
        progress.setLevel(logging.INFO)
        messages.send(("result", work()))
    except Exception as error:  # whatever a method raises is the result
        messages.send(
            (
                "error",
                {
                    "name": type(error).__name__,
                    "text": str(error),
                    "user": isinstance(error, UserError),
                    "traceback": traceback.format_exc(),
                },
            )
        )


def _die_with_parent() -> None:
    """A killed parent leaves no process behind that works on for nobody."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
