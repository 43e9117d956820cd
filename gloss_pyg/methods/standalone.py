"""The standalone pipeline: an encoder trained with a loss over embeddings alone, then a linear classifier on it."""

import dataclasses
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, final

import numpy as np
import torch
from datasets import Dataset
from torch import nn

from gloss_pyg.encoder.config import Pooling
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.losses import GLoss, StandaloneLoss, TrainingLoss
from gloss_pyg.losses.checks import is_number
from gloss_pyg.methods.balanced import balanced_weights
from gloss_pyg.methods.base import FitReport
from gloss_pyg.methods.checks import check_settings
from gloss_pyg.methods.encoder_method import EncoderMethod, Goal
from gloss_pyg.methods.linear_head import LinearHead
from gloss_pyg.metrics import compute_silhouette
from gloss_pyg.training import Precision
from gloss_pyg.training.bandwidth import embed_documents

_PARTS = {
    "loss": (nn.Module, "a loss of (embeddings, labels), such as GLoss(...) or SupervisedContrastive()"),
    "classifier": (LinearHead, "LinearHead(...), or nothing"),
}


@final
class Standalone(EncoderMethod):
    """Train the encoder with a loss over embeddings only, then a linear classifier on what it gives, frozen.

    Says what a loss makes of the embeddings where `FineTuning` with a `HybridLoss` says what it adds to cross-entropy.
    Training stops by the validation macro silhouette (see `gloss_pyg.metrics.macro_silhouette`), and the parameters
    with the highest are kept; the classifier is fitted on the embeddings of the training documents by those.

    Args:
        model: Name or folder of a Hugging Face encoder, as for `FineTuning`.
        loss: `GLoss(...)` (the default), `SupervisedContrastive()`, `BatchAllTriplet()`, `PairwiseCosine()`,
            `MetricLearning(...)`, or any module from `(embeddings, labels)` to a scalar.
        classifier: How the linear classifier is fitted; by default as published.
        pooling: `cls`, `mean`, or by default what the encoder was trained with.
        max_length: Tokens after which a text is cut.
        batch_size: Documents a step.
        learning_rate: Of Adam, constant until `decay_epoch`.
        max_epochs: Passes over the training documents, at most.
        max_steps: Steps at most, in place of `max_epochs`.
        evaluate_every: Steps between validations; by default one an epoch.
        patience: Validations without a rise of the silhouette by `min_delta` after which training stops.
        min_delta: See `patience`.
        decay_epoch: Epoch from which the learning rate is a tenth (the paper: 30); by default never.
        class_weights: `balanced` weighs classes by `n / (C n_c)` of the training labels, in the classifier's
            cross-entropy and in the objective `PublishedCode`; by default all alike.
        documents_per_class: K of class-balanced batches, as for `FineTuning`; by default batches are drawn at random.
        precision: Of the encoder, `bf16` and `fp16` where the device has them.
        checkpoints: Folder for checkpoints at each validation, as for `FineTuning`; by default none are written.

    Raises:
        ConfigError: for settings that cannot work together or out of range; from `check` and `fit`, for an encoder that
            is not found and a precision that the device does not have; from `estimate` and `fit`, for a part of the
            loss that was made for another width or number of classes.
        DataError: from `fit`, where no training document has a label, or those of validation are of one class.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, the standalone pipeline; patience, `min_delta`
    and the classifier are its own.

    Example:
        >>> method = Standalone(model="random-tiny", max_steps=2)
        >>> method.name
        'Standalone'
    """

    def __init__(
        self,
        model: str = "offline",
        loss: nn.Module | None = None,
        classifier: LinearHead | None = None,
        pooling: Pooling | None = None,
        max_length: int = 128,
        batch_size: int = 64,
        learning_rate: float = 5e-5,
        max_epochs: int = 20,
        max_steps: int | None = None,
        evaluate_every: int | None = None,
        patience: int = 10,
        min_delta: float = 0.005,
        decay_epoch: int | None = None,
        class_weights: Literal["balanced"] | None = None,
        documents_per_class: int | None = None,
        precision: Precision = "float32",
        checkpoints: Path | None = None,
    ) -> None:
        self.model = model
        self.loss = GLoss() if loss is None else loss
        self.classifier = LinearHead() if classifier is None else classifier
        self.pooling = pooling
        self.max_length = max_length
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.evaluate_every = evaluate_every
        self.patience = patience
        self.min_delta = min_delta
        self.decay_epoch = decay_epoch
        self.class_weights = class_weights
        self.documents_per_class = documents_per_class
        self.precision = precision
        self.checkpoints = None if checkpoints is None else Path(checkpoints)
        check_settings(type(self).__name__, vars(self), _PARTS)
        if isinstance(self.loss, TrainingLoss):
            raise ConfigError(
                f"Standalone: {type(self.loss).__name__} trains a classifier; give a loss over embeddings alone, such "
                "as GLoss(...), or take FineTuning."
            )
        StandaloneLoss(self.loss)  # refuses what works on a classifier's predictions
        if not is_number(min_delta) or not 0 <= min_delta < math.inf:
            raise ConfigError(f"Standalone: min_delta={min_delta!r}, expected a number of at least 0, usually 0.005.")
        self._forget()

    @property
    def encodes_again(self) -> bool:
        """See `EncoderMethod`: for the linear classifier."""
        return True

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; an inductive method, it refuses test texts."""
        self.check_inductive(test_texts)
        held_out = np.asarray(validation["label"][:])
        if len(found := np.unique(held_out[held_out >= 0])) == 1:
            raise DataError(
                "All labelled validation documents are of one class, "
                f"'{validation.features['label'].names[found[0]]}'; a silhouette, by which training stops, takes two."
            )
        goal = Goal("macro_silhouette", compute_silhouette, self.min_delta, with_classifier=False)
        trained = self.train_encoder(train, validation, StandaloneLoss(self.loss), goal, seed)
        start = time.perf_counter()
        classifier = trained.encoder.classifier
        weights = None
        if self.class_weights == "balanced":
            weights = balanced_weights(trained.labels, classifier.out_features)
        rows = {
            name: embed_documents(trained.encoder, trained.splits[name], trained.collate, 2 * self.batch_size)
            for name in ("train", "validation")
        }
        self.classifier.fit(
            classifier,
            (rows["train"], torch.from_numpy(trained.labels)),
            (rows["validation"], torch.from_numpy(held_out)),
            weights,
        )
        seconds = trained.report.training_seconds + time.perf_counter() - start
        return dataclasses.replace(trained.report, training_seconds=seconds)
