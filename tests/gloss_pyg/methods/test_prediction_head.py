import json
from pathlib import Path
from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from gloss_pyg import FineTuning, PropagationClassifier, PropagationHead
from gloss_pyg.compare.__main__ import main as compare
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, GraphRule, KNNGaussian
from gloss_pyg.predict import Predictor
from gloss_pyg.predict import main as predict
from gloss_pyg.propagation import CorrectAndSmooth, HeatKernel, LabelSpreading
from gloss_pyg.train import main as train


def embeddings(n=30, seed=0):
    return torch.randn(n, 6, generator=torch.Generator().manual_seed(seed))


LABELS = np.array([0, 1, 3] * 5 + [-1] * 15)  # class 2 has no labelled document


@pytest.mark.parametrize("weight", [1.0, 0.3])
@pytest.mark.parametrize("graph", [None, KNNGaussian(4, 0.5), DenseGaussian("sqrt")])
def test_it_mixes_what_the_classifier_gives(weight, graph):
    head = PropagationHead(graph, weight=weight)
    head.fit(embeddings(), LABELS, num_classes=4)
    linear = torch.randn(9, 4, generator=torch.Generator().manual_seed(2)).softmax(dim=1)
    propagated = np.zeros((9, 4))
    classifier = PropagationClassifier(graph, unlabelled=-1).fit(embeddings().numpy(), LABELS)
    propagated[:, [0, 1, 3]] = classifier.predict_proba(embeddings(9, 1).numpy())
    found = head.mix(linear, embeddings(9, 1))
    np.testing.assert_allclose(found, weight * propagated + (1 - weight) * linear.numpy(), atol=1e-6)
    np.testing.assert_allclose(found.sum(dim=1), 1, atol=1e-6)


def test_what_no_label_reaches_is_left_to_the_shares_of_the_classes():
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.01, 1.0]])
    head = PropagationHead(KNNGaussian(1, 0.3))
    head.fit(rows, np.array([0, 2, -1, -1]), num_classes=3)
    np.testing.assert_allclose(head.mix(torch.full((1, 3), 1 / 3), rows[2:3]), [[0.5, 0, 0.5]])


@pytest.mark.parametrize("graph", [KNNGaussian(3, "local"), DenseGaussian(0.7)])
def test_a_saved_head_predicts_the_same_without_a_pickle(graph, tmp_path):
    head = PropagationHead(graph, weight=0.6)
    head.fit(embeddings(), LABELS, num_classes=4)
    head.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["propagation.json", "propagation.safetensors"]
    again = PropagationHead.load(tmp_path)
    linear = torch.full((9, 4), 0.25)
    assert torch.equal(again.mix(linear, embeddings(9, 1)), head.mix(linear, embeddings(9, 1)))
    assert load_file(tmp_path / "propagation.safetensors")["labels"].tolist() == LABELS.tolist()
    assert type(graph).__name__ in json.loads((tmp_path / "propagation.json").read_text())["made_with"]["graph"]


def test_half_a_head_is_refused(tmp_path):
    assert PropagationHead.load(tmp_path) is None
    head = PropagationHead()
    with pytest.raises(ConfigError, match="was not fitted"):
        head.save(tmp_path)
    head.fit(embeddings(), LABELS, num_classes=4)
    for spoil in (
        lambda: (tmp_path / "propagation.safetensors").unlink(),
        lambda: (tmp_path / "propagation.safetensors").write_bytes(b"no tensors"),
        lambda: (tmp_path / "propagation.json").write_text("{}"),
        lambda: (tmp_path / "propagation.json").unlink(),
    ):
        head.save(tmp_path)
        spoil()
        with pytest.raises(DataError, match=r"predicts by propagation, but .* cannot be read"):
            PropagationHead.load(tmp_path)


@pytest.mark.parametrize("weight", [0.0, -1.0, 1.5, float("nan")])
def test_weights_out_of_range_are_refused(weight):
    with pytest.raises(ConfigError, match="expected a number above 0 and at most 1"):
        PropagationHead(weight=weight)


def test_a_rule_that_cannot_attach_is_refused():
    class Nothing(GraphRule):
        def edges(self, x: Any) -> Any:
            raise NotImplementedError

    with pytest.raises(ConfigError, match="Nothing has no way to attach"):
        PropagationHead(Nothing())


def test_a_layer_that_a_head_cannot_serve_is_refused_before_training():
    with pytest.raises(ConfigError, match=r"CorrectAndSmooth corrects another model's probabilities.*weight=0.5"):
        PropagationHead(propagation=CorrectAndSmooth())
    learned = HeatKernel(learned=True)
    with pytest.raises(ConfigError, match=r"HeatKernel has parameters to learn, and a head does not train them"):
        PropagationHead(propagation=learned)
    PropagationHead(propagation=learned.requires_grad_(False))


def test_what_was_saved_says_which_layer_predicted(tmp_path):
    head = PropagationHead(propagation=LabelSpreading(alpha=0.5))
    head.fit(embeddings(), LABELS, num_classes=4)
    head.save(tmp_path)
    made_with = json.loads((tmp_path / "propagation.json").read_text())["made_with"]
    assert made_with["propagation"] == "LabelSpreading(alpha=0.5)"


def small(model: Path, **settings: Any) -> FineTuning:
    return FineTuning(str(model), max_length=16, batch_size=16, max_steps=4, evaluate_every=2, **settings)


def test_fine_tuning_predicts_from_its_own_training_documents(tiny_texts: Any, tiny_bert: Path, tmp_path: Path) -> None:
    hidden = tiny_texts["train"].map(lambda row, at: {"label": -1 if at % 4 else row["label"]}, with_indices=True)
    method = small(tiny_bert, prediction=PropagationHead(KNNGaussian(5, "local"), weight=0.5))
    report = method.fit(hidden, tiny_texts["validation"], seed=0)
    assert report.graph_seconds > 0
    texts = tiny_texts["test"]["text"][:7]
    mixed = method.predict_proba(texts)
    method.save(tmp_path / "model")
    # By hand: the embeddings of the parameters that were kept, propagated, and half of the linear classifier.
    of_training = method.embed(hidden["text"])
    classifier = PropagationClassifier(KNNGaussian(5, "local"), unlabelled=-1)
    classifier.fit(of_training, np.asarray(hidden["label"]))
    method.prediction = None
    linear = method.predict_proba(texts)
    np.testing.assert_allclose(mixed, (classifier.predict_proba(method.embed(texts)) + linear) / 2, atol=1e-5)
    assert np.abs(mixed - linear).max() > 1e-3
    np.testing.assert_allclose(FineTuning.load(tmp_path / "model").predict_proba(texts), mixed, atol=1e-6)
    np.testing.assert_allclose(Predictor(tmp_path / "model", batch_size=3)(texts), mixed, atol=1e-5)
    assert FineTuning.load(tmp_path / "model").predict_proba([]).shape == (0, 3)


def to_folder(tiny_texts: Any, folder: Path) -> Path:
    folder.mkdir()
    for split, file in {"train": "train", "validation": "val", "test": "test"}.items():
        tiny_texts[split].to_csv(folder / f"{file}.csv")
    return folder


def test_train_and_predict_on_the_command_line(tiny_texts: Any, tiny_bert: Path, tmp_path: Path, capsys: Any) -> None:
    data, output = to_folder(tiny_texts, tmp_path / "data"), tmp_path / "model"
    given = [
        "--data",
        str(data),
        f"--output={output}",
        f"--method.model={tiny_bert}",
        "--method.max_steps=2",
        "--method.max_length=16",
    ]
    given += ["--method.prediction=PropagationHead", "--method.prediction.weight=0.25"]
    given += ["--method.prediction.graph=KNNGaussian", "--method.prediction.graph.k=4"]
    given += ["--method.prediction.propagation=LabelPropagation"]
    assert train(given) == 0, capsys.readouterr().err
    settings = json.loads((output / "propagation.json").read_text())
    assert (settings["weight"], settings["neighbours"]) == (0.25, 4)
    (tmp_path / "texts.txt").write_text("\n".join(tiny_texts["test"]["text"][:4]))
    capsys.readouterr()
    assert predict([str(output), str(tmp_path / "texts.txt"), "--format=jsonl"]) == 0
    rows = [list(json.loads(line)["probabilities"].values()) for line in capsys.readouterr().out.splitlines()]
    expected = FineTuning.load(output).predict_proba(tiny_texts["test"]["text"][:4])
    np.testing.assert_allclose(rows, expected, atol=1e-5)
    (output / "propagation.safetensors").unlink()
    assert predict([str(output), str(tmp_path / "texts.txt")]) == 2
    assert "Copy the whole folder, or train again" in capsys.readouterr().err


def test_compare_from_yaml_tells_the_modes_apart(
    tiny_texts: Any, tiny_bert: Path, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    shared = {"model": str(tiny_bert), "max_steps": 2, "max_length": 16}
    head = {"class_path": "PropagationHead", "init_args": {"graph": {"class_path": "DenseGaussian"}}}
    methods = {
        "linear": {"class_path": "FineTuning", "init_args": shared},
        "propagated": {"class_path": "FineTuning", "init_args": shared | {"prediction": head}},
        "both": {"class_path": "FineTuning", "init_args": shared | {"prediction": head}},
    }
    config = tmp_path / "modes.yaml"
    data = {"tiny": {"name_or_path": str(to_folder(tiny_texts, tmp_path / "data"))}}
    config.write_text(yaml.safe_dump({"methods": methods, "data": data, "seeds": [0]}))
    given = [f"--config={config}", f"--output={tmp_path / 'results'}", "--methods.both.prediction.weight=0.5"]
    assert compare(given) == 0, capsys.readouterr().err
    rows = [json.loads(line) for line in (tmp_path / "results" / "results.jsonl").read_text().splitlines()]
    assert len({row["digest"] for row in rows}) == 3  # else one result would stand for another
    graph_seconds = {row["method"]: row["graph_seconds"] for row in rows}
    assert graph_seconds["linear"] < graph_seconds["propagated"]
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    assert compare([*given, "--methods.both.prediction.weight=2"]) == 2
    assert "weight=2" in capsys.readouterr().err
