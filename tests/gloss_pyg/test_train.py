import json
import logging
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from datasets import Dataset, DatasetDict

from gloss_pyg.methods import Estimate, FineTuning, FitReport, Method
from gloss_pyg.predict import Predictor
from gloss_pyg.train import main


class Majority(Method):
    """Predicts the shares of the classes in training; fails, interrupts and warns on demand."""

    transductive = False

    def __init__(self, trouble: str = "", texts: int = 0) -> None:
        self.trouble = trouble
        self.shares = np.zeros(0)

    def fit(self, train: Dataset, validation: Dataset, test_texts: Any = None, *, seed: int) -> FitReport:
        logging.getLogger("gloss_pyg").warning("a warning of the method [%d]", seed)
        if self.trouble == "interrupt":
            raise KeyboardInterrupt
        labels = np.array(train["label"])
        self.shares = np.bincount(labels[labels >= 0]) / (labels >= 0).sum()
        return FitReport(steps=3, best_step=2, history=[{"step": 2.0, "macro_f1": 0.5}])

    def predict_proba(self, texts: Any) -> np.ndarray:
        if self.trouble == "predict":
            raise RuntimeError("the test set is in the way")
        return np.tile(self.shares, (len(texts), 1))

    def save(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "shares.json").write_text(json.dumps(self.shares.tolist()))

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()

    def estimate(self, splits: DatasetDict) -> Estimate:
        return Estimate(0.0, 0)


@pytest.fixture
def data(tiny_texts: Any, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    for split, file in {"train": "train", "validation": "val", "test": "test"}.items():
        tiny_texts[split].to_csv(folder / f"{file}.csv")
    return folder


@pytest.fixture
def arguments(data: Path, tmp_path: Path) -> list[str]:
    method = f"{Majority.__module__}.Majority"
    return ["--data", str(data), "--output", str(tmp_path / "model"), "--method", method]


def record_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "training.json").read_text())


def test_a_method_is_fitted_tested_and_saved(arguments: list[str], tmp_path: Path, capsys: Any) -> None:
    assert main([*arguments, "--seed=7", "--data.labels_per_class=4"]) == 0
    record = record_of(tmp_path / "model")
    assert record["accuracy"] == pytest.approx(1 / 3)  # ten documents of each of three classes, all called the first
    assert record["macro_f1"] == pytest.approx(1 / 6)
    assert record["seed"] == record["arguments"]["seed"] == 7
    assert record["arguments"]["data"]["labels_per_class"] == 4
    assert record["history"] == [{"step": 2.0, "macro_f1": 0.5}]
    assert record["torch_version"]
    captured = capsys.readouterr()
    assert "33.33%" in captured.out
    assert "16.67%" in captured.out
    assert "a warning of the method [7]" in captured.err
    assert "train: 12 documents, 3 classes of 4 to 4" in captured.err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model"]  # nothing is left lying about
    assert not (tmp_path / "model" / "README.md").exists()  # a card would say how to load an encoder


def test_fine_tuning_is_the_default_and_predict_reads_it(
    data: Path, tiny_bert: Path, tiny_texts: Any, tmp_path: Path, capsys: Any
) -> None:
    output = tmp_path / "deep" / "my model"
    given = ["--data", str(data), f"--output={output}", f"--method.model={tiny_bert}", "--method.max_length=16"]
    given += ["--method.max_steps=2", "--method.batch_size=16", "--method.loss=HybridLoss"]
    given += [
        "--method.loss.graph_loss=GLoss",
        "--method.loss.graph_loss.graph=KNNGaussian",
        "--method.loss.weight=0.4",
    ]
    status, said = main(given), capsys.readouterr().err
    assert status == 0, said
    assert "graph loss " in said
    assert "classification loss " in said
    assert "fitting bandwidths" in said
    assert f"python -m gloss_pyg.predict '{output}' INPUT" in said  # to be pasted as it stands
    loss = record_of(output)["arguments"]["method"]["init_args"]["loss"]
    assert loss["init_args"]["weight"] == 0.4
    assert loss["init_args"]["graph_loss"]["init_args"]["graph"]["class_path"].endswith("KNNGaussian")
    texts = tiny_texts["test"]["text"][:5]
    predictor = Predictor(output)
    # CSV holds class numbers, so the classes are called by them.
    assert predictor.class_names == ["0", "1", "2"]
    np.testing.assert_allclose(predictor(texts), FineTuning.load(output).predict_proba(texts), atol=1e-6)


def test_a_configuration_file_and_options_over_it(data: Path, tmp_path: Path, capsys: Any) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(
        f"data: {data}\nseed: 3\nmethod:\n  class_path: {Majority.__module__}.Majority\n"
        f"  init_args: {{texts: 4}}\noutput: {tmp_path / 'model'}\n"
    )
    assert main([f"--config={config}", "--seed=5", "--method.texts=6"]) == 0, capsys.readouterr().err
    given = record_of(tmp_path / "model")["arguments"]
    assert (given["seed"], given["method"]["init_args"]["texts"]) == (5, 6)
    assert given["data"]["name_or_path"] == str(data)


def test_a_saved_model_is_only_replaced_when_asked_for_and_by_a_finished_one(
    arguments: list[str], tmp_path: Path, capsys: Any
) -> None:
    assert main([*arguments, "--seed=1"]) == 0
    assert main([*arguments, "--seed=2"]) == 2
    assert "not empty; give another folder, or --overwrite" in capsys.readouterr().err
    assert main([*arguments, "--seed=3", "--overwrite", "--method.trouble=interrupt"]) == 130
    assert record_of(tmp_path / "model")["seed"] == 1
    assert main([*arguments, "--seed=5", "--overwrite"]) == 0
    assert record_of(tmp_path / "model")["seed"] == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "model"]


def test_a_finished_fit_is_not_lost_when_its_test_fails(arguments: list[str], tmp_path: Path, capsys: Any) -> None:
    with pytest.raises(RuntimeError, match="in the way"):
        main([*arguments, "--seed=4", "--method.trouble=predict"])
    assert json.loads((tmp_path / "model" / "shares.json").read_text()) == pytest.approx([1 / 3] * 3)
    record = record_of(tmp_path / "model")
    assert record["seed"] == 4
    assert "accuracy" not in record


def test_overwrite_never_deletes_what_is_no_model(arguments: list[str], tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "thesis.tex").write_text("all I have")
    assert main([*arguments, "--overwrite"]) == 2
    assert "holds no model of this command" in capsys.readouterr().err
    assert (tmp_path / "model" / "thesis.tex").read_text() == "all I have"


HYBRID = ["--method=FineTuning", "--method.loss=HybridLoss", "--method.loss.graph_loss=GLoss"]
BAD = {
    "option": (["--outptu=x"], "There is no option '--outptu'. Did you mean '--output'"),
    "data set": (["--data=bcc"], "Unknown data set 'bcc'.*Did you mean 'bbc'"),
    "field": (["--data.trainsize=4"], "A data set has no field 'trainsize'. Did you mean 'train_size'"),
    "budget": (["--data.train_size=0"], "train_size=0 is neither"),
    "two budgets": (["--data.train_size=9", "--data.labels_per_class=2"], "Give one"),
    "method": (["--method=FineTunning"], "There is no method 'FineTunning'. Did you mean 'FineTuning'"),
    "class path": (["--method=no.such.Method"], "there is no module 'no"),
    "argument": (["--method=FineTuning", "--method.modle=x"], "has no argument 'modle'. Did you mean 'model'"),
    "value": (["--method=FineTuning", "--method.batch_size=many"], "batch_size: expected a whole number.*'many'"),
    "seed": (["--seed=-1"], "seed=-1; expected a whole number from 0"),
    "config": (["--config=nothing.yaml"], "There is no configuration file nothing.yaml"),
    "config key": (["--config={config}"], "there is no option 'sed'. Did you mean 'seed'"),
    "config data": (["--config={list}"], "data is ..a..; expected the name of one data set"),
    "output": (["--output={config}"], "is a file; give the name of a new folder"),
    "output in a file": (["--output={config}/model"], "config.yaml is a file; give another folder"),
    "output here": (["--output=."], "give the name of a folder within it"),
    "weight": ([*HYBRID, "--method.loss.weight=1.5"], "method: .*weight=1.5"),
    "sigma": (
        [*HYBRID, "--method.loss.graph_loss.graph=DenseGaussian", "--method.loss.graph_loss.graph.sigma=-1"],
        "sigma",
    ),
    "fraction": ([*HYBRID, "--method.loss.graph_loss.labelled_fraction=2"], "labelled_fraction=2"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input_is_one_sentence_and_status_2(name: str, arguments: list[str], tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "config.yaml").write_text("sed: 1\n")
    (tmp_path / "list.yaml").write_text("data: [a]\n")
    given, expected = BAD[name]
    assert (
        main(
            [*arguments, *(text.format(config=tmp_path / "config.yaml", list=tmp_path / "list.yaml") for text in given)]
        )
        == 2
    )
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("train: ")
    with pytest.raises(ValueError, match=expected):
        raise ValueError(last)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(("given", "expected"), [(["--data=bbc"], "--output FOLDER"), (["--output=x"], "--data NAME")])
def test_what_must_be_given_is_asked_for(given: list[str], expected: str, capsys: Any) -> None:
    assert main(given) == 2
    assert expected in capsys.readouterr().err


def test_help_names_the_options(capsys: Any) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(word in text for word in ("--data", "--method.help=CLASS", "labels_per_class", "--overwrite", "20NG"))
