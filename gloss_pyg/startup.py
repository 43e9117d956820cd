"""Imports of thousands of modules, a quarter sooner."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def many_imports() -> Iterator[None]:
    """Within the block the garbage collector rests, and what was imported it never looks through again.

    PyTorch and the libraries around it make a million objects that stay; looking through them over and over is a
    quarter of the time of importing them, and much of that of every `gc.collect()` after. Nothing is changed where
    torch has been imported already: this is for the start of a command.

    Example:
        >>> with many_imports():
        ...     import torch
    """
    if "torch" in sys.modules:
        yield
        return
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if on:
            gc.enable()
