"""Fine-tuning a text encoder with any of our losses, as a method that `compare`, `train` and `predict` know."""

import dataclasses
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, final

from datasets import Dataset

from gloss_pyg.encoder.config import Pooling
from gloss_pyg.losses import ClassificationLoss, TrainingLoss
from gloss_pyg.methods.balanced import check_balanced
from gloss_pyg.methods.base import FitReport
from gloss_pyg.methods.checks import check_mixing, check_settings
from gloss_pyg.methods.encoder_method import EncoderMethod, Goal
from gloss_pyg.methods.prediction import PropagationHead
from gloss_pyg.metrics import compute_metrics
from gloss_pyg.training import Precision
from gloss_pyg.training.bandwidth import embed_documents

_PARTS = {
    "loss": (TrainingLoss, "a TrainingLoss, such as HybridLoss(GLoss(...)) or ClassificationLoss()"),
    "prediction": (PropagationHead | None, "PropagationHead(...), or nothing"),
}


@final
class FineTuning(EncoderMethod):
    """Train encoder and classifier together, stop by validation macro-F1, keep the best parameters.

    Args:
        model: Name or folder of a Hugging Face encoder; `offline` is the MiniLM of the extra "offline", `random-tiny`
            an untrained toy for trials of the machinery.
        loss: What to train with: `HybridLoss(GLoss(...))`, `ClassificationLoss()` (plain cross-entropy, the default),
            or a `TrainingLoss` of your own.
        prediction: `PropagationHead()` predicts by propagation from the training documents, alone or mixed with the
            linear classifier; by default the linear classifier predicts alone.
        pooling: `cls`, `mean`, or by default what the encoder was trained with.
        max_length: Tokens after which a text is cut.
        batch_size: Documents a step.
        learning_rate: Of Adam, constant until `decay_epoch`.
        max_epochs: Passes over the training documents, at most.
        max_steps: Steps at most, in place of `max_epochs`.
        evaluate_every: Steps between validations; by default one an epoch.
        patience: Validations without a rise of macro-F1 after which training stops.
        decay_epoch: Epoch from which the learning rate is a tenth (the paper: 30); by default never.
        class_weights: `balanced` weighs classes by `n / (C n_c)` of the training labels, in every cross-entropy of the
            loss and in the objective `PublishedCode`; by default all alike.
        documents_per_class: K of class-balanced batches (each of `batch_size / K` classes, K documents of each); by
            default batches are drawn at random.
        unlabelled: What becomes of training documents without a label: `keep` them in the batches, for losses that can
            use them (a `GLoss`'s graph, `AgreementLoss`), or `drop` them, for those that cannot.
        labelled_per_batch: Labelled documents of a batch, the rest of `batch_size` without a label (`MixedSampler`); by
            default batches are drawn at random from both. Where all documents have a label, batches are these alone.
        precision: Of the encoder, `bf16` and `fp16` where the device has them.
        checkpoints: Folder for checkpoints at each validation; by default none are written. Each fit has its own folder
            in it, named by the digest of its settings, documents and seed; the same fit, started again, goes on from
            its last checkpoint.

    Raises:
        ConfigError: for settings that cannot work together or out of range; from `check` and `fit`, for an encoder that
            is not found and a precision that the device does not have; from `estimate` and `fit`, for a part of the
            loss that was made for another width or number of classes.
        DataError: from `fit`, where no training or no validation document has a label.

    Example:
        >>> method = FineTuning(model="random-tiny", max_steps=2)
        >>> method.name
        'FineTuning'
    """

    loss: TrainingLoss

    def __init__(
        self,
        model: str = "offline",
        loss: TrainingLoss | None = None,
        prediction: PropagationHead | None = None,
        pooling: Pooling | None = None,
        max_length: int = 128,
        batch_size: int = 64,
        learning_rate: float = 5e-5,
        max_epochs: int = 20,
        max_steps: int | None = None,
        evaluate_every: int | None = None,
        patience: int = 5,
        decay_epoch: int | None = None,
        class_weights: Literal["balanced"] | None = None,
        documents_per_class: int | None = None,
        unlabelled: Literal["keep", "drop"] = "keep",
        labelled_per_batch: int | None = None,
        precision: Precision = "float32",
        checkpoints: Path | None = None,
    ) -> None:
        self.model = model
        self.loss = ClassificationLoss() if loss is None else loss
        self.prediction = prediction
        self.pooling = pooling
        self.max_length = max_length
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.max_steps = max_steps
        self.evaluate_every = evaluate_every
        self.patience = patience
        self.decay_epoch = decay_epoch
        self.class_weights = class_weights
        self.documents_per_class = documents_per_class
        self.unlabelled = unlabelled
        self.labelled_per_batch = labelled_per_batch
        self.precision = precision
        self.checkpoints = None if checkpoints is None else Path(checkpoints)
        check_settings(type(self).__name__, vars(self), _PARTS)
        check_mixing(type(self).__name__, vars(self))
        if class_weights is not None:
            check_balanced(self.loss)
        self._forget()

    @property
    def encodes_again(self) -> bool:
        """See `EncoderMethod`: for the graph that predictions are made on."""
        return self.prediction is not None

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; an inductive method, it refuses test texts."""
        self.check_inductive(test_texts)
        goal = Goal("macro_f1", compute_metrics)
        trained = self.train_encoder(train, validation, self.loss, goal, seed)
        start = time.perf_counter()
        if self.prediction is not None:  # the best parameters are in place again
            rows = embed_documents(trained.encoder, trained.splits["train"], trained.collate)
            self.prediction.fit(rows, trained.labels, trained.encoder.classifier.out_features)
        return dataclasses.replace(trained.report, graph_seconds=time.perf_counter() - start)
