"""Hostile data, for every method that can meet it: it runs and gives probabilities, or says what is wrong."""

from pathlib import Path

import numpy as np
import pytest
from method_cases import ENCODER_METHODS, GRAPH_METHODS, JOINT_METHODS, LINEAR_METHODS, METHODS, fit, splits, start

from baselines.bertgcn import BertGAT, BertGCN
from baselines.frozen_propagation import FrozenPropagation
from baselines.probe import LinearProbe, NearestNeighbours
from baselines.sgc import SGC
from baselines.textgcn import TextGCN
from baselines.tfidf import TfidfLinear
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods import FineTuning, PropagationHead

TRAIN = [("red match", 0), ("green bank", 1), ("red goal", 0), ("green price", 1), ("blue song", 2), ("blue band", 2)]
VALIDATION = [("red team", 0), ("green oil", 1), ("blue chart", 2)]
TEST = [("red coach", 0), ("green firm", 1), ("blue album", 2)]
EMPTY = "\u4e2d\u6587 \u2014 *"  # nothing is left of it

RUNS = {
    "empty document in training": ([*TRAIN, (EMPTY, 0)], VALIDATION, TEST),
    "empty document in validation": (TRAIN, [*VALIDATION, (EMPTY, 1)], TEST),
    "empty document in the test": (TRAIN, VALIDATION, [*TEST, (EMPTY, 1)]),
    "empty text": (TRAIN, VALIDATION, [*TEST, ("", 1)]),
    "a word in one document only": ([*TRAIN, ("unique", 0)], VALIDATION, TEST),
    "class absent from training": (TRAIN[:4], VALIDATION[:2], TEST),
    "class absent from validation": (TRAIN, VALIDATION[:1], TEST),
    "duplicate documents": ([*TRAIN, *TRAIN], [*VALIDATION, *TRAIN], [*TEST, *TEST, *TRAIN]),
    "duplicates with other labels": ([*TRAIN, ("red match", 2)], VALIDATION, TEST),
    "test set of one": (TRAIN, VALIDATION, TEST[:1]),
    "one document a class": (TRAIN[::2], VALIDATION, TEST),
    "unlabelled documents": ([*TRAIN, ("red song", -1)], [*VALIDATION, ("oil", -1)], TEST),
    "equal documents only": ([("red", 0), ("red", 1)], [("red", 0)], [("red", 1)]),
    "half a surrogate and zero bytes": (TRAIN, VALIDATION, [*TEST, ("red \x00 song\x00", 1)]),
    "no word in common": (TRAIN, VALIDATION, [("nothing of this", 0)]),
}


# What can matter to a method that reads its texts through an encoder; the data loader's tests have the rest.
OF_ENCODERS = ("empty text", "class absent from training", "test set of one", "unlabelled documents")
TRIED = [
    (name, case)
    for name in METHODS
    for case in RUNS
    if case in OF_ENCODERS or name not in ENCODER_METHODS or name == "BertGCN"
]


@pytest.mark.parametrize(("name", "case"), TRIED)
def test_it_runs(name, case, tiny_bert):
    documents = splits(*RUNS[case])
    method = METHODS[name](tiny_bert)
    report = fit(method, documents)
    probabilities = method.predict_proba(list(documents["test"]["text"]))
    assert probabilities.shape == (len(documents["test"]), 3)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert len(report.history)
    if case == "class absent from training" and name in LINEAR_METHODS:
        assert not probabilities[:, 2].any()


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("part", ["train", "validation"])
def test_no_labels(name, part, tiny_bert):
    bare = [(text, -1) for text, _ in TRAIN]
    documents = splits(*((bare, VALIDATION, TEST) if part == "train" else (TRAIN, bare, TEST)))
    with pytest.raises(DataError, match=f"None of 6 .*{'train' if part == 'train' else 'validation'}"):
        fit(METHODS[name](tiny_bert), documents)


@pytest.mark.parametrize("name", [*GRAPH_METHODS, *JOINT_METHODS])
def test_graph_methods_take_a_single_class(name, tiny_bert):
    one = [(text, 1) for text, _ in TRAIN]
    documents = splits(one, one[:2], one[2:4], ["no", "yes"])
    method = METHODS[name](tiny_bert)
    fit(method, documents)
    assert (method.predict_proba(["red match", "never seen"]).argmax(axis=1) == 1).all()


@pytest.mark.parametrize("name", LINEAR_METHODS)
def test_classifiers_need_two_classes(name, tiny_bert):
    one = [(text, 1) for text, _ in TRAIN]
    with pytest.raises(DataError, match="one class, 'yes'; a linear classifier needs two"):
        fit(METHODS[name](tiny_bert), splits(one, VALIDATION, TEST))


@pytest.mark.parametrize("name", [*GRAPH_METHODS, *JOINT_METHODS])
def test_a_corpus_of_one_training_document(name, tiny_bert):
    documents = splits(TRAIN[:1], VALIDATION[:1], TEST[:1])
    method = METHODS[name](tiny_bert)
    fit(method, documents)
    assert np.isfinite(method.predict_proba(["red coach", "red match", "x"])).all()


@pytest.mark.parametrize("name", [*GRAPH_METHODS, *JOINT_METHODS, "logistic regression", "linear SVM"])
def test_no_words_at_all(name, tiny_bert):
    empty = [("* !" if name in LINEAR_METHODS else EMPTY, label) for _, label in TRAIN]
    with pytest.raises(DataError, match=r"[Nn]o word"):
        fit(METHODS[name](tiny_bert), splits(empty, empty, empty))


@pytest.mark.parametrize("name", ["SGC", "SGC inductive", "logistic regression"])
def test_a_document_of_a_million_words(name):
    long = " ".join(["red", "green", "blue", "match"] * 250_000)
    documents = splits([*TRAIN, (long, 0)], VALIDATION, [*TEST, (long + " song", 0)])
    method = METHODS[name](None)
    fit(method, documents)
    assert np.isfinite(method.predict_proba(list(documents["test"]["text"]))).all()


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        (TextGCN, {"hidden": 0}, "hidden=0, expected at least 1"),
        (TextGCN, {"max_epochs": 0}, "max_epochs=0"),
        (TextGCN, {"patience": 0}, "patience=0"),
        (TextGCN, {"dropout": 1.0}, "dropout=1.0, expected a share"),
        (TextGCN, {"learning_rate": float("nan")}, "learning_rate=nan"),
        (SGC, {"weight_decay": 0.0}, "weight_decay=0.0"),
        (SGC, {"max_iterations": 0}, "max_iterations=0"),
        (TfidfLinear, {"strengths": ()}, "strengths="),
        (TfidfLinear, {"strengths": (1.0, -1.0)}, "strengths="),
        (TfidfLinear, {"max_ngram": 0}, "max_ngram=0"),
        (LinearProbe, {"strengths": ()}, "strengths="),
        (LinearProbe, {"batch_size": 0}, "batch_size=0"),
        (NearestNeighbours, {"neighbours": (0,)}, "neighbours="),
        (NearestNeighbours, {"max_length": 0}, "max_length=0"),
        (FrozenPropagation, {"neighbours": ()}, "neighbours="),
        (BertGCN, {"mix": 1.1}, "mix=1.1, expected the graph network's share"),
        (BertGCN, {"mix": float("nan")}, "mix=nan"),
        (BertGCN, {"dropout": 1.0}, "dropout=1.0"),
        (BertGCN, {"warm_up_steps": -1}, "warm_up_steps=-1"),
        (BertGCN, {"batch_size": 0}, "batch_size=0"),
        (BertGCN, {"graph_learning_rate": 0.0}, "graph_learning_rate=0.0"),
        (BertGCN, {"checkpoint": Path("x"), "fine_tuning": start("x")}, "both checkpoint and fine_tuning"),
        (BertGCN, {"fine_tuning": FineTuning(prediction=PropagationHead())}, "fine_tuning.prediction"),
        (BertGAT, {"heads": 0}, "heads=0"),
    ],
)
def test_settings_out_of_range(method, arguments, message):
    with pytest.raises(ConfigError, match=message):
        method(**arguments)


def test_an_unknown_classifier_is_named():
    from baselines.linear import check_kind

    with pytest.raises(ConfigError, match="classifier='forest'; expected 'logistic_regression'"):
        check_kind("forest")


def test_unknown_batches_are_named():
    from baselines.joint_training import check_batches

    with pytest.raises(ConfigError, match="batches='some'; expected 'all'"):
        check_batches("some")


def test_a_checkpoint_that_is_none_is_refused_before_the_data_are_read(tmp_path):
    with pytest.raises(ConfigError, match=r"checkpoint=.*there is no method.json"):
        BertGCN(checkpoint=tmp_path).check()


def test_a_checkpoint_of_other_classes_is_refused(tiny_bert, tmp_path):
    documents = splits(TRAIN, VALIDATION, TEST)
    fine_tuning = FineTuning(model=str(tiny_bert), max_length=16, max_steps=1)
    fine_tuning.fit(documents["train"], documents["validation"], seed=0)
    fine_tuning.save(tmp_path / "start")
    other = splits(TRAIN, VALIDATION, TEST, ("no", "yes", "never"))
    with pytest.raises(ConfigError, match="no, yes, perhaps; the data have no, yes, never"):
        fit(BertGCN(checkpoint=tmp_path / "start", max_epochs=1), other)
