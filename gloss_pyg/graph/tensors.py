"""Refuses lists and NumPy arrays where graphs, layers and losses compute with tensors."""

from collections.abc import Iterable

from torch import Tensor

from gloss_pyg.errors import DataError


def check_tensors(**values: object) -> None:
    """Refuse what is no tensor, by the name that the caller knows it by.

    Raises:
        DataError: for the first that is none.

    Example:
        >>> check_tensors(labels=["good", "bad"])
        Traceback (most recent call last):
        gloss_pyg.errors.DataError: labels must be a tensor; got list of text. Names of classes need ids from 0 first.
    """
    for name, value in values.items():
        if isinstance(value, Tensor):
            continue
        kind = type(value).__name__
        if isinstance(value, Iterable) and isinstance(next(iter(value), None), str):
            raise DataError(f"{name} must be a tensor; got {kind} of text. Names of classes need ids from 0 first.")
        advice = "" if value is None else f" Give torch.as_tensor({name})."
        raise DataError(f"{name} must be a tensor; got {kind}.{advice}")
