"""A trained encoder and its tokenizer: what is predicted with them, and the files in which they are kept."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar, final

import numpy as np
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods.base import Method
from gloss_pyg.methods.prediction import PropagationHead, encode, probabilities

Own = TypeVar("Own", bound="FittedEncoder")


class FittedEncoder(Method):
    """The half of `EncoderMethod` that comes after training; `fit` puts the encoder and its tokenizer in place."""

    model: str
    prediction: PropagationHead | None = None
    max_length: int
    batch_size: int
    _encoder: TextEncoder | None
    _tokenizer: PreTrainedTokenizerBase | None
    _encoded: tuple[list[str], Tensor, Tensor] | None

    def _forget(self) -> None:
        self._encoder = self._tokenizer = self._encoded = None

    @final
    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`: softmax of the classifier's logits, or what `prediction` makes of it."""
        if not texts:
            return np.zeros((0, self._fitted()[0].classifier.out_features), dtype=np.float32)
        return probabilities(*self._outputs(texts), self.prediction)

    @final
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.embed`: the pooled embeddings."""
        if not texts:
            return np.zeros((0, self._fitted()[0].classifier.in_features), dtype=np.float32)
        return self._outputs(texts)[1].numpy()

    def _outputs(self, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        """Logits and embeddings; of the texts asked for last they are kept, since a comparison asks for both."""
        encoder, tokenizer = self._fitted()
        given = list(texts)
        if self._encoded is None or self._encoded[0] != given:
            documents = tokenize(given, tokenizer, self.max_length)
            self._encoded = (given, *encode(encoder, documents, DataCollator(tokenizer), 2 * self.batch_size))
        return self._encoded[1], self._encoded[2]

    def _fitted(self) -> tuple[TextEncoder, PreTrainedTokenizerBase]:
        if self._encoder is None or self._tokenizer is None:
            name = type(self).__name__
            raise ConfigError(f"This {name} was not fitted: call fit(...) first, or {name}.load(folder).")
        return self._encoder, self._tokenizer

    @final
    def save(self, folder: Path) -> None:
        """Write all that predicting takes; `TextEncoder.from_pretrained` reads encoder and linear classifier of it."""
        encoder, tokenizer = self._fitted()
        folder.mkdir(parents=True)
        encoder.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        settings = {"model": self.model, "max_length": self.max_length, "batch_size": self.batch_size}
        (folder / TEXT_SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        if self.prediction is not None:
            self.prediction.save(folder)

    @classmethod
    @final
    def load(cls: type[Own], folder: Path) -> Own:
        """A method that predicts as the saved one did; its loss is not kept."""
        settings = folder / TEXT_SETTINGS
        if not settings.is_file():
            raise DataError(f"{folder} is no model saved by gloss_pyg: it has no {TEXT_SETTINGS}.")
        method = cls(**json.loads(settings.read_text(encoding="utf-8")))
        with quiet_transformers():
            method._encoder = TextEncoder.from_pretrained(folder).eval()
        method._tokenizer = load_tokenizer(str(folder))
        method.prediction = PropagationHead.load(folder)
        return method
