"""What TextGCN and SGC share as methods: the graph, texts that are nodes, texts that are attached, files."""

import json
import time
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from datasets import Dataset, DatasetDict
from transformers import set_seed

from baselines.attachment import Attachment
from baselines.corpus_graph import CorpusGraph
from baselines.graph_task import GraphTask, make_task
from baselines.known_texts import KnownTexts
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods import Estimate, FitReport, Method

_SETTINGS = "method.json"


class GraphMethod(Method):
    """Base of the methods that classify the documents of a corpus graph after two propagations.

    Documents of a transductive graph are predicted as nodes; any other text is attached to the graph's words alone
    (see `baselines.attachment`).

    Args:
        graph: How the graph is made; `graph.transductive` says whether the method sees the test texts.

    Subclasses write `train`, `settings` and `estimate`.
    """

    def __init__(self, graph: CorpusGraph) -> None:
        self.graph = graph
        self.transductive = graph.transductive
        self._attachment: Attachment | None = None
        self._known = KnownTexts()

    @abstractmethod
    def train(self, task: GraphTask, report: dict[str, Any]) -> tuple[Attachment, np.ndarray]:
        """Learn from the labelled documents.

        Args:
            task: The graph and the labels.
            report: Fields of `FitReport` to be filled in.

        Returns:
            What new texts are scored with, and the class probabilities of `task.documents`.
        """

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """Arguments of the constructor beside `graph`, as plain values."""

    @final
    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """See `Method.fit`; a transductive graph without test texts predicts them by attaching them."""
        if test_texts is not None and not self.transductive:
            raise ConfigError(f"{self.name} with graph.transductive=false must not be given the test texts.")
        start = time.perf_counter()
        set_seed(seed)
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        task = make_task(self.graph, train, validation, test_texts, device)
        set_up = time.perf_counter() - start
        fields: dict[str, Any] = {}
        self._attachment, probabilities = self.train(task, fields)
        texts = [*train["text"][:], *validation["text"][:], *(test_texts or ())] if self.transductive else []
        probabilities[np.diff(task.documents.indptr) <= 1] = task.prior.numpy()  # beside itself it has no neighbour
        self._known = KnownTexts.of(texts, probabilities)
        return FitReport(
            setup_seconds=max(set_up - task.graph_seconds, 0.0),
            graph_seconds=task.graph_seconds,
            training_seconds=time.perf_counter() - start - set_up,
            **fields,
        )

    @final
    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """See `Method.predict_proba`."""
        if self._attachment is None:
            raise ConfigError(f"This {self.name} was not fitted: call fit(...) first, or load(folder).")
        return self._known.complete(texts, self._attachment.predict_proba)

    @final
    def save(self, folder: Path) -> None:
        """Write what predicts; the graph itself is not needed for it, and texts are kept as digests only."""
        if self._attachment is None:
            raise ConfigError(f"This {self.name} was not fitted: call fit(...) first.")
        folder.mkdir(parents=True)
        self._attachment.save(folder)
        self._known.save(folder, len(self._attachment.prior))
        settings = {"class": type(self).__name__, "transductive": self.transductive, **self.settings()}
        (folder / _SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "GraphMethod":
        """A method that predicts as the saved one did; of its graph's settings only `transductive` is kept."""
        path = folder / _SETTINGS
        if not path.is_file():
            raise DataError(f"{folder} is no saved {cls.__name__}: it has no {_SETTINGS}.")
        settings = json.loads(path.read_text(encoding="utf-8"))
        if settings.pop("class", None) != cls.__name__:
            raise DataError(f"{folder} holds another method than {cls.__name__}; load it with its own class.")
        method = cls(graph=CorpusGraph(transductive=settings.pop("transductive")), **settings)
        method._attachment = Attachment.load(folder)
        method._known = KnownTexts.load(folder)
        return method


def estimate_graph(splits: DatasetDict, *, products: float) -> Estimate:
    """Forecast a graph and training on it from the number of words, without making it.

    Args:
        splits: The data.
        products: Products of the adjacency with 200 columns.
    """
    texts = [text for split in splits.values() for text in split["text"][:]]
    words = sum(text.count(" ") + 1 for text in texts)
    # 20NG: 5.4 million words become 27 million entries in 8 s, each 50 ns a product and 60 bytes at the most.
    entries = 5 * words
    nodes = len(texts) + 30 * words**0.5
    return Estimate(
        seconds=1.5e-6 * words + products * 6e-8 * entries + products * 4e-6 * nodes,
        memory_bytes=int(700e6 + 90 * entries + 8000 * nodes),
    )
