"""TextGCN: a two-layer graph convolution over documents and words."""

import logging
import math
import time
from statistics import fmean
from typing import Any, final

import numpy as np
import torch
from datasets import DatasetDict
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn.inits import glorot

from baselines.attachment import Attachment
from baselines.corpus_graph import CorpusGraph
from baselines.graph_method import GraphMethod, estimate_graph
from baselines.graph_task import GraphTask
from gloss_pyg.errors import ConfigError
from gloss_pyg.methods import Choice, Estimate, Interval, Range
from gloss_pyg.training import tell_validation

progress = logging.getLogger("gloss_pyg.progress")


@final
class TextGCN(GraphMethod):
    r"""Classify documents by two graph convolutions over the corpus graph, all documents and words at once.

    .. math:: Z = \hat A\, \mathrm{drop}(\mathrm{ReLU}(\hat A\, W_1))\, W_2

    Inputs are one-hot, so that the first layer is a matrix with a row for each node. Training stops when the
    validation loss is above its mean over the `patience` epochs before, and the last parameters are kept: the rule of
    the published code. The paper's words (stop after 10 epochs without a lower loss) stop six epochs later on MR and
    lose 0.8 points there. An epoch computes two large products only: validation shares the first layer with the next
    training step (which has no dropout there), and the second layer is computed at documents with a label.

    Args:
        graph: How the graph is made; by default as published. With `transductive: false` it holds the training texts
            alone, and validation and test texts are attached.
        hidden: Columns of `W_1`.
        dropout: Share of the hidden numbers that a step leaves out.
        learning_rate: Of Adam.
        max_epochs: Steps at most, each over all training documents.
        patience: Epochs whose mean validation loss the next one must not exceed.

    Raises:
        ConfigError: for a setting out of range.

    Source: Yao, Mao and Luo, AAAI 2019 (arXiv 1809.05679), equations 7 and 8; settings of section 4.

    Example:
        >>> TextGCN(graph=CorpusGraph(transductive=False)).transductive
        False
    """

    def __init__(
        self,
        graph: CorpusGraph | None = None,
        hidden: int = 200,
        dropout: float = 0.5,
        learning_rate: float = 0.02,
        max_epochs: int = 200,
        patience: int = 10,
    ) -> None:
        for name, value in {"hidden": hidden, "max_epochs": max_epochs, "patience": patience}.items():
            if value < 1:
                raise ConfigError(f"TextGCN: {name}={value}, expected at least 1.")
        if not 0 <= dropout < 1:
            raise ConfigError(f"TextGCN: dropout={dropout}, expected a share from 0 to below 1.")
        if not (math.isfinite(learning_rate) and learning_rate > 0):
            raise ConfigError(f"TextGCN: learning_rate={learning_rate}, expected a positive number, as published 0.02.")
        super().__init__(graph or CorpusGraph())
        self.hidden = hidden
        self.dropout = dropout
        self.learning_rate = learning_rate
        self.max_epochs = max_epochs
        self.patience = patience

    def settings(self) -> dict[str, Any]:
        """See `GraphMethod.settings`."""
        names = ("hidden", "dropout", "learning_rate", "max_epochs", "patience")
        return {name: getattr(self, name) for name in names}

    def train(self, task: GraphTask, report: dict[str, Any]) -> tuple[Attachment, np.ndarray]:
        """See `GraphMethod.train`."""
        device = task.training_labels.device
        first = nn.Parameter(torch.empty(task.num_nodes, self.hidden, device=device))
        second = nn.Parameter(torch.empty(self.hidden, task.num_classes, device=device))
        glorot(first)
        glorot(second)
        optimizer = torch.optim.Adam([first, second], lr=self.learning_rate)
        history: list[dict[str, float]] = []
        losses: list[float] = []
        start, training = time.perf_counter(), 0.0
        hidden = task.product(first).relu()
        for epoch in range(1, self.max_epochs + 1):
            began = time.perf_counter()
            dropped = functional.dropout(hidden, self.dropout)
            loss = functional.cross_entropy(task.training(dropped @ second), task.training_labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            del dropped, hidden, loss  # before the next layer is made
            hidden = task.product(first).relu()
            training += time.perf_counter() - began
            latest, row = _validate(task, first, hidden, second)
            history.append({"step": float(epoch), "seconds": time.perf_counter() - start, **row})
            progress.info("epoch %d: validation loss %.4f, accuracy %.4f", epoch, latest, row["accuracy"])
            tell_validation(epoch, row["macro_f1"])
            if len(losses) > self.patience and latest > fmean(losses[-self.patience :]):
                break
            losses.append(latest)
        report |= {
            "seconds_per_epoch": training / epoch,
            "epochs": float(epoch),
            "steps": epoch,
            "best_step": epoch,
            "best_score": history[-1]["macro_f1"],
            "history": history,
        }
        return _results(task, first, hidden, second)

    def search_space(self) -> dict[str, Range]:
        """See `Method.search_space`: around the published settings."""
        return {
            "learning_rate": Interval(0.005, 0.05, log=True),
            "dropout": Interval(0.2, 0.8),
            "hidden": Choice((100, 200, 400)),
        }

    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`."""
        return estimate_graph(splits, products=2 * self.max_epochs * self.hidden / 200)


@torch.no_grad()
def _validate(task: GraphTask, first: Tensor, hidden: Tensor, second: Tensor) -> tuple[float, dict[str, float]]:
    scores = task.validation_scores(first, hidden @ second, lambda state: state.relu() @ second)
    return task.evaluate(scores)


@torch.no_grad()
def _results(task: GraphTask, first: Tensor, hidden: Tensor, second: Tensor) -> tuple[Attachment, np.ndarray]:
    """What new texts are scored with, and the probabilities of the graph's documents."""
    passed_on = (hidden @ second).cpu()
    scores = torch.from_numpy(task.documents @ passed_on.numpy())
    words = task.word_nodes
    attachment = Attachment(
        words=task.words,
        idf=task.idf,
        degree=task.word_degree,
        first=first.detach().cpu()[words],
        second=passed_on[words],
        mix=second.detach().cpu(),
        bias=torch.zeros(task.num_classes),
        rectify=True,
        prior=task.prior,
    )
    return attachment, scores.softmax(dim=1).numpy()
