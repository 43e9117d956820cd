"""BertGCN's training: where it starts, which batches, which epoch is kept, how fast it learns."""

import numpy as np
import pytest
import torch
from method_cases import INDUCTIVE, fit, start

from baselines import joint_training
from baselines.bertgcn import BertGCN
from gloss_pyg.metrics import accuracy

SETTINGS = {"hidden": 8, "max_epochs": 2, "batch_size": 32, "graph_learning_rate": 0.01}


@pytest.fixture(scope="module")
def checkpoint(tiny_bert, tiny_texts, tmp_path_factory):
    """The fine-tuning of `start` with seed 3, saved."""
    method = start(tiny_bert)
    method.fit(tiny_texts["train"], tiny_texts["validation"], seed=3)
    folder = tmp_path_factory.mktemp("start") / "saved"
    method.save(folder)
    return folder


def texts_of(documents):
    return [text for part in documents.values() for text in part["text"]]


def test_a_checkpoint_that_is_given_and_one_that_is_made_give_the_same(checkpoint, tiny_bert, tiny_texts):
    given, made = BertGCN(checkpoint=checkpoint, **SETTINGS), BertGCN(fine_tuning=start(tiny_bert), **SETTINGS)
    reports = [fit(method, tiny_texts, seed=3) for method in (given, made)]
    texts = [*texts_of(tiny_texts), "goal of a band"]
    np.testing.assert_array_equal(given.predict_proba(texts), made.predict_proba(texts))
    assert reports[0].checkpoint_seconds == 0
    assert reports[1].setup_seconds >= reports[1].checkpoint_seconds > 0
    assert reports[0].encoder == reports[1].encoder == str(tiny_bert)


@pytest.mark.parametrize(
    ("batches", "graph", "steps"), [("all", None, 4), ("labelled", None, 2), ("all", INDUCTIVE, 2)]
)
def test_an_epoch_passes_over_all_documents_or_the_labelled_ones(checkpoint, tiny_texts, batches, graph, steps):
    method = BertGCN(graph=graph, checkpoint=checkpoint, batches=batches, **SETTINGS)
    report = fit(method, tiny_texts)
    assert [row["step"] for row in report.history] == [steps, 2 * steps]  # of 120 documents 60 are labelled
    assert (report.steps, report.epochs) == (2 * steps, 2.0)


def test_an_epoch_takes_every_document_once_in_an_order_of_the_seed(checkpoint, tiny_texts, monkeypatch):
    taken = []
    step = joint_training.training_step
    monkeypatch.setattr(
        joint_training,
        "training_step",
        lambda model, task, batch, *rest: [taken.append(batch), step(model, task, batch, *rest)],
    )
    orders = []
    for seed in (0, 0, 1):
        taken.clear()
        fit(BertGCN(checkpoint=checkpoint, **SETTINGS), tiny_texts, seed=seed)
        orders.append(np.concatenate(taken))
    first, second = orders[0][:120], orders[0][120:]
    assert sorted(first) == sorted(second) == list(range(120))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(orders[0], orders[1])
    assert not np.array_equal(orders[0], orders[2])


def test_the_epoch_with_the_best_validation_accuracy_is_kept(checkpoint, tiny_texts, monkeypatch):
    texts = [*texts_of(tiny_texts), "goal of a band"]
    one = BertGCN(checkpoint=checkpoint, **SETTINGS | {"max_epochs": 1})
    fit(one, tiny_texts)
    found = iter([0.7, 0.6, 0.7])  # the first of equals
    monkeypatch.setattr(
        joint_training, "_validate", lambda *_: (0.7, {"accuracy": (value := next(found)), "macro_f1": value / 2})
    )
    three = BertGCN(checkpoint=checkpoint, **SETTINGS | {"max_epochs": 3})
    report = fit(three, tiny_texts)
    assert (report.best_step, report.best_score, report.steps) == (4, 0.35, 12)
    np.testing.assert_allclose(three.predict_proba(texts), one.predict_proba(texts), atol=1e-6)


def test_a_graph_network_that_spoils_the_encoder_gets_no_share(checkpoint, tiny_texts, monkeypatch, tmp_path):
    """An untrained network, of 0.9 in training: validated with tenths, and the encoder alone is kept."""
    monkeypatch.setattr(joint_training, "training_step", lambda *_: None)
    texts = [*texts_of(tiny_texts), "goal of a band"]
    validation, labels = list(tiny_texts["validation"]["text"]), list(tiny_texts["validation"]["label"])
    scores, kept = {}, {}
    for mix, choose in ((0.0, False), (0.9, False), (0.9, True)):
        method = BertGCN(checkpoint=checkpoint, mix=mix, choose_mix=choose, **SETTINGS)
        report = fit(method, tiny_texts)
        scores[mix, choose] = accuracy(labels, method.predict_proba(validation))
        kept[mix, choose] = method, report
    assert scores[0.9, True] >= max(scores[0.0, False], scores[0.9, False])
    method, report = kept[0.9, True]
    assert method._parts().model.mix < 0.9 or scores[0.9, False] >= scores[0.0, False]
    assert [row["step"] for row in report.history] == [0, 4, 8]
    assert report.history[0]["accuracy"] == scores[0.9, True]
    method.save(tmp_path / "saved")
    np.testing.assert_allclose(
        BertGCN.load(tmp_path / "saved").predict_proba(texts), method.predict_proba(texts), atol=1e-6
    )


def test_the_share_is_the_best_and_the_first_of_equals():
    scores = torch.tensor([[2.0, 0.0], [0.0, 2.0], [0.0, 0.5]])  # right on the first two of the classes 0, 1, 0
    logits = torch.tensor([[2.0, 0.0], [0.5, 0.0], [2.0, 0.0]])  # right on the first and the last
    labels = np.array([0, 1, 0])
    for shares, expected in (((0.0, 1.0, 0.5, 0.4), 0.5), ((0.0, 0.4, 0.5), 0.4), ((1.0, 0.0), 1.0)):
        share, measures = joint_training.best_share(scores, logits, labels, shares)
        assert share == expected
        assert measures["accuracy"] == (1.0 if expected < 1 else pytest.approx(2 / 3))


def test_learning_rates_fall_to_a_tenth(checkpoint, tiny_texts, monkeypatch):
    rates = []
    monkeypatch.setattr(
        joint_training,
        "training_step",
        lambda model, task, batch, bank, optimizer: rates.append([g["lr"] for g in optimizer.param_groups]),
    )
    method = BertGCN(checkpoint=checkpoint, learning_rate=2e-5, decay_epoch=1, **SETTINGS)
    fit(method, tiny_texts)
    np.testing.assert_allclose(rates, [[2e-5, 0.01]] * 4 + [[2e-6, 0.001]] * 4)


def test_a_warm_up_trains_the_network_and_leaves_the_encoder(checkpoint, tiny_texts, monkeypatch):
    monkeypatch.setattr(joint_training, "training_step", lambda *_: None)
    parts = {}
    for steps in (0, 60):
        method = BertGCN(checkpoint=checkpoint, warm_up_steps=steps, mix=1.0, **SETTINGS)
        fit(method, tiny_texts)
        texts, labels = list(tiny_texts["train"]["text"]), list(tiny_texts["train"]["label"])
        parts[steps] = accuracy(labels, method.predict_proba(texts)), method._parts().model.encoder.state_dict()
    assert parts[60][0] > parts[0][0] + 0.2
    for name, value in parts[60][1].items():
        assert torch.equal(value, parts[0][1][name])


def test_validation_documents_of_an_inductive_graph_are_scored_as_attached_ones(checkpoint, tiny_texts):
    method = BertGCN(graph=INDUCTIVE, checkpoint=checkpoint, **SETTINGS)
    report = fit(method, tiny_texts)
    best = next(row for row in report.history if row["step"] == report.best_step)
    found = method.predict_proba(list(tiny_texts["validation"]["text"]))
    assert best["accuracy"] == accuracy(list(tiny_texts["validation"]["label"]), found)


def test_embeddings_are_those_of_the_trained_encoder(checkpoint, tiny_texts):
    method = BertGCN(checkpoint=checkpoint, **SETTINGS)
    fit(method, tiny_texts)
    rows = method.embed(["goal", "band"])
    assert rows.shape == (2, 32)
    assert method.embed([]).shape == (0, 32)
    parts = method._parts()
    inputs = parts.tokenizer(["goal", "band"], return_tensors="pt", padding=True)
    with torch.no_grad():
        expected = parts.model.encoder.eval()(**inputs).embeddings
    np.testing.assert_allclose(rows, expected, atol=1e-5)
