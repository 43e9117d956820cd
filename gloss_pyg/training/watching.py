"""Who looks on while a method trains: told of each validation, and able to end a fit that leads nowhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, float], None]
"""Called with the step and the validation score, larger is better; whatever it raises ends the fit."""

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watch(watcher: Watcher | None) -> Iterator[None]:
    """Within the block, `watcher` is told of every validation in this thread; `None`: nobody is.

    A method that fits another one on its way keeps that one's scores to itself with `watch(None)`.

    Example:
        >>> with watch(lambda step, score: print(step, score)):
        ...     tell_validation(10, 0.5)
        10 0.5
    """
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def tell_validation(step: int, score: float) -> None:
    """Tell whoever looks on that a validation after this step gave this score; methods call it in their loops.

    Args:
        step: Steps since training began, rising from call to call.
        score: What the method chooses by, larger is better.

    Example:
        >>> tell_validation(10, 0.5)  # nobody looks on
    """
    watcher = _watcher.get()
    if watcher is not None:
        watcher(step, score)
