"""Facts about tensors, each kept for as long as its tensor lives and nobody writes to it.

Reading a fact is one dictionary look-up, which a small batch can afford many times. A tensor that was copied, changed
or made in inference mode (where writes are not counted) has no facts: whoever reads falls back on looking himself.
"""

import weakref
from typing import Generic, TypeVar

from torch import Tensor

Fact = TypeVar("Fact")


class Notes(Generic[Fact]):
    """From tensors, by identity and version, to facts of one kind.

    Example:
        >>> import torch
        >>> largest, numbers = Notes[float](), torch.tensor([1.0, 3.0])
        >>> largest.put(numbers, 3.0)
        >>> largest.get(numbers), largest.get(numbers.clone())
        (3.0, None)
        >>> largest.get(numbers.mul_(2)) is None
        True
    """

    def __init__(self) -> None:
        self._notes: dict[int, tuple[weakref.ref[Tensor], int, Fact]] = {}

    def put(self, tensor: Tensor, fact: Fact) -> None:
        """Remember a fact in place of an earlier one."""
        if tensor.is_inference():
            return
        notes, key = self._notes, id(tensor)
        notes[key] = (weakref.ref(tensor, lambda _: notes.pop(key, None)), tensor._version, fact)

    def get(self, tensor: Tensor) -> Fact | None:
        """The fact, if there is one and the tensor is still what it was."""
        note = self._notes.get(id(tensor))
        return note[2] if note is not None and note[0]() is tensor and note[1] == tensor._version else None

    def take(self, tensor: Tensor) -> Fact | None:
        """As `get`, and forget it: what the fact holds is then the caller's to write to."""
        fact = self.get(tensor)
        self._notes.pop(id(tensor), None)
        return fact
