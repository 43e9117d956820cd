r"""Predicting texts that are in no graph: each is attached to the words of one, alone, and two propagations reach it.

A text `d` gets the weights `w` of its words (tf, and the idf of the graph) and a self-loop; degrees of words stay as
they are, so that a prediction depends on its own text only. With `b = w / sqrt(deg_d deg_w)` and `s = 1 / deg_d`

.. math:: z_d = s\, \phi(b\, U)\, M + b\, V + \beta

where `U` are the words' inputs of the first propagation and `V` what the second one passes on from the words. What a
trained model knows of a document beside its words (its own row of the weight matrix) a new text has not: it is zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor
from torch_geometric.data import Data

from baselines.corpus_graph import WORD, document_weights
from gloss_pyg.errors import DataError

_FILE = "attachment.safetensors"
_BLOCK = 4096  # texts scored at once


@dataclass(frozen=True)
class Attachment:
    """What is needed of a graph and a trained model to score new texts.

    Attributes:
        words: Words of the graph.
        idf: Their inverse document frequencies, `[words]`.
        degree: Their degrees, self-loops included, `[words]`.
        first: `U`, inputs of the words, `[words, k]`.
        second: `V`, what words pass on in the second propagation, `[words, C]`.
        mix: `M`, `[k, C]`.
        bias: `beta`, `[C]`.
        rectify: Whether `phi` sets negative numbers to zero.
        prior: Class probabilities of a text without any known word, `[C]`.
    """

    words: list[str]
    idf: Tensor
    degree: Tensor
    first: Tensor
    second: Tensor
    mix: Tensor
    bias: Tensor
    rectify: bool
    prior: Tensor

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Class probabilities `[texts, C]` in float32, each text for itself."""
        none = np.zeros((0, len(self.prior)), dtype=np.float32)
        blocks = (self._predict(texts[start : start + _BLOCK]) for start in range(0, len(texts), _BLOCK))
        return np.concatenate([none, *blocks])

    def _predict(self, texts: Sequence[str]) -> np.ndarray:
        data = Data(words=self.words, idf=self.idf)
        matrix, own = normalised_rows(document_weights(data, texts), self.degree.numpy())
        hidden = matrix @ self.first.numpy()
        if self.rectify:
            hidden = np.maximum(hidden, 0)
        scores = own[:, None] * (hidden @ self.mix.numpy()) + matrix @ self.second.numpy() + self.bias.numpy()
        probabilities = torch.from_numpy(scores).float().softmax(dim=1).numpy()
        probabilities[np.diff(matrix.indptr) == 0] = self.prior.numpy()
        return probabilities

    def save(self, folder: Path) -> None:
        """Write into a folder that is there."""
        tensors = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("words", "rectify")}
        arrays = {name: tensor.detach().contiguous().numpy() for name, tensor in tensors.items()}
        arrays["rectify"] = np.array(self.rectify)
        arrays["words"] = np.frombuffer(" ".join(self.words).encode("ascii"), dtype=np.uint8)  # no word holds a blank
        save_file(arrays, folder / _FILE)

    @classmethod
    def load(cls, folder: Path) -> "Attachment":
        """Read what `save` wrote.

        Raises:
            DataError: if the folder holds no such file.
        """
        if not (folder / _FILE).is_file():
            raise DataError(f"{folder} is no saved graph method: it has no {_FILE}.")
        arrays = load_file(folder / _FILE)
        words, rectify = arrays.pop("words").tobytes().decode("ascii").split(" "), bool(arrays.pop("rectify"))
        return cls(words=words, rectify=rectify, **{name: torch.from_numpy(array) for name, array in arrays.items()})


def normalised_rows(weights: sp.csr_array[Any, Any], degree: np.ndarray) -> tuple[sp.csr_array[Any, Any], np.ndarray]:
    """Normalise the rows of attached documents.

    Args:
        weights: tf-idf `[documents, words]`.
        degree: Degrees of the words, `[words]`.

    Returns:
        `b` `[documents, words]` and `s` `[documents]`, see above, in float32.
    """
    own = 1 / (1 + np.asarray(weights.sum(axis=1)))
    rows = weights.copy()
    rows.data = rows.data * np.repeat(np.sqrt(own), np.diff(rows.indptr)) / np.sqrt(degree[rows.indices])
    return rows.astype(np.float32), own.astype(np.float32)


def word_nodes(data: Data) -> np.ndarray:
    """Nodes of the words of a graph, in their order."""
    nodes: np.ndarray = np.flatnonzero((data.node_type == WORD).numpy())
    return nodes
