"""Fine-tuning a text encoder with any of our losses, as a method that `compare`, `train` and `predict` know."""

import copy
import json
import logging
import math
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar, Literal, final

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from torch import Tensor
from transformers import PreTrainedTokenizerBase, PrinterCallback, set_seed

from gloss_pyg.data import ClassBalancedSampler, DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.config import Pooling
from gloss_pyg.encoder.locate import load_config, locate_encoder
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.losses import ClassificationLoss, TrainingLoss
from gloss_pyg.methods.balanced import balance_classes
from gloss_pyg.methods.base import Estimate, FitReport, Method
from gloss_pyg.methods.checkpoints import last_checkpoint, own_folder
from gloss_pyg.methods.checks import check_labels, check_settings
from gloss_pyg.methods.forecast import forecast
from gloss_pyg.methods.prediction import PropagationHead, classify
from gloss_pyg.metrics import compute_metrics
from gloss_pyg.training import (
    GraphTrainer,
    KeepBest,
    Precision,
    check_precision,
    fit_bandwidth,
    set_sizes,
    training_arguments,
)
from gloss_pyg.training.bandwidth import embed_documents
from gloss_pyg.training.sizes import tell_sizes

progress = logging.getLogger("gloss_pyg.progress")


@final
class FineTuning(Method):
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

    elsewhere: ClassVar[tuple[str, ...]] = ("checkpoints",)

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
        self.precision = precision
        self.checkpoints = None if checkpoints is None else Path(checkpoints)
        check_settings(vars(self))
        self._encoder: TextEncoder | None = None
        self._tokenizer: PreTrainedTokenizerBase | None = None

    def check(self) -> None:
        """See `Method.check`: whether the device has the precision, and whether the encoder can be found."""
        check_precision(self.precision)
        load_config(locate_encoder(self.model))

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; an inductive method, it refuses test texts."""
        if test_texts is not None:
            raise ConfigError("FineTuning is inductive: it must not be given the test texts.")
        start = time.perf_counter()
        check_precision(self.precision)
        labels = check_labels(train, validation)
        set_seed(seed)
        names = train.features["label"].names
        progress.info("loading the encoder %s", self.model)
        tokenizer = load_tokenizer(self.model)
        with quiet_transformers():
            encoder = TextEncoder.from_encoder(self.model, names, pooling=self.pooling)
        encoder.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))  # type: ignore[arg-type]
        progress.info("tokenising %d documents", len(train) + len(validation))
        splits = tokenize(DatasetDict(train=train, validation=validation), tokenizer, self.max_length)
        collate = DataCollator(tokenizer)
        loss = copy.deepcopy(self.loss)  # what it learns and what is fitted belong to this fit
        set_sizes(loss, encoder)
        if self.class_weights == "balanced":
            balance_classes(loss, labels, len(names))
        fit_bandwidth(loss, encoder, splits["train"], collate)
        keep = KeepBest(self.patience)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            if self.checkpoints is not None:
                folder = own_folder(self.checkpoints, self, train, validation, seed)
            trainer = self._trainer(encoder, loss, splits, collate, labels, keep, folder, seed)
            set_up = time.perf_counter() - start
            progress.info("training: %d documents, batches of %d", len(train), self.batch_size)
            last = last_checkpoint(folder) if self.checkpoints is not None else None
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
        encoder.eval()
        self._encoder, self._tokenizer = encoder, tokenizer
        trained = time.perf_counter() - start - set_up
        if self.prediction is not None:  # the best parameters are in place again
            self.prediction.fit(embed_documents(encoder, splits["train"], collate), labels, len(names))
        graph = time.perf_counter() - start - set_up - trained
        return FitReport(
            encoder=self.model,
            setup_seconds=set_up,
            graph_seconds=graph,
            training_seconds=trained,
            seconds_per_epoch=keep.step_seconds / keep.epochs if keep.epochs else 0.0,
            epochs=keep.epochs,
            steps=keep.steps,
            best_step=keep.best_step,
            best_score=keep.best_score,
            stopped_by="patience" if keep.patience_is_up else "limit",
            loss_overhead=trainer.loss_function.seconds / keep.step_seconds if keep.step_seconds else 0.0,
            history=keep.history,
        )

    def _trainer(
        self,
        encoder: TextEncoder,
        loss: TrainingLoss,
        splits: DatasetDict,
        collate: Callable[..., dict[str, Tensor]],
        labels: np.ndarray,
        keep: KeepBest,
        folder: Path,
        seed: int,
    ) -> GraphTrainer:
        sampler, batch_size = None, self.batch_size
        if self.documents_per_class is not None:
            classes = min(self.batch_size // self.documents_per_class, len(np.unique(labels[labels >= 0])))
            sampler = ClassBalancedSampler(
                labels, classes_per_batch=classes, documents_per_class=self.documents_per_class, seed=seed
            )
            batch_size = sampler.batch_size
        saving = {"save_strategy": "epoch" if self.evaluate_every is None else "steps"} if self.checkpoints else {}
        arguments = training_arguments(
            folder,
            batch_size=batch_size,
            learning_rate=self.learning_rate,
            max_epochs=self.max_epochs,
            max_steps=self.max_steps,
            evaluate_every=self.evaluate_every,
            seed=seed,
            precision=self.precision,
            **saving | ({"save_steps": self.evaluate_every, "save_total_limit": 2} if saving else {}),
        )
        steps_an_epoch = math.ceil((len(sampler) if sampler else len(labels)) / batch_size)
        trainer = GraphTrainer(
            encoder,
            arguments,
            loss,
            train_sampler=sampler,
            decay_step=None if self.decay_epoch is None else self.decay_epoch * steps_an_epoch,
            train_dataset=splits["train"],
            eval_dataset=splits["validation"],
            data_collator=collate,
            compute_metrics=compute_metrics,
            callbacks=[keep],
        )
        trainer.remove_callback(PrinterCallback)  # progress goes through `gloss_pyg.progress`
        return trainer

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`: softmax of the classifier's logits, or what `prediction` makes of it."""
        encoder, tokenizer = self._fitted()
        if not texts:
            return np.zeros((0, encoder.classifier.out_features), dtype=np.float32)
        documents = tokenize(list(texts), tokenizer, self.max_length)
        return classify(encoder, documents, DataCollator(tokenizer), self.prediction, 2 * self.batch_size)

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.embed`: the pooled embeddings."""
        encoder, tokenizer = self._fitted()
        if not texts:
            return np.zeros((0, encoder.classifier.in_features), dtype=np.float32)
        documents = tokenize(list(texts), tokenizer, self.max_length)
        return embed_documents(encoder, documents, DataCollator(tokenizer), 2 * self.batch_size).numpy()

    def _fitted(self) -> tuple[TextEncoder, PreTrainedTokenizerBase]:
        if self._encoder is None or self._tokenizer is None:
            raise ConfigError("This FineTuning was not fitted: call fit(...) first, or FineTuning.load(folder).")
        return self._encoder, self._tokenizer

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
    def load(cls, folder: Path) -> "FineTuning":
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

    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`; from the encoder's size, the texts' lengths and the machine's speed."""
        config = load_config(locate_encoder(self.model))
        tell_sizes(copy.deepcopy(self.loss), config.hidden_size, splits["train"].features["label"].num_classes)
        train = len(splits["train"])
        steps = math.ceil(train / self.batch_size) * self.max_epochs if self.max_steps is None else self.max_steps
        evaluations = steps / (self.evaluate_every or math.ceil(train / self.batch_size))
        return forecast(
            self.model,
            list(splits["train"][:200]["text"]),
            max_length=self.max_length,
            training_documents=float(steps * min(self.batch_size, train)),
            other_documents=evaluations * len(splits["validation"])
            + len(splits["test"])
            + (train if self.prediction else 0),
            batch_size=self.batch_size,
        )
