"""`Standalone`: the encoder learns from the loss alone, stops by the silhouette, and then the classifier is fitted."""

import copy
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from gloss_pyg import FineTuning, Standalone
from gloss_pyg.errors import ConfigError, DataError, NumericalWarning
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import (
    BatchAllTriplet,
    ClassificationLoss,
    GLoss,
    HybridLoss,
    MetricLearning,
    PairwiseCosine,
    PublishedCode,
    SupervisedContrastive,
)
from gloss_pyg.methods import LinearHead, encoder_method
from gloss_pyg.metrics import macro_silhouette
from gloss_pyg.predict import Predictor
from gloss_pyg.propagation import CorrectAndSmooth
from gloss_pyg.training import GraphTrainer

HEAD = {"learning_rate": 0.05, "max_steps": 300}


def small(model: Path, loss: nn.Module | None = None, **settings: Any) -> Standalone:
    given = {"pooling": "mean", "max_length": 16, "batch_size": 30, "max_steps": 6, "evaluate_every": 2}
    given |= {"learning_rate": 1e-3, "classifier": LinearHead(**HEAD)}
    return Standalone(str(model), loss, **(given | settings))


def fit(method: Standalone, texts: Any, seed: int = 0) -> Any:
    return method.fit(texts["train"], texts["validation"], seed=seed)


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    made: list[Any] = []

    class Kept(GraphTrainer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)
            self.start = copy.deepcopy(self.model.state_dict())

    monkeypatch.setattr(encoder_method, "GraphTrainer", Kept)
    return made


@pytest.mark.parametrize(
    "loss",
    [
        GLoss(DenseGaussian("sqrt")),
        GLoss(DenseGaussian("learned")),
        SupervisedContrastive(),
        BatchAllTriplet(),
        PairwiseCosine(),
        MetricLearning("ProxyAnchorLoss"),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_any_loss_over_embeddings_trains_and_is_reported(tiny_texts: Any, tiny_bert: Path, loss: nn.Module) -> None:
    method = small(tiny_bert, loss)
    report = fit(method, tiny_texts)
    held_out = tiny_texts["validation"]
    assert report.chosen_by == "macro_silhouette"
    assert [row.keys() for row in report.history] == [{"step", "seconds", "macro_silhouette"}] * 3
    assert report.best_score == max(row["macro_silhouette"] for row in report.history)
    kept = macro_silhouette(method.embed(held_out["text"]), held_out["label"])
    assert kept == pytest.approx(report.best_score, abs=1e-4)
    proba = method.predict_proba(tiny_texts["test"]["text"])
    assert (proba.argmax(1) == np.asarray(tiny_texts["test"]["label"])).mean() > 0.5
    assert next(method._fitted()[0].parameters()).requires_grad
    assert method._fitted()[0].classifier.weight.requires_grad


def test_the_encoder_learns_from_the_loss_alone_and_the_loss_with_it(
    tiny_texts: Any, tiny_bert: Path, trainers: list[Any]
) -> None:
    method = small(tiny_bert, MetricLearning("ProxyAnchorLoss"), classifier=LinearHead(max_steps=1))
    fit(method, tiny_texts)
    before, trainer = trainers[0].start, trainers[0]
    proxies = "gloss_loss.graph_loss.made.proxies"
    assert (trainer.model.state_dict()[proxies] - before[proxies]).abs().max() > 1e-4
    moved = {name for name, value in method._fitted()[0].state_dict().items() if not torch.equal(value, before[name])}
    assert "bert.encoder.layer.0.attention.self.query.weight" in moved
    # One step of Adam, after training, is all that the classifier has seen.
    change = method._fitted()[0].classifier.weight - before["classifier.weight"]
    assert change.abs().max() <= 1.01e-4


def test_patience_counts_from_rises_by_min_delta(tiny_texts: Any, tiny_bert: Path) -> None:
    report = fit(small(tiny_bert, PairwiseCosine(), patience=2, min_delta=2.0, max_steps=40), tiny_texts)
    assert (report.stopped_by, report.steps, len(report.history)) == ("patience", 6, 3)


def test_a_killed_fit_goes_on_from_its_checkpoint(tiny_texts: Any, tiny_bert: Path, tmp_path: Path) -> None:
    loss = GLoss(DenseGaussian("learned"))
    whole = small(tiny_bert, loss, checkpoints=tmp_path / "whole")
    report = fit(whole, tiny_texts)
    again = small(tiny_bert, loss, checkpoints=tmp_path / "whole")
    found = fit(again, tiny_texts)  # from the last checkpoint: nothing left to train
    assert (found.best_step, found.best_score, found.steps) == (report.best_step, report.best_score, report.steps)
    texts = tiny_texts["test"]["text"]
    np.testing.assert_allclose(again.predict_proba(texts), whole.predict_proba(texts), atol=1e-5)


def test_a_saved_method_predicts_the_same_by_every_way(tiny_texts: Any, tiny_bert: Path, tmp_path: Path) -> None:
    method = small(tiny_bert, SupervisedContrastive())
    fit(method, tiny_texts)
    texts = tiny_texts["test"]["text"][:5]
    method.save(tmp_path / "model")
    expected = method.predict_proba(texts)
    for kind in (Standalone, FineTuning):
        np.testing.assert_array_equal(kind.load(tmp_path / "model").predict_proba(texts), expected)
    np.testing.assert_allclose(Predictor(tmp_path / "model")(texts), expected, atol=1e-6)
    loaded = Standalone.load(tmp_path / "model")
    assert (loaded.model, loaded.max_length, loaded.batch_size) == (str(tiny_bert), 16, 30)
    with pytest.raises(ConfigError, match=r"This Standalone was not fitted: .* Standalone.load\(folder\)"):
        small(tiny_bert).predict_proba(texts)


def test_balanced_weights_reach_the_classifier_and_the_published_objective(
    tiny_texts: Any, tiny_bert: Path, trainers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(LinearHead, "fit", lambda self, *given: seen.append(given[-1]) or 1)
    train = tiny_texts["train"].map(
        lambda row, at: {"label": -1 if at % 2 and row["label"] == 0 else row["label"]}, with_indices=True
    )
    counts = np.bincount([label for label in train["label"] if label >= 0], minlength=3)
    loss = GLoss(DenseGaussian(0.5), objective=PublishedCode())
    method = small(tiny_bert, loss, class_weights="balanced", max_steps=2)
    method.fit(train, tiny_texts["validation"], seed=0)
    expected = torch.tensor(counts.sum() / (3 * counts), dtype=torch.float32)
    torch.testing.assert_close(seen[0], expected)
    torch.testing.assert_close(trainers[0].loss_function.loss.graph_loss.objective.class_weights.cpu(), expected)


def test_the_classifier_stops_by_validation_and_keeps_the_best() -> None:
    generator = torch.Generator().manual_seed(0)
    rows, held_out = torch.randn(60, 4, generator=generator), torch.randn(40, 4, generator=generator)
    labels, expected = (rows[:, 0] > 0).long(), (held_out[:, 0] + held_out[:, 1] > 0).long()
    classifier, weights = nn.Linear(4, 2), torch.tensor([1.0, 3.0])
    nn.init.zeros_(classifier.weight)
    nn.init.zeros_(classifier.bias)
    reference = copy.deepcopy(classifier)
    optimizer = torch.optim.Adam(reference.parameters(), lr=0.1)
    losses, states = [], []
    for _ in range(101):
        states.append(copy.deepcopy(reference.state_dict()))
        losses.append(F.cross_entropy(reference(held_out), expected, weights).item())
        optimizer.zero_grad()
        F.cross_entropy(reference(rows), labels, weights).backward()
        optimizer.step()
    best = int(np.argmin(losses))
    assert 0 < best < 90
    hidden = torch.cat([labels, torch.tensor([-1])]), torch.cat([rows, torch.full((1, 4), 100.0)])
    steps = LinearHead(0.1, patience=10).fit(classifier, (hidden[1], hidden[0]), (held_out, expected), weights)
    assert steps == best + 10
    for name, value in classifier.state_dict().items():
        torch.testing.assert_close(value, states[best][name])


def test_a_classifier_that_never_got_better_is_told() -> None:
    classifier, rows = nn.Linear(2, 2), torch.eye(2)
    nn.init.zeros_(classifier.weight)
    nn.init.zeros_(classifier.bias)
    with pytest.warns(NumericalWarning, match="the random one that it began as: its validation loss, 0.693"):
        LinearHead(patience=3).fit(classifier, (rows, torch.tensor([0, 1])), (rows, torch.tensor([1, 0])))
    assert not classifier.weight.any()


def test_validation_of_one_class_is_refused_before_training(tiny_texts: Any, tiny_bert: Path) -> None:
    one = tiny_texts["validation"].filter(lambda row: row["label"] == 1)
    with pytest.raises(DataError, match=r"All labelled validation documents are of one class, 'trade'; .* takes two"):
        small(tiny_bert).fit(tiny_texts["train"], one, seed=0)
    with pytest.raises(ConfigError, match="Standalone is inductive"):
        small(tiny_bert).fit(tiny_texts["train"], one, ["a"], seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"loss": ClassificationLoss()}, "Standalone: ClassificationLoss trains a classifier; give a loss over"),
        ({"loss": HybridLoss(GLoss())}, "HybridLoss trains a classifier"),
        ({"loss": GLoss}, "Standalone: loss is the class GLoss"),
        ({"loss": "GLoss"}, "loss is of type str; expected a loss of"),
        ({"loss": GLoss(propagation=CorrectAndSmooth())}, "CorrectAndSmooth corrects a classifier's predictions"),
        ({"classifier": 1e-4}, "classifier is of type float; expected LinearHead"),
        ({"min_delta": -0.1}, "min_delta=-0.1, expected a number of at least 0"),
        ({"patience": 0}, "Standalone: patience=0, expected a whole number"),
        ({"precision": "fp8"}, "Standalone: precision='fp8' is no choice"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_when_it_is_made(
    settings: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match=message):
        Standalone(**settings)
    with pytest.raises(ConfigError, match="LinearHead: patience=0"):
        LinearHead(patience=0)


def test_the_forecast_counts_the_classifier_s_pass(tiny_texts: Any, tiny_bert: Path) -> None:
    estimate = small(tiny_bert, MetricLearning("ArcFaceLoss")).estimate(tiny_texts)
    assert estimate.seconds > 0
    with pytest.raises(ConfigError, match="num_classes=7, but there are 3 classes"):
        small(tiny_bert, MetricLearning("ArcFaceLoss", {"num_classes": 7})).estimate(tiny_texts)
