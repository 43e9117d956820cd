import re

import jaxtyping
import numpy as np
import pytest
import torch
from datasets import Dataset

pytest.importorskip("sentence_transformers", reason="sentence-transformers is not installed")
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer import modules
from sklearn.linear_model import LogisticRegression

from gloss_pyg import DenseGaussian, GLoss, HybridLoss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.integrations.sentence_transformers import ClassBalancedBatches, GraphLoss, ProbeEvaluator
from gloss_pyg.metrics import macro_f1, macro_silhouette


@pytest.fixture
def model(tiny_bert):
    body = modules.Transformer(str(tiny_bert))
    return SentenceTransformer(modules=[body, modules.Pooling(body.get_embedding_dimension())], device="cpu")


@pytest.fixture
def embeddings():
    return torch.randn(12, 32, generator=torch.Generator().manual_seed(0)), torch.arange(12) % 3


def test_alone_it_is_the_graph_loss(model, embeddings):
    rows, labels = embeddings
    model.eval()  # then hidden labels are drawn from a fixed seed
    loss = GraphLoss(model)
    expected = GLoss(DenseGaussian(sigma=0.5)).eval()(rows, labels)
    assert loss.compute_loss_from_embeddings([rows], labels) == expected
    assert loss.compute_loss_from_embeddings([rows], labels[:, None]) == expected


def test_with_a_classifier_it_is_the_hybrid(model, embeddings):
    rows, labels = embeddings
    model.eval()
    loss = GraphLoss(model, num_labels=3, weight=0.6)
    hybrid = HybridLoss(GLoss(DenseGaussian(sigma=0.5)), weight=0.6).eval()
    expected = hybrid(rows, loss.classifier(rows), labels)
    torch.testing.assert_close(loss.compute_loss_from_embeddings([rows], labels), expected)


def test_documents_without_a_label_are_in_no_loss(model, embeddings):
    rows, labels = embeddings
    loss = GraphLoss(model.eval(), num_labels=3)
    value = loss.compute_loss_from_embeddings([rows], torch.where(torch.arange(12) < 9, labels, -100))
    assert value.isfinite()
    assert loss.compute_loss_from_embeddings([rows], torch.full((12,), -100)) == 0


def test_the_trainer_trains_encoder_and_classifier_and_logs_both_parts(model, tiny_texts, tmp_path):
    train = tiny_texts["train"]
    loss = GraphLoss(model, num_labels=3)
    before = loss.classifier.weight.detach().clone(), next(model.parameters()).detach().clone()
    arguments = SentenceTransformerTrainingArguments(
        str(tmp_path), per_device_train_batch_size=12, max_steps=3, logging_steps=1, save_strategy="no", use_cpu=True,
        batch_sampler=ClassBalancedBatches, eval_strategy="steps", eval_steps=3,
    )  # fmt: skip
    trainer = SentenceTransformerTrainer(model, arguments, train, eval_dataset=tiny_texts["validation"], loss=loss)
    trainer.train()
    assert not torch.equal(loss.classifier.weight, before[0])
    assert not torch.equal(next(model.parameters()), before[1])
    logged = {name for row in trainer.state.log_history for name in row}
    assert {"graph_loss", "classification_loss", "eval_graph_loss"} <= logged
    assert loss.loss.statistics.summary()["usable_batches"] == 1
    model.save_pretrained(str(tmp_path / "saved"))
    card = (tmp_path / "saved" / "README.md").read_text("utf-8")
    assert "sharma2025gloss" in card
    assert "GraphLoss" in card
    assert re.search(r"LabelPropagation", card)


def test_sigma_is_fitted_on_the_texts(model, tiny_texts):
    loss = GraphLoss(model, GLoss())
    rows = torch.randn(6, 32)
    with pytest.raises(ConfigError, match="fit_sigma"):
        loss.compute_loss_from_embeddings([rows], torch.arange(6) % 2)
    assert loss.fit_sigma(tiny_texts["train"]["text"]) is loss
    expected = DenseGaussian()
    expected.fit_sigma(model.encode(list(tiny_texts["train"]["text"]), convert_to_tensor=True))
    assert loss.loss.graph.bandwidth.sigma == expected.bandwidth.sigma


def test_pairs_are_refused(model, embeddings):
    tokens = model.preprocess(["a text", "another"])
    with pytest.raises(DataError, match=r"2 text columns.*SetFit"):
        GraphLoss(model)([tokens, tokens], torch.tensor([0, 1]))


@pytest.mark.parametrize("labels", [torch.zeros(12), torch.zeros(11, dtype=torch.long), None])
def test_labels_that_are_no_class_ids_are_refused(model, embeddings, labels):
    with pytest.raises(DataError, match="class id"):
        GraphLoss(model).compute_loss_from_embeddings([embeddings[0]], labels)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"weight": 2.0}, "weight=2"),
        ({"num_labels": 1}, "num_labels=1"),
        ({"num_labels": "5"}, "num_labels='5': expected the number of classes, a whole number"),
        ({"num_labels": True}, "num_labels=True"),
        ({"model": torch.nn.Linear(2, 2)}, "Linear"),
        ({"model": "offline"}, "needs the SentenceTransformer that is trained, not str"),
    ],
)
def test_wrong_arguments_are_answered(model, arguments, match, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(ConfigError, match=match):
        GraphLoss(**{"model": model, **arguments})
    assert GraphLoss(model, num_labels=np.int64(3)).classifier.out_features == 3


@pytest.mark.parametrize("sizes", [(90, 10), (40, 40, 40), (30, 5, 1)])
def test_batches_hold_several_classes_and_an_epoch_every_document(sizes):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    data = Dataset.from_dict({"text": [str(number) for number in range(len(labels))], "label": labels})
    batches = ClassBalancedBatches(data, batch_size=18, drop_last=False, seed=3)
    seen = list(batches)
    assert len(seen) == len(batches)
    assert {number for batch in seen for number in batch} == set(range(len(labels)))
    assert all(
        np.bincount(labels[batch])[np.unique(labels[batch])].tolist() == [4] * min(len(sizes), 4) for batch in seen
    )
    batches.set_epoch(1)
    later = list(batches)
    batches.set_epoch(0)
    assert list(batches) == seen != later


def test_batches_that_cannot_be_are_answered():
    data = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    with pytest.raises(ConfigError, match="at least 8"):
        ClassBalancedBatches(data, batch_size=4, drop_last=False)
    with pytest.raises(DataError, match="no column of labels"):
        ClassBalancedBatches(data.remove_columns("label"), batch_size=8, drop_last=False)


def test_the_probe_scores_what_the_embeddings_hold(model, tiny_texts, tmp_path):
    train, test = tiny_texts["train"], tiny_texts["test"]
    evaluator = ProbeEvaluator(train["text"], train["label"], test["text"], test["label"], name="test")
    scores = evaluator(model, str(tmp_path / "scores"), epoch=1, steps=2)
    rows = [model.encode(list(part["text"]), normalize_embeddings=True) for part in (train, test)]
    predicted = LogisticRegression(max_iter=1000).fit(rows[0], train["label"][:]).predict(rows[1])
    assert scores["test_macro_f1"] == pytest.approx(macro_f1(test["label"][:], predicted))
    assert scores["test_silhouette"] == pytest.approx(macro_silhouette(rows[1], test["label"][:]))
    assert evaluator.primary_metric in scores
    evaluator(model, str(tmp_path / "scores"), epoch=2, steps=4)
    lines = (tmp_path / "scores" / "probe_evaluation_test.csv").read_text("utf-8").splitlines()
    assert [line.split(",")[:2] for line in lines] == [["epoch", "steps"], ["1", "2"], ["2", "4"]]


@pytest.mark.parametrize(
    ("changed", "match"),
    [
        ({"labels": [0]}, "2 texts and 1 labels"),
        ({"train_labels": [0, 0]}, "one class"),
        ({"primary_metric": "f1"}, "primary_metric='f1'"),
        ({"train_labels": ["x", "y"], "labels": ["x", "y"]}, "train_labels begins with 'x'; expected a class id"),
        ({"labels": [0.5, 1.0]}, "ProbeEvaluator: labels begins with 0.5"),
        ({"labels": [[0], [1]]}, r"labels begins with \[0\]"),
    ],
)
def test_a_probe_that_cannot_be_is_answered(changed, match, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users have no run-time checks of annotations
    given = {"train_texts": ["a", "b"], "train_labels": [0, 1], "texts": ["c", "d"], "labels": [0, 1]}
    with pytest.raises((ConfigError, DataError), match=match):
        ProbeEvaluator(**{**given, **changed})
