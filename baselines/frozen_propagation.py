"""What labels that spread over a graph of frozen embeddings give: propagation without any training."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import final

import numpy as np
import torch

from baselines.frozen import Choice, FrozenEncoder, read_settings
from gloss_pyg.encoder.config import Pooling
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import KNNGaussian
from gloss_pyg.methods import PropagationHead
from gloss_pyg.metrics import accuracy, macro_f1
from gloss_pyg.propagation import Propagation


@final
class FrozenPropagation(FrozenEncoder):
    """Labels spread over the k-NN graph of all training documents, by the embeddings of a frozen encoder.

    Training documents without a label take part in the graph, which makes it a baseline for few labels among many
    documents (`unlabelled: keep`). Test documents are attached to their nearest training documents, each for itself.

    Args:
        model: Name or folder of a Hugging Face encoder, as for `FineTuning`.
        pooling: `cls`, `mean`, or by default what the encoder was trained with.
        max_length: Tokens after which a text is cut.
        batch_size: Documents encoded at once.
        neighbours: Numbers of neighbours in the graph, of which validation macro-F1 chooses.
        propagation: A propagation layer; by default that of `gloss_pyg.PropagationClassifier`.

    Raises:
        ConfigError: for a setting out of range.

    Source: Zhu and Ghahramani, CMU-CALD-02-107, 2002; Zhou et al., NIPS 2003.

    Example:
        >>> FrozenPropagation(model="random-tiny", neighbours=(5,)).name
        'FrozenPropagation'
    """

    uses_unlabelled = True

    def __init__(
        self,
        model: str = "offline",
        pooling: Pooling | None = None,
        max_length: int = 128,
        batch_size: int = 128,
        neighbours: Sequence[int] = (5, 10, 20, 50),
        propagation: Propagation | None = None,
    ) -> None:
        super().__init__(model, pooling, max_length, batch_size)
        if not neighbours or min(neighbours) < 1:
            raise ConfigError(f"FrozenPropagation: neighbours={neighbours}, expected numbers from 1, at least one.")
        self.neighbours = tuple(neighbours)
        self.propagation = propagation
        self._head: PropagationHead | None = None

    def learn(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        num_classes: int,
        seed: int,  # noqa: ARG002 - nothing is drawn
    ) -> Choice:
        """See `FrozenEncoder.learn`."""
        history: list[dict[str, float]] = []
        best, start = 0, time.perf_counter()
        for step, count in enumerate(self.neighbours, start=1):
            head = PropagationHead(KNNGaussian(k=count, sigma="local"), self.propagation)
            head.fit(torch.from_numpy(train[0]), train[1], num_classes)
            predictions = _predict(head, validation[0], num_classes).argmax(axis=1)
            scores = {
                "macro_f1": macro_f1(validation[1], predictions),
                "accuracy": accuracy(validation[1], predictions),
            }
            history.append({"step": float(step), "seconds": time.perf_counter() - start, **scores})
            if not best or scores["macro_f1"] > history[best - 1]["macro_f1"]:
                best, self._head = step, head
        return Choice(history, best)

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`."""
        rows = self.embed(texts)
        assert self._head is not None
        return _predict(self._head, rows, self.parts()[0].classifier.out_features)

    def save(self, folder: Path) -> None:
        """Write what `FineTuning` with a `PropagationHead` would; `python -m gloss_pyg.predict` reads it."""
        self.save_encoder(folder)
        assert self._head is not None
        self._head.save(folder)

    @classmethod
    def load(cls, folder: Path) -> "FrozenPropagation":
        """A method that predicts as the saved one did."""
        method = cls(**read_settings(folder, folder / TEXT_SETTINGS))
        method._head = PropagationHead.load(folder)
        if method._head is None:
            raise DataError(f"{folder} is no saved FrozenPropagation: it holds no propagation.")
        method.load_encoder(folder)
        return method


def _predict(head: PropagationHead, rows: np.ndarray, num_classes: int) -> np.ndarray:
    """Probabilities `[n, C]`; the head has the whole weight, so that no linear classifier counts."""
    if not len(rows):
        return np.zeros((0, num_classes), dtype=np.float32)
    return head.mix(torch.zeros(len(rows), num_classes), torch.from_numpy(rows)).numpy()
