"""What BertGCN and BertGAT share as methods: where the encoder starts, the graph, new texts, files."""

import json
import logging
import math
import tempfile
import time
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import set_seed

from baselines.corpus_graph import CorpusGraph
from baselines.document_graph import DocumentGraph, KnownWords
from baselines.fitted_joint import Fitted, text_settings
from baselines.graph_network import GraphNetwork
from baselines.graph_task import labels_of
from baselines.joint_model import JointModel
from baselines.joint_training import Batches, JointTask, Schedule, check_batches, train_jointly
from baselines.known_texts import KnownTexts
from gloss_pyg.data import DataCollator
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods import Choice, Estimate, FineTuning, FitReport, Interval, Method, Range
from gloss_pyg.methods.forecast import forecast
from gloss_pyg.training import watch

progress = logging.getLogger("gloss_pyg.progress")

_SETTINGS = "method.json"


class JointMethod(Method):
    """Base of the methods that train an encoder together with a graph network over its embeddings.

    Arguments are described at `baselines.bertgcn.BertGCN`. Subclasses write `make_network` and `settings`.
    """

    def __init__(
        self,
        graph: CorpusGraph | None,
        fine_tuning: FineTuning | None,
        checkpoint: Path | None,
        mix: float,
        hidden: int,
        dropout: float,
        batches: Batches,
        batch_size: int,
        learning_rate: float,
        graph_learning_rate: float,
        warm_up_steps: int,
        max_epochs: int,
        decay_epoch: int,
        choose_mix: bool,
    ) -> None:
        limits = {"hidden": hidden, "batch_size": batch_size, "max_epochs": max_epochs, "decay_epoch": decay_epoch}
        for name, value in limits.items():
            if value < 1:
                raise ConfigError(f"{self.name}: {name}={value}, expected at least 1.")
        if warm_up_steps < 0:
            raise ConfigError(f"{self.name}: warm_up_steps={warm_up_steps}, expected at least 0, as published.")
        for name, rate in {"learning_rate": learning_rate, "graph_learning_rate": graph_learning_rate}.items():
            if not (math.isfinite(rate) and rate > 0):
                raise ConfigError(f"{self.name}: {name}={rate}, expected a positive number.")
        if not 0 <= dropout < 1:
            raise ConfigError(f"{self.name}: dropout={dropout}, expected a share from 0 to below 1.")
        if not 0 <= mix <= 1:
            raise ConfigError(
                f"{self.name}: mix={mix}, expected the graph network's share from 0 to 1, as published 0.7."
            )
        check_batches(batches)
        if checkpoint is not None and fine_tuning is not None:
            raise ConfigError(
                f"{self.name}: both checkpoint and fine_tuning are given; leave one out: with a checkpoint nothing is "
                "fine-tuned first."
            )
        if fine_tuning is not None and fine_tuning.prediction is not None:
            raise ConfigError(
                f"{self.name}: fine_tuning.prediction is given, but only encoder and linear classifier are taken over."
            )
        self.graph = graph or CorpusGraph()
        self.transductive = self.graph.transductive
        self.checkpoint = checkpoint
        self.fine_tuning = FineTuning() if fine_tuning is None and checkpoint is None else fine_tuning
        self.mix = mix
        self.hidden = hidden
        self.dropout = dropout
        self.batches = batches
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.graph_learning_rate = graph_learning_rate
        self.warm_up_steps = warm_up_steps
        self.max_epochs = max_epochs
        self.decay_epoch = decay_epoch
        self.choose_mix = choose_mix
        self._fitted: Fitted | None = None
        self._known = KnownTexts()

    @abstractmethod
    def make_network(self, features: int, num_classes: int) -> GraphNetwork:
        """A new network, its parameters drawn from torch's global seed."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Arguments that `make_network` reads, and `batch_size`, as plain values."""

    @abstractmethod
    def width(self) -> int:
        """Hidden columns of the network."""

    def search_space(self) -> dict[str, Range]:
        """See `Method.search_space`: the mixing `m`, which the authors vary, and the two learning rates."""
        return {
            "mix": Interval(0.1, 0.9),
            "learning_rate": Choice((1e-5, 2e-5, 3e-5, 4e-5, 5e-5)),
            "graph_learning_rate": Interval(3e-4, 3e-3, log=True),
        }

    @final
    def check(self) -> None:
        """See `Method.check`: whether the encoder can be found."""
        if self.fine_tuning is not None:
            self.fine_tuning.check()
        else:
            text_settings(self._start_folder())

    @final
    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; a transductive graph without test texts predicts them by attaching them."""
        if test_texts is not None and not self.transductive:
            raise ConfigError(f"{self.name} with graph.transductive=false must not be given the test texts.")
        start = time.perf_counter()
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        labels, validation_labels = labels_of(train, "training"), labels_of(validation, "validation")
        texts = train["text"][:]
        if self.transductive:
            texts += [*validation["text"][:], *(test_texts or ())]
        data = self.graph.build(texts)
        graph = DocumentGraph(data, device)
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as scratch:
            folder = self._start_folder() if self.fine_tuning is None else Path(scratch) / "start"
            if self.fine_tuning is not None:
                progress.info("fine-tuning the encoder that %s starts from", self.name)
                with watch(None):  # its scores are not those of the graph network
                    self.fine_tuning.fit(train, validation, seed=seed)
                with quiet_transformers():
                    self.fine_tuning.save(folder)
            checkpoint_seconds = time.perf_counter() - began if self.fine_tuning is not None else 0.0
            fitted = self._begin(folder, train.features["label"].names, graph.known, seed, device)
        if self.fine_tuning is not None:
            progress.info("fine-tuning took %.0f s, counted in the set-up", checkpoint_seconds)
        kept = np.flatnonzero(validation_labels >= 0)
        nodes_without_label = np.full(len(texts) - len(labels), -1)
        validation_texts = validation.select(kept)["text"][:]
        task = JointTask(
            graph=graph,
            documents=fitted.tokens(texts),
            labels=np.concatenate([labels, nodes_without_label]),
            validation=len(labels) + kept
            if self.transductive
            else (fitted.tokens(validation_texts), graph.known.attach(validation_texts, device)),
            validation_labels=validation_labels[kept],
            collate=DataCollator(fitted.tokenizer),
        )
        set_up = time.perf_counter() - start
        outcome = train_jointly(fitted.model, task, self._schedule(), seed)
        fitted.passed_on = outcome.passed_on
        self._fitted = fitted
        self._known = KnownTexts.of(texts, outcome.probabilities) if self.transductive else KnownTexts()
        return FitReport(
            encoder=fitted.name,
            setup_seconds=max(set_up - data.build_seconds, 0.0),
            checkpoint_seconds=checkpoint_seconds,
            graph_seconds=data.build_seconds,
            training_seconds=time.perf_counter() - start - set_up,
            **outcome.report,
        )

    def _begin(
        self, folder: Path, class_names: list[str], words: KnownWords, seed: int, device: torch.device
    ) -> Fitted:
        """Encoder and linear classifier from a folder, and a new network."""
        settings = text_settings(folder)
        with quiet_transformers():
            encoder = TextEncoder.from_pretrained(folder)
        found = [name for _, name in sorted((encoder.config.id2label or {}).items())]
        if found != class_names:
            raise ConfigError(
                f"{self.name}: the encoder in {folder} was fine-tuned for the classes {', '.join(found)}; the data "
                f"have {', '.join(class_names)}. Give a checkpoint made on these data, or none."
            )
        set_seed(seed)  # so that the network is the same whether the checkpoint was given or made
        network = self.make_network(encoder.classifier.in_features, len(class_names))
        model = JointModel(encoder, network, self.mix).to(device)
        return Fitted(model, load_tokenizer(folder), settings["model"], settings["max_length"], words)

    def _start_folder(self) -> Path:
        assert self.checkpoint is not None
        return Path(self.checkpoint).expanduser()

    def _schedule(self) -> Schedule:
        return Schedule(
            batches=self.batches,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            graph_learning_rate=self.graph_learning_rate,
            warm_up_steps=self.warm_up_steps,
            max_epochs=self.max_epochs,
            decay_epoch=self.decay_epoch,
            choose_mix=self.choose_mix,
        )

    @final
    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`; documents of the graph as its nodes, each other text attached to it alone."""
        fitted = self._parts()
        return self._known.complete(texts, lambda new: fitted.predict(new, self.batch_size))

    @final
    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.embed`: the encoder's embeddings."""
        return self._parts().embed(texts, self.batch_size).cpu().numpy()

    @final
    def save(self, folder: Path) -> None:
        """Write encoder and linear classifier (as `FineTuning` does, below), network, and what its words pass on."""
        fitted = self._parts()
        folder.mkdir(parents=True)
        fitted.save(folder)
        self._known.save(folder, fitted.model.encoder.classifier.out_features)
        settings = {"class": type(self).__name__, "transductive": self.transductive, **self.settings()}
        settings["mix"] = fitted.model.mix  # that of the constructor, or the one that was chosen
        (folder / _SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "JointMethod":
        """A method that predicts as the saved one did; of its graph's settings only `transductive` is kept."""
        path = folder / _SETTINGS
        if not path.is_file():
            raise DataError(f"{folder} is no saved {cls.__name__}: it has no {_SETTINGS}.")
        settings = json.loads(path.read_text(encoding="utf-8"))
        if settings.pop("class", None) != cls.__name__:
            raise DataError(f"{folder} holds another method than {cls.__name__}; load it with its own class.")
        method = cls(graph=CorpusGraph(transductive=settings.pop("transductive")), **settings)
        method._fitted = Fitted.load(folder, method.make_network, method.mix)
        method._known = KnownTexts.load(folder)
        return method

    @final
    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`: the fine-tuning, passes over all documents, and the graph's products."""
        sample = list(splits["train"][:200]["text"])
        documents = len(splits["train"])
        if self.transductive:
            documents += len(splits["validation"]) + len(splits["test"])
        labelled = sum(label >= 0 for label in splits["train"]["label"][:])
        trained = float(self.max_epochs * (documents if self.batches == "all" else labelled))
        start = Estimate(0.0, 0) if self.fine_tuning is None else self.fine_tuning.estimate(splits)
        model, max_length = self._model()
        joint = forecast(
            model,
            sample,
            max_length=max_length,
            training_documents=trained,
            other_documents=float((self.max_epochs + 1) * documents + len(splits["test"])),
            batch_size=self.batch_size,
        )
        words = sum(text.count(" ") + 1 for split in splits.values() for text in split["text"][:])
        width = self.width()
        # A document's features go through a matrix of 400 rows or so, forward and backward, and 0.7 entries a word
        # through a sparse product, at about 3e10 and 1e9 operations a second on a core.
        step = 4 * width * (400 * documents / 3e10 + 0.7 * words / 1e9)
        return Estimate(
            seconds=start.seconds
            + joint.seconds
            + (trained / self.batch_size + self.warm_up_steps) * step
            + 2e-6 * words,
            memory_bytes=max(start.memory_bytes, joint.memory_bytes + int(20 * width * documents + 100 * words)),
        )

    def _model(self) -> tuple[str, int]:
        """Name of the encoder and the length of texts."""
        if self.fine_tuning is not None:
            return self.fine_tuning.model, self.fine_tuning.max_length
        folder = self._start_folder()
        return str(folder / "body"), text_settings(folder)["max_length"]

    def _parts(self) -> Fitted:
        if self._fitted is None:
            raise ConfigError(f"This {self.name} was not fitted: call fit(...) first, or load(folder).")
        return self._fitted
