"""What methods that train a text encoder share: the training and its forecast."""

import copy
import logging
import math
import tempfile
import time
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, final

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from torch import Tensor, nn
from transformers import PrinterCallback, set_seed

from gloss_pyg.data import ClassBalancedSampler, DataCollator, MixedSampler, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.config import Pooling
from gloss_pyg.encoder.locate import load_config, locate_encoder
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.errors import ConfigError
from gloss_pyg.losses import TrainingLoss
from gloss_pyg.losses.memory import DocumentMemory
from gloss_pyg.methods.balanced import balance_classes
from gloss_pyg.methods.base import Estimate, FitReport
from gloss_pyg.methods.checkpoints import last_checkpoint, own_folder
from gloss_pyg.methods.checks import check_labels, unlabelled_loss, warn_of_no_unlabelled
from gloss_pyg.methods.fitted_encoder import FittedEncoder
from gloss_pyg.methods.forecast import forecast
from gloss_pyg.methods.search import Range
from gloss_pyg.methods.search_spaces import LEARNING_RATES, loss_space
from gloss_pyg.training import (
    GraphTrainer,
    KeepBest,
    Precision,
    check_precision,
    fit_bandwidth,
    fit_labels,
    set_sizes,
    training_arguments,
)
from gloss_pyg.training.sizes import tell_sizes

progress = logging.getLogger("gloss_pyg.progress")


@dataclass(frozen=True)
class Goal:
    """The validation score that training is stopped by, and whose best parameters are kept.

    Attributes:
        metric: Its name, larger is better.
        compute: The Trainer's `compute_metrics`, which gives it.
        min_delta: What it must rise by for patience to start anew.
        with_classifier: Whether the linear classifier is trained with the encoder.
    """

    metric: Literal["macro_f1", "macro_silhouette"]
    compute: Callable[[Any], dict[str, float]]
    min_delta: float = 0.0
    with_classifier: bool = True


@dataclass(frozen=True)
class Trained:
    """A trained encoder, its best parameters in place, and what it was trained on.

    Attributes:
        encoder: In evaluation mode.
        splits: The tokenised documents, `train` and `validation`.
        collate: Makes a padded batch of some of them.
        labels: Of the training documents, negative where there is none.
        report: How it went.
    """

    encoder: TextEncoder
    splits: DatasetDict
    collate: Callable[..., dict[str, Tensor]]
    labels: np.ndarray
    report: FitReport


class EncoderMethod(FittedEncoder):
    """Base of `FineTuning` and `Standalone`, which write `fit` and have the arguments named here."""

    elsewhere: ClassVar[tuple[str, ...]] = ("checkpoints",)

    loss: nn.Module
    pooling: Pooling | None
    learning_rate: float
    max_epochs: int
    max_steps: int | None
    evaluate_every: int | None
    patience: int
    decay_epoch: int | None
    class_weights: Literal["balanced"] | None
    documents_per_class: int | None
    unlabelled: Literal["keep", "drop"] = "keep"
    labelled_per_batch: int | None = None
    precision: Precision
    checkpoints: Path | None

    @property
    def limits(self) -> Mapping[str, Literal["steps", "epochs"] | None]:
        """See `Method`: steps, or epochs where steps are not bounded."""
        return {"max_steps": "steps", "max_epochs": "epochs" if self.max_steps is None else None}

    @final
    def check(self) -> None:
        """See `Method.check`: whether the device has the precision, and whether the encoder can be found."""
        check_precision(self.precision)
        load_config(locate_encoder(self.model))

    def search_space(self) -> Mapping[str, Range]:
        """See `Method.search_space`: the paper's learning rates, and what its loss can be tuned over."""
        return {"learning_rate": LEARNING_RATES} | loss_space(self.loss)

    @final
    def check_inductive(self, test_texts: Sequence[str] | None) -> None:
        """Refuse test texts."""
        if test_texts is not None:
            raise ConfigError(f"{type(self).__name__} is inductive: it must not be given the test texts.")

    @final
    def train_encoder(self, train: Dataset, validation: Dataset, loss: TrainingLoss, goal: Goal, seed: int) -> Trained:
        """Train the encoder with a loss, of which a copy is trained, until the goal's patience is up."""
        start = time.perf_counter()
        check_precision(self.precision)
        labels = check_labels(train, validation)
        train, labels = self._trained_on(train, labels)
        set_seed(seed)
        names = train.features["label"].names
        progress.info("loading the encoder %s", self.model)
        tokenizer = load_tokenizer(self.model)
        with quiet_transformers():
            encoder = TextEncoder.from_encoder(self.model, names, pooling=self.pooling)
        encoder.to(torch.device("cuda" if torch.cuda.is_available() else "cpu"))  # type: ignore[arg-type]
        encoder.classifier.requires_grad_(goal.with_classifier)
        progress.info("tokenising %d documents", len(train) + len(validation))
        splits = tokenize(DatasetDict(train=train, validation=validation), tokenizer, self.max_length)
        collate = DataCollator(tokenizer)
        loss = copy.deepcopy(loss)  # what it learns and what is fitted belong to this fit
        set_sizes(loss, encoder)
        fit_labels(loss, labels, len(names))
        if self.class_weights == "balanced":
            balance_classes(loss, labels, len(names))
        fit_bandwidth(loss, encoder, splits["train"], collate)
        keep = KeepBest(self.patience, goal.metric, goal.min_delta)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            if self.checkpoints is not None:
                folder = own_folder(self.checkpoints, self, train, validation, seed)
            trainer = self._trainer(encoder, loss, splits, collate, labels, goal, keep, folder, seed)
            set_up = time.perf_counter() - start
            size = trainer.args.per_device_train_batch_size
            progress.info("training: %d documents, batches of %d", len(train), size)
            last = last_checkpoint(folder) if self.checkpoints is not None else None
            # Embeddings are gathered in validation where the score is one of them.
            ignored: list[str] | None = [] if goal.metric == "macro_silhouette" else None
            trainer.train(resume_from_checkpoint=None if last is None else str(last), ignore_keys_for_eval=ignored)
        for part in loss.modules():
            if isinstance(part, DocumentMemory):
                part.forget()  # it would be saved with the model
        encoder.eval()
        encoder.classifier.requires_grad_(True)  # noqa: FBT003 - torch's signature
        self._encoder, self._tokenizer, self._encoded = encoder, tokenizer, None
        report = FitReport(
            encoder=self.model,
            setup_seconds=set_up,
            training_seconds=time.perf_counter() - start - set_up,
            seconds_per_epoch=keep.step_seconds / keep.epochs if keep.epochs else 0.0,
            epochs=keep.epochs,
            steps=keep.steps,
            best_step=keep.best_step,
            best_score=keep.best_score,
            chosen_by=goal.metric,
            stopped_by="patience" if keep.patience_is_up else "limit",
            loss_overhead=trainer.loss_function.seconds / keep.step_seconds if keep.step_seconds else 0.0,
            history=keep.history,
        )
        return Trained(encoder, splits, collate, labels, report)

    def _trainer(
        self,
        encoder: TextEncoder,
        loss: TrainingLoss,
        splits: DatasetDict,
        collate: Callable[..., dict[str, Tensor]],
        labels: np.ndarray,
        goal: Goal,
        keep: KeepBest,
        folder: Path,
        seed: int,
    ) -> GraphTrainer:
        sampler = self._sampler(labels, seed)
        batch_size = self._documents_a_step(sampler)
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
        steps_an_epoch = math.ceil(len(labels if sampler is None else sampler) / batch_size)
        trainer = GraphTrainer(
            encoder,
            arguments,
            loss,
            train_sampler=sampler,
            decay_step=None if self.decay_epoch is None else self.decay_epoch * steps_an_epoch,
            train_dataset=splits["train"],
            eval_dataset=splits["validation"],
            data_collator=collate,
            compute_metrics=goal.compute,
            callbacks=[keep],
        )
        trainer.remove_callback(PrinterCallback)  # progress goes through `gloss_pyg.progress`
        return trainer

    def _trained_on(self, train: Dataset, labels: np.ndarray) -> tuple[Dataset, np.ndarray]:
        """The training documents that are used, and their labels."""
        labelled = labels >= 0
        if labelled.all() and (name := unlabelled_loss(self.loss)):
            warn_of_no_unlabelled(name, len(labels))
        if self.unlabelled == "keep" or labelled.all():
            return train, labels
        kept = np.flatnonzero(labelled)
        return train.select(kept), labels[kept]

    def _sampler(self, labels: np.ndarray, seed: int) -> ClassBalancedSampler | MixedSampler | None:
        """In which order documents come, `None` for one that is drawn."""
        if self.documents_per_class is not None:
            classes = min(self.batch_size // self.documents_per_class, len(np.unique(labels[labels >= 0])))
            return ClassBalancedSampler(
                labels, classes_per_batch=classes, documents_per_class=self.documents_per_class, seed=seed
            )
        if self.labelled_per_batch is None or not (labels < 0).any():
            return None
        others = self.batch_size - self.labelled_per_batch
        return MixedSampler(labels, labelled=self.labelled_per_batch, unlabelled=others, seed=seed)

    def _documents_a_step(self, sampler: ClassBalancedSampler | MixedSampler | None) -> int:
        """Of what is drawn at random `batch_size`, or the labelled part of mixed batches where there is no other."""
        return (self.labelled_per_batch or self.batch_size) if sampler is None else sampler.batch_size

    @final
    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`; from the encoder's size, the texts' lengths and the machine's speed."""
        config = load_config(locate_encoder(self.model))
        tell_sizes(copy.deepcopy(self.loss), config.hidden_size, splits["train"].features["label"].num_classes)
        labels = self._trained_on(splits["train"], np.asarray(splits["train"]["label"][:]))[1]
        train = len(labels)
        sampler = self._sampler(labels, 0) if (labels >= 0).any() else None
        size = self._documents_a_step(sampler)
        epoch = math.ceil((train if sampler is None else len(sampler)) / size)
        steps = epoch * self.max_epochs if self.max_steps is None else self.max_steps
        evaluations = steps / (self.evaluate_every or epoch)
        return forecast(
            self.model,
            list(splits["train"][:200]["text"]),
            max_length=self.max_length,
            training_documents=float(steps * min(size, train)),
            other_documents=evaluations * len(splits["validation"])
            + len(splits["test"])
            + (train if self.encodes_again else 0),
            batch_size=size,
        )

    @property
    @abstractmethod
    def encodes_again(self) -> bool:
        """Whether the training documents are encoded once more when the encoder is trained."""
