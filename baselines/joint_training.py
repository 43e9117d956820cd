"""Training encoder and graph network together: batches, the memory bank and its refreshing, the best epoch."""

import copy
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from baselines.document_graph import DocumentGraph, Neighbours
from baselines.joint_model import JointModel, mean_loss, mixed
from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.errors import ConfigError
from gloss_pyg.metrics import accuracy, macro_f1
from gloss_pyg.training import tell_validation

progress = logging.getLogger("gloss_pyg.progress")

Batches = Literal["all", "labelled"]
Tokens = Sequence[Mapping[str, Any]]
_SAID_EVERY = 20  # steps
_TENTHS = tuple(tenth / 10 for tenth in range(11))


@dataclass(frozen=True)
class JointTask:
    """The documents of a graph, and what is to be learnt of them.

    Attributes:
        graph: The graph.
        documents: Its documents, tokenised.
        labels: Their labels as far as training may see them, negative elsewhere, `[documents]`.
        validation: The labelled validation documents: their numbers in the graph, or where they are not in it, their
            tokens and the words beside them.
        validation_labels: Their labels.
        collate: Makes a padded batch of tokenised documents.
    """

    graph: DocumentGraph
    documents: Tokens
    labels: np.ndarray
    validation: np.ndarray | tuple[Tokens, Neighbours]
    validation_labels: np.ndarray
    collate: Callable[..., dict[str, Tensor]]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast, see `baselines.bertgcn.BertGCN`."""

    batches: Batches
    batch_size: int
    learning_rate: float
    graph_learning_rate: float
    warm_up_steps: int
    max_epochs: int
    decay_epoch: int
    choose_mix: bool


@dataclass(frozen=True)
class Outcome:
    """The epoch with the best validation accuracy (the first of equals), and how training went.

    Attributes:
        passed_on: What its words pass on, `[words, C]`.
        probabilities: Of all documents of the graph, `[documents, C]`.
        report: Fields of `FitReport`.
    """

    passed_on: Tensor
    probabilities: np.ndarray
    report: dict[str, Any]


@dataclass(frozen=True)
class _Kept:
    """The best epoch: its row of the history, and what it left."""

    row: dict[str, float]
    state: dict[str, Tensor]
    bank: Tensor
    passed_on: Tensor
    mix: float


def check_batches(batches: str) -> None:
    """Refuse what is no `Batches`."""
    if batches not in ("all", "labelled"):
        raise ConfigError(f"batches='{batches}'; expected 'all' documents, as published, or 'labelled' ones only.")


def train_jointly(model: JointModel, task: JointTask, schedule: Schedule, seed: int) -> Outcome:
    """Train; the model ends with the parameters of the best epoch."""
    optimizer = torch.optim.Adam(
        [
            {"params": [p for p in model.encoder.parameters() if p.requires_grad], "lr": schedule.learning_rate},
            {"params": list(model.network.parameters()), "lr": schedule.graph_learning_rate},
        ]
    )
    decay = torch.optim.lr_scheduler.MultiStepLR(optimizer, [schedule.decay_epoch], gamma=0.1)
    generator = torch.Generator().manual_seed(seed)
    drawn = np.arange(len(task.labels)) if schedule.batches == "all" else np.flatnonzero(task.labels >= 0)
    steps_an_epoch = math.ceil(len(drawn) / schedule.batch_size)
    history: list[dict[str, float]] = []
    kept: _Kept | None = None
    start, training = time.perf_counter(), 0.0

    def validate(epoch: int, bank: Tensor) -> None:
        nonlocal kept
        passed_on = model.pass_on(bank, task.graph)
        mix, scores = _validate(model, task, bank, passed_on, schedule)
        step = epoch * steps_an_epoch
        history.append({"step": float(step), "seconds": time.perf_counter() - start, **scores})
        chosen = f" with {mix:.1f} of the graph network" if schedule.choose_mix else ""
        progress.info("epoch %d: validation accuracy %.4f%s", epoch, scores["accuracy"], chosen)
        tell_validation(step, scores["macro_f1"])
        if kept is None or scores["accuracy"] > kept.row["accuracy"]:
            kept = _Kept(history[-1], copy.deepcopy(model.state_dict()), bank.clone(), passed_on, mix)

    progress.info("filling the memory bank with %d documents", len(task.documents))
    bank = _embed(model, task.documents, task, schedule.batch_size)
    _warm_up(model, task, bank, schedule)
    if schedule.choose_mix:  # with a share of 0 this is the encoder as it was fine-tuned
        validate(0, bank)
    for epoch in range(1, schedule.max_epochs + 1):
        began = time.perf_counter()
        order = drawn[torch.randperm(len(drawn), generator=generator).numpy()]
        for step in range(steps_an_epoch):
            if step % _SAID_EVERY == 0:
                progress.info("epoch %d of %d, step %d of %d", epoch, schedule.max_epochs, step, steps_an_epoch)
            batch = order[step * schedule.batch_size : (step + 1) * schedule.batch_size]
            training_step(model, task, batch, bank, optimizer)
        decay.step()
        bank = _embed(model, task.documents, task, schedule.batch_size)
        training += time.perf_counter() - began
        validate(epoch, bank)
    assert kept is not None
    model.load_state_dict(kept.state)
    model.mix = kept.mix
    report = {
        "seconds_per_epoch": training / schedule.max_epochs,
        "epochs": float(schedule.max_epochs),
        "steps": schedule.max_epochs * steps_an_epoch,
        "best_step": int(kept.row["step"]),
        "best_score": kept.row["macro_f1"],
        "history": history,
    }
    probabilities = model.predict_all(kept.bank, task.graph, kept.passed_on).cpu().numpy()
    return Outcome(kept.passed_on, probabilities, report)


def training_step(
    model: JointModel, task: JointTask, batch: np.ndarray, bank: Tensor, optimizer: torch.optim.Optimizer
) -> float:
    """One step on the documents with these numbers; gives the loss.

    As published, a batch without any label is a step too: its gradients are zero, and Adam goes on by its momentum.
    """
    model.train()
    inputs = task.collate([task.documents[row] for row in batch])
    tokens = {name: values.to(bank.device) for name, values in inputs.items() if name != "labels"}
    labels = torch.from_numpy(task.labels[batch]).to(bank.device)
    loss = mean_loss(model(tokens, batch, task.graph, bank), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _warm_up(model: JointModel, task: JointTask, bank: Tensor, schedule: Schedule) -> None:
    """Steps of the graph network alone, each on all labelled documents at once, with the encoder as it starts."""
    if not schedule.warm_up_steps:
        return
    progress.info("warming up the graph network: %d steps", schedule.warm_up_steps)
    rows = np.flatnonzero(task.labels >= 0)
    labels = torch.from_numpy(task.labels[rows]).to(bank.device)
    neighbours, own = task.graph.neighbours(rows), torch.from_numpy(rows).to(bank.device)
    optimizer = torch.optim.Adam(model.network.parameters(), lr=schedule.graph_learning_rate)
    model.network.train()
    for _ in range(schedule.warm_up_steps):
        projected = model.network.project(bank)
        scores = model.network.score(projected[own], neighbours, model.network.pass_on(projected, task.graph))
        loss = functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _embed(model: JointModel, documents: Tokens, task: JointTask, batch_size: int) -> Tensor:
    """Features `[n, d]` of documents, without gradient or dropout."""
    rows = apply_to_documents(
        model.encoder, documents, task.collate, lambda outputs: outputs.embeddings, 2 * batch_size
    )
    return rows.to(model.encoder.device)


def _validate(
    model: JointModel, task: JointTask, bank: Tensor, passed_on: Tensor, schedule: Schedule
) -> tuple[float, dict[str, float]]:
    """The graph network's share, chosen here if so asked, and the scores with it."""
    if isinstance(task.validation, np.ndarray):
        features, neighbours = bank[task.validation], task.graph.neighbours(task.validation)
    else:
        features, neighbours = _embed(model, task.validation[0], task, schedule.batch_size), task.validation[1]
    shares = {model.mix, *_TENTHS} if schedule.choose_mix else {model.mix}
    nearest_first = sorted(shares, key=lambda share: (abs(share - model.mix), share))
    return best_share(*model.both(features, neighbours, passed_on), task.validation_labels, nearest_first)


def best_share(
    scores: Tensor, logits: Tensor, labels: np.ndarray, shares: Sequence[float]
) -> tuple[float, dict[str, float]]:
    """The share of the graph network with the best accuracy, the first of equals, and the measures with it.

    Args:
        scores: Of the graph network, `[n, C]`.
        logits: Of the linear classifier, `[n, C]`.
        labels: True classes, `[n]`.
        shares: To choose from.
    """
    measures = {}
    for share in shares:
        predicted = mixed(scores, logits, share).argmax(dim=1).cpu().numpy()
        measures[share] = {"macro_f1": macro_f1(labels, predicted), "accuracy": accuracy(labels, predicted)}
    best = max(measures, key=lambda share: measures[share]["accuracy"])
    return best, measures[best]
