"""What holds for every baseline as a method: it learns, does not leak, saves, and its class path works in compare."""

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from datasets import DatasetDict
from method_cases import ENCODER_METHODS, GRAPH_METHODS, METHODS, fit, split

from baselines.frozen import FrozenEncoder
from gloss_pyg.compare.cell import Cell, make_method, run_cell
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.identity import cell_settings
from gloss_pyg.compare.splits import Splits, content_digest
from gloss_pyg.description import digest
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.methods import Method
from gloss_pyg.metrics import accuracy
from gloss_pyg.predict import Predictor

BY_OTHER_SCORES = ("TextGCN", "SGC", "BertGCN", "BertGAT")  # which epoch is kept
START = {"max_length": 16, "learning_rate": 0.003, "max_epochs": 3, "batch_size": 16}
ARGUMENTS = {
    "TextGCN": {
        "class_path": "baselines.textgcn.TextGCN",
        "init_args": {"hidden": 8, "max_epochs": 12, "learning_rate": 0.1},
    },
    "TextGCN inductive": {
        "class_path": "baselines.textgcn.TextGCN",
        "init_args": {"hidden": 8, "max_epochs": 12, "graph": {"transductive": False, "stop_words": ["the", "a"]}},
    },
    "SGC": {"class_path": "baselines.sgc.SGC"},
    "SGC inductive": {"class_path": "baselines.sgc.SGC", "init_args": {"graph": {"transductive": False, "window": 5}}},
    "logistic regression": {"class_path": "baselines.tfidf.TfidfLinear", "init_args": {"strengths": [0.1, 1]}},
    "linear SVM": {"class_path": "baselines.tfidf.TfidfLinear", "init_args": {"classifier": "linear_svm"}},
    "linear probe": {"class_path": "baselines.probe.LinearProbe", "init_args": {"max_length": 16}},
    "nearest neighbours": {
        "class_path": "baselines.probe.NearestNeighbours",
        "init_args": {"neighbours": [1, 5], "max_length": 16},
    },
    "label propagation": {
        "class_path": "baselines.frozen_propagation.FrozenPropagation",
        "init_args": {"neighbours": [4], "max_length": 16, "propagation": {"class_path": "LabelPropagation"}},
    },
    "BertGCN": {
        "class_path": "baselines.bertgcn.BertGCN",
        "init_args": {"fine_tuning": START, "hidden": 8, "max_epochs": 2, "graph_learning_rate": 0.01},
    },
    "BertGCN inductive": {
        "class_path": "baselines.bertgcn.BertGCN",
        "init_args": {
            "graph": {"transductive": False},
            "fine_tuning": {"class_path": "FineTuning", "init_args": START},
            "hidden": 8,
            "max_epochs": 2,
            "batches": "labelled",
        },
    },
    "BertGAT": {
        "class_path": "baselines.bertgcn.BertGAT",
        "init_args": {"fine_tuning": START, "hidden": 8, "max_epochs": 2, "heads": 2, "graph_learning_rate": 0.01},
    },
}


@pytest.fixture(params=METHODS)
def method(request, tiny_bert):
    return METHODS[request.param](tiny_bert)


@pytest.fixture(params=ARGUMENTS)
def arguments(request, tiny_bert):
    given = yaml.safe_load(yaml.safe_dump(ARGUMENTS[request.param]))
    if request.param in ENCODER_METHODS:
        start = given["init_args"].get("fine_tuning", given["init_args"])
        start.get("init_args", start)["model"] = str(tiny_bert)
    return given


def cell_results(arguments, documents):
    """Record and test probabilities of a cell, as `compare` makes them."""
    cell = Cell("m", "d", 0, arguments, DataSpec("d"), make_method(arguments).transductive, {}, "0")
    rows = np.arange(len(documents["test"]))
    files = run_cell(cell, Splits(documents, rows, content_digest(documents), "held out"))
    table = pq.read_table(io.BytesIO(files["predictions.parquet"]))
    probabilities = np.array(table["probabilities"].to_pylist(), dtype=np.float32)
    return json.loads(files["record.json"]), json.loads(files["history.json"]), probabilities


def with_test(documents, test):
    return DatasetDict(train=documents["train"], validation=documents["validation"], test=test)


def test_every_method_learns(method, tiny_texts):
    report = fit(method, tiny_texts)
    probabilities = method.predict_proba(list(tiny_texts["test"]["text"]))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    found = accuracy(list(tiny_texts["test"]["label"]), probabilities)
    frozen = isinstance(method, FrozenEncoder)
    assert found > (0.4 if frozen else 0.6)  # the encoder has random weights
    assert report.best_step in [row["step"] for row in report.history]
    assert report.best_score == max(row["macro_f1"] for row in report.history) or method.name in BY_OTHER_SCORES
    assert report.training_seconds > 0
    assert method.predict_proba([]).shape == (0, 3)


def test_test_labels_do_not_leak(arguments, tiny_texts):
    test = tiny_texts["test"]
    permuted = split(test["text"], np.roll(list(test["label"]), 7).tolist(), test.features["label"].names)
    record, history, probabilities = cell_results(arguments, tiny_texts)  # nor does the same seed give other results
    other, other_history, same = cell_results(arguments, with_test(tiny_texts, permuted))
    np.testing.assert_array_equal(probabilities, same)
    assert [row["macro_f1"] for row in history] == [row["macro_f1"] for row in other_history]
    assert record["accuracy"] != other["accuracy"]  # the labels were others indeed


def test_inductive_methods_do_not_see_test_texts(arguments, tiny_texts):
    if make_method(arguments).transductive:
        pytest.skip("transductive: the method says that it sees the test texts")
    _, history, probabilities = cell_results(arguments, tiny_texts)
    _, alone, few = cell_results(arguments, with_test(tiny_texts, tiny_texts["test"].select([4])))
    np.testing.assert_allclose(few[0], probabilities[4], atol=1e-3)  # an encoder's rows depend a little on the batch
    assert [row["macro_f1"] for row in history] == [row["macro_f1"] for row in alone]


def test_transductive_methods_do_see_test_texts(arguments, tiny_texts):
    if not make_method(arguments).transductive:
        pytest.skip("inductive: see above")
    _, _, probabilities = cell_results(arguments, tiny_texts)
    _, _, few = cell_results(arguments, with_test(tiny_texts, tiny_texts["test"].select([4])))
    assert np.abs(few[0] - probabilities[4]).max() > 1e-6


def test_inductive_methods_refuse_test_texts(method, tiny_texts):
    if method.transductive:
        pytest.skip("transductive: it takes them")
    with pytest.raises(ConfigError, match="must not be given the test texts"):
        method.fit(tiny_texts["train"], tiny_texts["validation"], ["a text"], seed=0)


def test_a_method_predicts_as_the_saved_one(method, tiny_texts, tmp_path):
    fit(method, tiny_texts)
    texts = [*tiny_texts["test"]["text"], "an unseen match of a band", "zzz", ""]
    method.save(tmp_path / "saved")
    loaded = type(method).load(tmp_path / "saved")
    assert loaded.transductive == method.transductive
    np.testing.assert_allclose(loaded.predict_proba(texts), method.predict_proba(texts), rtol=1e-5, atol=1e-6)
    assert not [path for path in (tmp_path / "saved").rglob("*") if path.suffix in (".pkl", ".pt", ".bin", ".joblib")]


@pytest.mark.parametrize("name", ["linear probe", "label propagation"])
def test_a_saved_probe_is_read_by_predict(name, tiny_bert, tiny_texts, tmp_path):
    method = METHODS[name](tiny_bert)
    fit(method, tiny_texts)
    method.save(tmp_path / "saved")
    texts = list(tiny_texts["test"]["text"])
    predicted = Predictor(tmp_path / "saved", device="cpu")(texts)
    np.testing.assert_allclose(predicted, method.predict_proba(texts), rtol=1e-4, atol=1e-5)


def test_saved_neighbours_are_not_mistaken_for_a_classifier(tiny_bert, tiny_texts, tmp_path):
    method = METHODS["nearest neighbours"](tiny_bert)
    fit(method, tiny_texts)
    method.save(tmp_path / "saved")
    with pytest.raises(ConfigError, match="no saved model"):
        Predictor(tmp_path / "saved")


def test_a_folder_of_another_kind_is_refused(method, tmp_path):
    with pytest.raises(DataError, match="no saved"):
        type(method).load(tmp_path)


@pytest.mark.parametrize("name", ["TextGCN", "BertGCN", "logistic regression"])
def test_a_folder_of_another_method_is_refused(name, tiny_bert, tiny_texts, tmp_path):
    method = METHODS[name](tiny_bert)
    fit(method, tiny_texts)
    method.save(tmp_path / "saved")
    settings = tmp_path / "saved" / "method.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"class": "Other"}))
    with pytest.raises(DataError, match="another method"):
        type(method).load(tmp_path / "saved")


def test_what_was_not_fitted_says_so(method, tmp_path):
    with pytest.raises(ConfigError, match="was not fitted"):
        method.predict_proba(["a text"])
    with pytest.raises(ConfigError, match="was not fitted"):
        method.save(tmp_path / "saved")


def test_arguments_that_matter_make_another_cell(tiny_bert):
    def name(arguments):
        return digest(cell_settings(make_method(arguments), arguments, DataSpec("d"), "content", 0))

    plain = ARGUMENTS["SGC"]
    inductive = {"class_path": plain["class_path"], "init_args": {"graph": {"transductive": False}}}
    wider = {"class_path": plain["class_path"], "init_args": {"graph": {"transductive": False, "window": 30}}}
    assert len({name(plain), name(inductive), name(wider)}) == 3


def test_an_estimate_grows_with_the_data(method, tiny_texts):
    one = method.estimate(tiny_texts)
    long = tiny_texts.map(lambda row: {"text": " ".join(100 * [row["text"]])})
    many = DatasetDict({key: part.select(list(range(len(part))) * 20) for key, part in long.items()})
    more = method.estimate(many)
    assert 0 < one.seconds < more.seconds
    assert 0 < one.memory_bytes <= more.memory_bytes


def test_every_method_derives_from_the_contract(method):
    assert isinstance(method, Method)
    assert isinstance(method.transductive, bool)
    method.check()


@pytest.mark.parametrize("name", GRAPH_METHODS)
def test_a_text_is_attached_for_itself(name, tiny_texts):
    method = METHODS[name](Path())
    fit(method, tiny_texts)
    alone = method.predict_proba(["striker band profit new"])
    among = method.predict_proba(["goal", "striker band profit new", "zzz", "striker"])
    np.testing.assert_allclose(alone[0], among[1], rtol=1e-5)
    prior = np.bincount(tiny_texts["train"]["label"], minlength=3) / len(tiny_texts["train"])
    np.testing.assert_allclose(among[2], prior, rtol=1e-6)  # no word of it is known
