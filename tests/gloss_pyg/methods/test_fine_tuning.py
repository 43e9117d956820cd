"""`FineTuning`: what each of its arguments does to a fit, and what is refused before anything is loaded."""

from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
from datasets import Dataset

from gloss_pyg import FineTuning
from gloss_pyg.encoder import TextEncoder
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import ClassificationLoss, GLoss, HybridLoss, PublishedCode
from gloss_pyg.methods import encoder_method
from gloss_pyg.methods.prediction import encode
from gloss_pyg.training import GraphTrainer, KeepBest, check_precision


def small(model: Path, **settings: Any) -> FineTuning:
    given = {"max_length": 16, "batch_size": 16, "max_steps": 4, "evaluate_every": 2, "learning_rate": 1e-3}
    return FineTuning(str(model), **(given | settings))


def hybrid(sigma: Any = "sqrt", **arguments: Any) -> HybridLoss:
    return HybridLoss(GLoss(DenseGaussian(sigma), **arguments), weight=0.5)


@pytest.fixture
def trainers(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The trainers that fits made, in order."""
    made: list[Any] = []

    class Kept(GraphTrainer):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            made.append(self)

    monkeypatch.setattr(encoder_method, "GraphTrainer", Kept)
    return made


def relabelled(documents: Dataset, labels: Any) -> Dataset:
    return documents.map(lambda row, at: {"label": labels(at, row["label"])}, with_indices=True)


def test_balanced_weights_fill_every_part_that_takes_some(
    tiny_texts: Any, tiny_bert: Path, trainers: list[Any]
) -> None:
    # 20 documents a class, of which 10 of class 0 and 5 of class 1 keep their label.
    train = relabelled(tiny_texts["train"], lambda at, label: -1 if at % (2, 4, 1)[label] and label < 2 else label)
    counts = np.bincount([label for label in train["label"] if label >= 0], minlength=3)
    assert len(set(counts)) > 1
    loss = HybridLoss(GLoss(DenseGaussian(0.5), objective=PublishedCode()), weight=0.5)
    method = small(tiny_bert, loss=loss, class_weights="balanced")
    method.fit(train, tiny_texts["validation"], seed=0)
    used = trainers[0].loss_function.loss
    expected = torch.tensor(counts.sum() / (3 * counts), dtype=torch.float32)
    torch.testing.assert_close(used.classification_loss.class_weights.cpu(), expected)
    torch.testing.assert_close(used.graph_loss.objective.class_weights.cpu(), expected)
    assert loss.classification_loss.class_weights is None  # the method's own loss is as it was


def test_two_fits_are_those_of_two_methods(tiny_texts: Any, tiny_bert: Path) -> None:
    halves = [tiny_texts["train"].select(range(start, 60, 2)) for start in range(2)]
    texts = tiny_texts["test"]["text"]

    def fit(method: FineTuning, documents: Dataset) -> np.ndarray:
        method.fit(documents, tiny_texts["validation"], seed=3)
        return method.predict_proba(texts)

    settings = {"loss": hybrid("learned"), "class_weights": "balanced"}
    alone = fit(small(tiny_bert, **settings), halves[1])
    method = small(tiny_bert, **settings)
    other = fit(method, halves[0])
    np.testing.assert_array_equal(fit(method, halves[1]), alone)
    assert np.abs(alone - other).max() > 1e-4


def test_the_learning_rate_falls_at_the_epoch_asked_for(tiny_texts: Any, tiny_bert: Path, trainers: list[Any]) -> None:
    method = small(tiny_bert, max_steps=None, max_epochs=3, evaluate_every=None, decay_epoch=2, batch_size=20)
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
    rates = {row["step"]: row["learning_rate"] for row in trainers[0].state.log_history if "learning_rate" in row}
    assert rates == pytest.approx({3: 1e-3, 6: 1e-3, 9: 1e-4})  # the third epoch's steps are 7 to 9


def test_class_balanced_batches(tiny_texts: Any, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    count = ClassificationLoss.parts

    def watch(self: Any, embeddings: Any, logits: Any, labels: Any) -> Any:
        if self.training:
            seen.append(np.bincount(labels.cpu(), minlength=3).tolist())
        return count(self, embeddings, logits, labels)

    monkeypatch.setattr(ClassificationLoss, "parts", watch)
    method = small(tiny_bert, documents_per_class=5)  # 16 documents have room for three classes
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
    assert seen == [[5, 5, 5]] * 4


@pytest.mark.parametrize("pooling", ["cls", "mean"])
def test_pooling_is_the_encoder_s(tiny_texts: Any, tiny_bert: Path, pooling: Any) -> None:
    method = small(tiny_bert, pooling=pooling, max_steps=1)
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
    assert method._fitted()[0].config.pooling == pooling


def test_bfloat16_trains_on_a_cpu_to_nearly_the_same(tiny_texts: Any, tiny_bert: Path, trainers: list[Any]) -> None:
    found = []
    for precision in ("float32", "bf16"):
        method = small(tiny_bert, loss=hybrid(0.5), precision=precision)
        method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
        found.append(method.predict_proba(tiny_texts["test"]["text"]))
    assert trainers[1].accelerator.mixed_precision == "bf16"
    assert np.abs(found[0] - found[1]).max() < 0.05
    assert np.abs(found[0] - found[1]).max() > 0  # else it was not in half precision


def test_a_precision_that_the_device_lacks_is_refused_before_anything_is_loaded(
    tiny_texts: Any, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(TextEncoder, "from_encoder", lambda *_, **__: pytest.fail("it was loaded"))
    method = small(tiny_bert, precision="fp16")
    for ask in (method.check, lambda: method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)):
        with pytest.raises(ConfigError, match=r"precision='fp16': there is no accelerator.*'float32'"):
            ask()
    check_precision("bf16")
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    check_precision("fp16")
    for has in (True, False):
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation, has=has: has)
        if has:
            check_precision("bf16")
        else:
            with pytest.raises(ConfigError, match="'bf16': this accelerator does not have it"):
                check_precision("bf16")


def test_texts_are_encoded_once_for_probabilities_and_embeddings(
    tiny_texts: Any, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = small(tiny_bert, max_steps=1)
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
    encoded = []

    def counted(encoder: Any, documents: Any, *rest: Any) -> Any:
        encoded.append(len(documents))
        return encode(encoder, documents, *rest)

    monkeypatch.setattr("gloss_pyg.methods.fitted_encoder.encode", counted)
    texts = list(tiny_texts["test"]["text"])
    probabilities, embeddings = method.predict_proba(texts), method.embed(texts)
    assert encoded == [len(texts)]
    others = method.embed(texts[:2])
    assert encoded == [len(texts), 2]
    np.testing.assert_allclose(others, embeddings[:2], atol=1e-6)
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=1)
    assert not np.array_equal(method.predict_proba(texts), probabilities)


@pytest.mark.parametrize("sigma", ["sqrt", "learned"])
def test_a_saved_method_predicts_the_same(tiny_texts: Any, tiny_bert: Path, tmp_path: Path, sigma: Any) -> None:
    method = small(tiny_bert, loss=hybrid(sigma), batch_size=20)
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
    texts = tiny_texts["test"]["text"]
    method.save(tmp_path / "model")
    loaded = FineTuning.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.predict_proba(texts), method.predict_proba(texts))
    np.testing.assert_array_equal(loaded.embed(texts), method.embed(texts))
    assert (loaded.model, loaded.max_length, loaded.batch_size) == (str(tiny_bert), 16, 20)
    assert method.embed([]).shape == loaded.embed([]).shape == (0, 32)
    assert loaded.predict_proba([]).shape == (0, 3)
    with pytest.raises(DataError, match="no model saved by gloss_pyg"):
        FineTuning.load(tmp_path)
    with pytest.raises(ConfigError, match="was not fitted"):
        small(tiny_bert).save(tmp_path / "none")


def test_what_ended_the_training_is_reported(tiny_texts: Any, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit = {"train": tiny_texts["train"], "validation": tiny_texts["validation"], "seed": 0}
    report = small(tiny_bert, patience=9).fit(**fit)
    assert (report.stopped_by, report.steps, len(report.history)) == ("limit", 4, 2)
    assert report.epochs == pytest.approx(1.0)
    rises = KeepBest.on_evaluate

    def never_better(self: Any, *arguments: Any, metrics: Any, **options: Any) -> None:
        rises(self, *arguments, metrics=metrics | {"eval_macro_f1": 0.5}, **options)

    monkeypatch.setattr(KeepBest, "on_evaluate", never_better)
    report = small(tiny_bert, patience=2, max_steps=40).fit(**fit)
    assert (report.stopped_by, report.steps, report.best_step) == ("patience", 6, 2)
    # The Trainer validates once more at the limit; a higher limit has no such validation.
    report = small(tiny_bert, patience=2, max_steps=5).fit(**fit)
    assert (report.stopped_by, report.steps, len(report.history)) == ("limit", 5, 3)
    by_epoch = {"patience": 2, "evaluate_every": None}
    report = small(tiny_bert, max_steps=9, **by_epoch).fit(**fit)
    assert (report.stopped_by, report.steps, report.epochs) == ("limit", 9, pytest.approx(2.25))
    report = small(tiny_bert, max_steps=99, **by_epoch).fit(**fit)
    assert (report.stopped_by, report.steps, report.epochs) == ("patience", 12, pytest.approx(3.0))


def test_a_fit_that_ended_by_its_score_is_the_same_under_any_limit(tiny_texts: Any, tiny_bert: Path) -> None:
    fit = {"train": tiny_texts["train"], "validation": tiny_texts["validation"], "seed": 0}
    first = small(tiny_bert, patience=1, learning_rate=1e-7, max_steps=40)
    report = first.fit(**fit)
    assert report.stopped_by == "patience"
    texts = tiny_texts["test"]["text"]
    for limits in ({"max_steps": report.steps}, {"max_steps": 999}, {"max_steps": None, "max_epochs": 50}):
        other = small(tiny_bert, patience=1, learning_rate=1e-7, **limits)
        assert other.fit(**fit).steps == report.steps
        np.testing.assert_array_equal(other.predict_proba(texts), first.predict_proba(texts))


def test_test_texts_are_refused(tiny_texts: Any, tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match="must not be given the test texts"):
        small(tiny_bert).fit(tiny_texts["train"], tiny_texts["validation"], tiny_texts["test"]["text"], seed=0)


@pytest.mark.parametrize("split", ["training", "validation"])
def test_splits_without_a_label_are_refused_before_training(
    tiny_texts: Any, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch, split: str
) -> None:
    monkeypatch.setattr(TextEncoder, "from_encoder", lambda *_, **__: pytest.fail("it was loaded"))
    given = {"training": tiny_texts["train"], "validation": tiny_texts["validation"]}
    given[split] = relabelled(given[split], lambda at, label: -1)
    with pytest.raises(DataError, match=rf"None of the {len(given[split])} {split} documents has a label"):
        small(tiny_bert).fit(*given.values(), seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"precision": "fp8"}, "precision='fp8' is no choice. Known: bf16, float32, fp16"),
        ({"precision": None}, "precision=None is no choice"),
        ({"class_weights": "balance"}, "class_weights='balance' is no choice. Did you mean 'balanced'"),
        ({"pooling": "max"}, "pooling='max' is no choice. Known: cls, mean"),
        ({"batch_size": 2.5}, "batch_size=2.5, expected a whole number"),
        ({"batch_size": None}, "batch_size=None, expected a whole number"),
        ({"patience": True}, "patience=True, expected a whole number"),
        ({"max_steps": "10"}, "max_steps='10', expected a whole number"),
        ({"max_epochs": 0}, "max_epochs=0, expected a whole number of at least 1"),
        ({"learning_rate": "1e-5"}, "learning_rate='1e-5', expected a positive number"),
        ({"learning_rate": float("inf")}, "learning_rate=inf"),
        ({"loss": GLoss()}, "loss is of type GLoss; expected a TrainingLoss"),
        ({"loss": ClassificationLoss}, "loss is the class ClassificationLoss"),
        ({"loss": torch.nn.CrossEntropyLoss()}, "loss is of type CrossEntropyLoss; expected a TrainingLoss"),
        ({"prediction": 0.5}, "prediction is of type float; expected PropagationHead"),
        ({"model": 7}, "model is of type int; expected the name"),
        ({"documents_per_class": 5, "batch_size": 8}, "no room for two classes; give at most 4"),
        (
            {"loss": HybridLoss(GLoss(), classification_loss=torch.nn.CrossEntropyLoss()), "class_weights": "balanced"},
            "needs a part that takes class weights",
        ),
        ({"loss": ClassificationLoss([1.0, 2.0]), "class_weights": "balanced"}, "would replace the class_weights"),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_refused_when_it_is_made(
    settings: Any, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match=message):
        FineTuning(**settings)
