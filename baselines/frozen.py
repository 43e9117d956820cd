"""What methods on a frozen encoder share: the encoder, its embeddings of the documents, its files."""

import json
import time
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import PreTrainedTokenizerBase, set_seed

from baselines.linear import labelled
from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.encoder.config import Pooling
from gloss_pyg.encoder.locate import load_config, locate_encoder
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods import Estimate, FitReport, Method
from gloss_pyg.methods.forecast import forecast


@dataclass(frozen=True)
class Choice:
    """What was chosen on the validation documents: a row for each candidate, and the best one's number from 1."""

    history: list[dict[str, float]]
    best_step: int


class FrozenEncoder(Method):
    """Base of the methods that learn on the embeddings of an encoder that stays as it was.

    Args:
        model: Name or folder of a Hugging Face encoder, as for `FineTuning`.
        pooling: `cls`, `mean`, or by default what the encoder was trained with.
        max_length: Tokens after which a text is cut.
        batch_size: Documents encoded at once.

    Subclasses write `learn`, `predict_proba`, `save` and `load`, and say whether they learn from unlabelled training
    documents too, whose labels are negative.
    """

    uses_unlabelled: bool = False

    def __init__(self, model: str, pooling: Pooling | None, max_length: int, batch_size: int) -> None:
        for name, value in {"max_length": max_length, "batch_size": batch_size}.items():
            if value < 1:
                raise ConfigError(f"{type(self).__name__}: {name}={value}, expected at least 1.")
        self.model = model
        self.pooling = pooling
        self.max_length = max_length
        self.batch_size = batch_size
        self._encoder: TextEncoder | None = None
        self._tokenizer: PreTrainedTokenizerBase | None = None

    @abstractmethod
    def learn(
        self,
        train: tuple[np.ndarray, np.ndarray],
        validation: tuple[np.ndarray, np.ndarray],
        num_classes: int,
        seed: int,
    ) -> Choice:
        """Learn from embeddings `[n, d]` and labels `[n]`."""

    @final
    def check(self) -> None:
        """See `Method.check`: whether the encoder can be found."""
        load_config(locate_encoder(self.model))

    @final
    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; an inductive method, it refuses test texts."""
        if test_texts is not None:
            raise ConfigError(f"{self.name} is inductive: it must not be given the test texts.")
        start = time.perf_counter()
        set_seed(seed)
        names = train.features["label"].names
        rows = labelled(train["label"][:], names, "train")
        held_out = labelled(validation["label"][:], names, "validation")
        self._tokenizer = load_tokenizer(self.model)
        with quiet_transformers():
            encoder = TextEncoder.from_encoder(self.model, names, pooling=self.pooling).eval()
        encoder.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))  # type: ignore[arg-type]
        self._encoder = encoder
        set_up = time.perf_counter() - start
        if self.uses_unlabelled:
            rows[:] = True
        choice = self.learn(self._rows(train, rows), self._rows(validation, held_out), len(names), seed)
        return FitReport(
            encoder=self.model,
            setup_seconds=set_up,
            training_seconds=time.perf_counter() - start - set_up,
            epochs=1.0,
            steps=len(choice.history),
            best_step=choice.best_step,
            best_score=choice.history[choice.best_step - 1]["macro_f1"],
            history=choice.history,
        )

    def _rows(self, split: Dataset, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Embeddings and labels of some documents."""
        chosen = split.select(np.flatnonzero(kept))
        return self.embed(chosen["text"][:]), np.asarray(chosen["label"][:])

    @final
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.embed`: the pooled embeddings, `[n, d]`."""
        encoder, tokenizer = self.parts()
        if not len(texts):
            return np.zeros((0, encoder.classifier.in_features), dtype=np.float32)
        documents = tokenize(list(texts), tokenizer, self.max_length)
        rows = apply_to_documents(
            encoder, documents, DataCollator(tokenizer), lambda outputs: outputs.embeddings, self.batch_size
        )
        return rows.numpy()

    @final
    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`."""
        documents = sum(len(split) for split in splits.values())
        return forecast(
            self.model,
            list(splits["train"][:200]["text"]),
            max_length=self.max_length,
            training_documents=0.0,
            other_documents=float(documents),
            batch_size=self.batch_size,
        )

    @final
    def parts(self) -> tuple[TextEncoder, PreTrainedTokenizerBase]:
        """Encoder and tokenizer, once fitted."""
        if self._encoder is None or self._tokenizer is None:
            raise ConfigError(f"This {self.name} was not fitted: call fit(...) first, or load(folder).")
        return self._encoder, self._tokenizer

    @final
    def save_encoder(self, folder: Path) -> None:
        """Write encoder, tokenizer and how texts are cut into a new folder."""
        encoder, tokenizer = self.parts()
        folder.mkdir(parents=True)
        encoder.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        settings = {"model": self.model, "max_length": self.max_length, "batch_size": self.batch_size}
        (folder / TEXT_SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    @final
    def load_encoder(self, folder: Path) -> None:
        """Read what `save_encoder` wrote."""
        with quiet_transformers():
            self._encoder = TextEncoder.from_pretrained(folder).eval()
        self._tokenizer = load_tokenizer(str(folder))


def read_settings(folder: Path, path: Path) -> dict[str, Any]:
    """What `FrozenEncoder.save_encoder` noted of the method.

    Raises:
        DataError: if `path`, below `folder`, is not there.
    """
    if not path.is_file():
        raise DataError(f"{folder} is no saved method on a frozen encoder: it has no {path.relative_to(folder)}.")
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return settings
