"""What a pretrained encoder knows without being trained: a linear probe and nearest neighbours on its embeddings."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch
from safetensors.numpy import load_file, save_file

from baselines.frozen import Choice, FrozenEncoder, read_settings
from baselines.linear import STRENGTHS, choose_linear
from gloss_pyg.encoder.config import Pooling
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.metrics import accuracy, macro_f1

_NEIGHBOURS, _ENCODER = "neighbours.safetensors", "encoder"
_BLOCK = 1024  # texts whose neighbours are sought at once


@final
class LinearProbe(FrozenEncoder):
    """Logistic regression on the embeddings of a frozen encoder: what fine-tuning has to add to.

    Embeddings are standardised by the training documents; that is folded into the classifier, so that a saved probe is
    a `TextEncoder` like any other, and `python -m gloss_pyg.predict` reads it.

    Args:
        model: Name or folder of a Hugging Face encoder, as for `FineTuning`.
        pooling: `cls`, `mean`, or by default what the encoder was trained with.
        max_length: Tokens after which a text is cut.
        batch_size: Documents encoded at once.
        strengths: Inverse strengths of regularisation (`C`), of which validation macro-F1 chooses.

    Raises:
        ConfigError: for a setting out of range.

    Example:
        >>> LinearProbe(model="random-tiny").name
        'LinearProbe'
    """

    def __init__(
        self,
        model: str = "offline",
        pooling: Pooling | None = None,
        max_length: int = 128,
        batch_size: int = 128,
        strengths: Sequence[float] = STRENGTHS,
    ) -> None:
        super().__init__(model, pooling, max_length, batch_size)
        if not strengths or not all(np.isfinite(value) and value > 0 for value in strengths):
            raise ConfigError(f"LinearProbe: strengths={strengths}, expected positive numbers, at least one.")
        self.strengths = tuple(strengths)

    def learn(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        num_classes: int,
        seed: int,
    ) -> Choice:
        """See `FrozenEncoder.learn`."""
        centre, spread = train[0].mean(axis=0), train[0].std(axis=0)
        spread[spread == 0] = 1
        scaled = [((rows - centre) / spread, labels) for rows, labels in (train, validation)]
        found = choose_linear("logistic_regression", scaled[0], scaled[1], num_classes, self.strengths, seed)
        weight = found.model.weight / spread
        classifier = self.parts()[0].classifier
        with torch.no_grad():
            classifier.weight.copy_(torch.from_numpy(weight))
            classifier.bias.copy_(torch.from_numpy(found.model.bias - weight @ centre))
        return Choice(found.history, found.best_step)

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`."""
        rows = torch.from_numpy(self.embed(texts))
        classifier = self.parts()[0].classifier
        with torch.no_grad():
            probabilities: np.ndarray = classifier(rows.to(classifier.weight.device)).softmax(dim=1).cpu().numpy()
        return probabilities

    def save(self, folder: Path) -> None:
        """Write a `TextEncoder` with its tokenizer, as `FineTuning.save` does."""
        self.save_encoder(folder)

    @classmethod
    def load(cls, folder: Path) -> "LinearProbe":
        """A method that predicts as the saved one did."""
        method = cls(**read_settings(folder, folder / TEXT_SETTINGS))
        method.load_encoder(folder)
        return method


@final
class NearestNeighbours(FrozenEncoder):
    """The vote of the most similar training documents, by the cosine of frozen embeddings.

    Args:
        model: Name or folder of a Hugging Face encoder, as for `FineTuning`.
        pooling: `cls`, `mean`, or by default what the encoder was trained with.
        max_length: Tokens after which a text is cut.
        batch_size: Documents encoded at once.
        neighbours: Numbers of neighbours, of which validation macro-F1 chooses; all documents where there are fewer.

    Raises:
        ConfigError: for a setting out of range.

    Example:
        >>> NearestNeighbours(model="random-tiny", neighbours=(5,)).name
        'NearestNeighbours'
    """

    def __init__(
        self,
        model: str = "offline",
        pooling: Pooling | None = None,
        max_length: int = 128,
        batch_size: int = 128,
        neighbours: Sequence[int] = (1, 3, 5, 10, 20, 50),
    ) -> None:
        super().__init__(model, pooling, max_length, batch_size)
        if not neighbours or min(neighbours) < 1:
            raise ConfigError(f"NearestNeighbours: neighbours={neighbours}, expected numbers from 1, at least one.")
        self.neighbours = tuple(neighbours)
        self._memory: tuple[np.ndarray, np.ndarray, int, int] | None = None

    def learn(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        num_classes: int,
        seed: int,  # noqa: ARG002 - nothing is drawn
    ) -> Choice:
        """See `FrozenEncoder.learn`."""
        memory = _unit(train[0])
        history: list[dict[str, float]] = []
        start = time.perf_counter()
        for step, count in enumerate(self.neighbours, start=1):
            predictions = _vote(_unit(validation[0]), memory, train[1], num_classes, count).argmax(axis=1)
            scores = {
                "macro_f1": macro_f1(validation[1], predictions),
                "accuracy": accuracy(validation[1], predictions),
            }
            history.append({"step": float(step), "seconds": time.perf_counter() - start, **scores})
        best = max(range(len(history)), key=lambda row: history[row]["macro_f1"])
        self._memory = memory, train[1], num_classes, self.neighbours[best]
        return Choice(history, best + 1)

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`."""
        rows = _unit(self.embed(texts))
        assert self._memory is not None
        return _vote(rows, *self._memory)

    def save(self, folder: Path) -> None:
        """Write the encoder into a folder below, since its classifier was never trained, and the documents' rows."""
        self.save_encoder(folder / _ENCODER)
        assert self._memory is not None
        rows, labels, num_classes, count = self._memory
        numbers = np.array([num_classes, count])
        save_file({"rows": rows, "labels": labels, "numbers": numbers}, folder / _NEIGHBOURS)

    @classmethod
    def load(cls, folder: Path) -> "NearestNeighbours":
        """A method that predicts as the saved one did."""
        settings = read_settings(folder, folder / _ENCODER / TEXT_SETTINGS)
        if not (folder / _NEIGHBOURS).is_file():
            raise DataError(f"{folder} is no saved NearestNeighbours: it has no {_NEIGHBOURS}.")
        saved = load_file(folder / _NEIGHBOURS)
        num_classes, count = saved["numbers"].tolist()
        method = cls(**settings, neighbours=(count,))
        method.load_encoder(folder / _ENCODER)
        method._memory = saved["rows"], saved["labels"], num_classes, count
        return method


def _unit(rows: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1), dtype=np.float32)


def _vote(rows: np.ndarray, memory: np.ndarray, labels: np.ndarray, num_classes: int, count: int) -> np.ndarray:
    """Shares of the classes among the nearest, each weighing its cosine (at least a millionth); ties by index."""
    shares = np.zeros((len(rows), num_classes), dtype=np.float32)
    count = min(count, len(memory))
    for start in range(0, len(rows), _BLOCK):
        similarity = rows[start : start + _BLOCK] @ memory.T
        nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :count]
        weight = np.maximum(np.take_along_axis(similarity, nearest, axis=1), 1e-6)
        for row, (own, weights) in enumerate(zip(labels[nearest], weight, strict=True), start=start):
            shares[row] = np.bincount(own, weights=weights / weights.sum(), minlength=num_classes)
    return shares
