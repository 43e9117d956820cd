"""Fine-tuning with training documents that have no label: kept, dropped, or mixed into batches in a stated ratio."""

import shutil

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from gloss_pyg import FineTuning, GLoss, HybridLoss
from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import AgreementLoss, SelfTraining

NAMES = ["good", "bad"]


def documents(unlabelled=0.7, n=40):
    features = Features({"text": Value("string"), "label": ClassLabel(names=NAMES)})
    texts = [f"{'fine' if number % 2 else 'dull'} film number {number}" for number in range(n)]
    labels = [-1 if number / n < unlabelled else number % 2 for number in range(n)]
    return Dataset.from_dict({"text": texts, "label": labels}, features=features)


def fit(train=None, **arguments):
    method = FineTuning("random-tiny", **({"max_steps": 3, "batch_size": 8, "evaluate_every": 3} | arguments))
    method.fit(documents() if train is None else train, documents(0.0), seed=0)
    return method


def agreement():
    return HybridLoss(GLoss(DenseGaussian(0.5)), unlabelled_loss=AgreementLoss(start=0, rise=0))


def test_batches_hold_the_stated_number_of_labelled_documents(monkeypatch):
    seen = []
    inner = SelfTraining.targets

    def spy(self, embeddings, logits, labels):
        if self.training:
            seen.append(labels.tolist())
        return inner(self, embeddings, logits, labels)

    monkeypatch.setattr(SelfTraining, "targets", spy)
    fit(loss=HybridLoss(unlabelled_loss=SelfTraining()), labelled_per_batch=3)
    assert len(seen) == 3
    assert all(len(labels) == 8 and sum(label >= 0 for label in labels) == 3 for labels in seen)


def test_agreement_is_trained_from_the_command_on_and_leaves_no_document_in_the_model(tmp_path):
    method = fit(loss=agreement(), labelled_per_batch=4)
    assert method.loss.unlabelled_loss.shares.numel() == 0  # what is learned belongs to the fit
    method.save(tmp_path / "model")
    names = {name for name, value in method._encoder.state_dict().items() if value.numel() and "past" in name}
    assert not names
    again = FineTuning.load(tmp_path / "model")
    assert np.allclose(again.predict_proba(["a fine film"]), method.predict_proba(["a fine film"]), atol=1e-6)


def test_dropped_documents_change_nothing():
    train = documents()
    labelled = train.filter(lambda row: row["label"] >= 0)
    texts = ["a fine film", "a dull film"]
    dropped = fit(train, unlabelled="drop").predict_proba(texts)
    assert np.array_equal(dropped, fit(labelled).predict_proba(texts))


def test_a_loss_for_unlabelled_documents_says_where_there_are_none(caplog):
    fit(documents(0.0, n=38), loss=agreement())
    assert "AgreementLoss has nothing to learn from: all 38 training documents have a label." in caplog.text
    with pytest.raises(ConfigError, match="unlabelled='drop' takes away the documents that AgreementLoss is for"):
        FineTuning("random-tiny", loss=agreement(), unlabelled="drop")


def test_where_all_have_a_label_a_batch_is_its_labelled_part():
    train = documents(0.0)
    texts = ["a fine film", "a dull film"]
    labelled_part = fit(train, labelled_per_batch=4).predict_proba(texts)
    assert np.array_equal(labelled_part, fit(train, batch_size=4).predict_proba(texts))


def test_a_resumed_fit_ends_as_an_uninterrupted_one(tmp_path):
    texts = ["a fine film", "a dull film"]
    whole = fit(loss=agreement(), labelled_per_batch=4, max_steps=6, checkpoints=tmp_path / "a")
    folder = next((tmp_path / "a").iterdir())
    later = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))[-1]
    shutil.rmtree(later)
    resumed = fit(loss=agreement(), labelled_per_batch=4, max_steps=6, checkpoints=tmp_path / "a")
    assert np.array_equal(resumed.predict_proba(texts), whole.predict_proba(texts))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"labelled_per_batch": 0}, "labelled_per_batch=0, expected a whole number of at least 1"),
        ({"labelled_per_batch": 8, "batch_size": 8}, "leaves a batch of 8 no room"),
        ({"labelled_per_batch": 2, "unlabelled": "drop"}, "and unlabelled='drop' each say what a batch holds"),
        ({"labelled_per_batch": 2, "documents_per_class": 2}, "and documents_per_class each say what a batch holds"),
        ({"unlabelled": "kep"}, "unlabelled='kep' is no choice. Did you mean 'keep'"),
    ],
    ids=str,
)
def test_batches_that_cannot_be_made_are_refused(arguments, message, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(ConfigError, match=message):
        FineTuning("random-tiny", **arguments)
