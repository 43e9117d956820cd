"""What a transductive method predicts for the documents of its graph, found again by their texts."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import final

import numpy as np
from safetensors.numpy import load_file, save_file

from gloss_pyg.errors import DataError

_FILE = "nodes.safetensors"


@final
class KnownTexts:
    """Class probabilities by text; texts are kept as digests only.

    Args:
        rows: Probabilities `[C]` by digest.

    Example:
        >>> known = KnownTexts.of(["a", "b"], np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32))
        >>> known.complete(["b", "c"], lambda new: np.full((len(new), 2), 0.5)).tolist()
        [[0.0, 1.0], [0.5, 0.5]]
    """

    def __init__(self, rows: Mapping[bytes, np.ndarray] | None = None) -> None:
        self.rows = dict(rows or {})

    @classmethod
    def of(cls, texts: Sequence[str], probabilities: np.ndarray) -> "KnownTexts":
        """Probabilities `[texts, C]` of texts.

        Of equal texts the last one counts: a test text that was also trained on is predicted as the test document.
        """
        return cls(dict(zip(_keys(texts), probabilities, strict=True)))

    def complete(self, texts: Sequence[str], predict: Callable[[list[str]], np.ndarray]) -> np.ndarray:
        """Probabilities `[texts, C]` in float32: those kept, and of all other texts what `predict` says."""
        found = [self.rows.get(key) for key in _keys(texts)]
        new = predict([text for text, row in zip(texts, found, strict=True) if row is None])
        result = np.empty((len(found), new.shape[1]), dtype=np.float32)
        result[[row is None for row in found]] = new
        for index, row in enumerate(found):
            if row is not None:
                result[index] = row
        return result

    def save(self, folder: Path, num_classes: int) -> None:
        """Write into a folder that is there."""
        keys = np.frombuffer(b"".join(self.rows), dtype=np.uint8).reshape(len(self.rows), -1 if self.rows else 0)
        rows = np.stack([*self.rows.values()]) if self.rows else np.zeros((0, num_classes), dtype=np.float32)
        save_file({"keys": keys, "probabilities": rows}, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> "KnownTexts":
        """Read what `save` wrote.

        Raises:
            DataError: if the folder holds no such file.
        """
        if not (folder / _FILE).is_file():
            raise DataError(f"{folder} is no saved graph method: it has no {_FILE}.")
        nodes = load_file(folder / _FILE)
        return cls(dict(zip((row.tobytes() for row in nodes["keys"]), nodes["probabilities"], strict=True)))


def _keys(texts: Iterable[str]) -> Iterable[bytes]:
    for text in texts:
        yield hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
