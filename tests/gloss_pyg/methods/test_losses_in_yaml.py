"""Losses named in YAML and on the command line, by class path, hybrid and alone."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from torch import nn

from gloss_pyg import losses
from gloss_pyg.compare.cell import make_method
from gloss_pyg.description import describe
from gloss_pyg.losses import ClassificationLoss, FocalLoss, HybridLoss, MetricLearning
from gloss_pyg.methods import FineTuning, Standalone
from gloss_pyg.predict import Predictor
from gloss_pyg.train import main

LOSSES = """
- {class_path: GLoss}
- {class_path: SupervisedContrastive, init_args: {temperature: 0.05}}
- {class_path: BatchAllTriplet, init_args: {margin: 5}}
- {class_path: PairwiseCosine}
- {class_path: gloss_pyg.losses.MetricLearning, init_args: {loss: ArcFaceLoss}}
- class_path: MetricLearning
  init_args:
    loss: pytorch_metric_learning.losses.TripletMarginLoss
    arguments: {margin: 5, distance: {class_path: LpDistance, init_args: {normalize_embeddings: false}}}
- class_path: MetricLearning
  init_args:
    loss: ProxyAnchorLoss
    arguments: {alpha: 16, distance: {class_path: pytorch_metric_learning.distances.CosineSimilarity}}
- {class_path: SentenceTransformersLoss, init_args: {loss: BatchHardTripletLoss}}
"""


@pytest.mark.parametrize("spec", yaml.safe_load(LOSSES), ids=lambda spec: spec["class_path"])
def test_any_loss_hybrid_and_alone(spec: dict[str, Any]) -> None:
    name = spec["class_path"].rpartition(".")[2]
    hybrid = {"class_path": "HybridLoss", "init_args": {"weight": 0.5, "graph_loss": spec}}
    given = make_method({"class_path": "FineTuning", "init_args": {"loss": hybrid}})
    assert isinstance(given, FineTuning)
    assert isinstance(given.loss, HybridLoss)
    alone = make_method({"class_path": "Standalone", "init_args": {"loss": spec}})
    assert isinstance(alone, Standalone)
    for loss in (given.loss.graph_loss, alone.loss):
        assert isinstance(loss, getattr(losses, name))
        for argument, value in spec.get("init_args", {}).items():
            assert getattr(loss, argument) == value


def test_controls_of_cross_entropy() -> None:
    for spec, kind in (
        ({"class_path": "FocalLoss", "init_args": {"gamma": 1}}, FocalLoss),
        ({"class_path": "ClassificationLoss", "init_args": {"label_smoothing": 0.1}}, ClassificationLoss),
    ):
        balanced = {"loss": spec, "class_weights": "balanced"}
        assert isinstance(make_method({"class_path": "FineTuning", "init_args": balanced}).loss, kind)
        hybrid = {"class_path": "HybridLoss", "init_args": {"graph_loss": {"class_path": "PairwiseCosine"}}}
        hybrid["init_args"]["classification_loss"] = spec
        made = make_method({"class_path": "FineTuning", "init_args": {"loss": hybrid}})
        assert isinstance(made.loss.classification_loss, kind)


def test_what_a_result_depends_on_tells_losses_of_open_size_apart() -> None:
    specs: list[Any] = [("ArcFaceLoss",), ("CosFaceLoss",), ("ArcFaceLoss", {"margin": 20})]
    described = [json.dumps(describe(MetricLearning(*spec))) for spec in specs]
    assert len(set(described)) == 3
    assert described[0] == json.dumps(describe(MetricLearning("ArcFaceLoss")))


def test_a_loss_with_parameters_of_its_own_from_the_command_line(
    tiny_texts: Any, tiny_bert: Path, tmp_path: Path, capsys: Any
) -> None:
    for split, file in {"train": "train", "validation": "val", "test": "test"}.items():
        tiny_texts[split].to_csv(tmp_path / f"{file}.csv")
    given = [f"--data={tmp_path}", f"--output={tmp_path / 'model'}", f"--method.model={tiny_bert}"]
    given += ["--method=Standalone", "--method.max_length=16", "--method.max_steps=2", "--method.batch_size=16"]
    given += ["--method.loss=MetricLearning", "--method.loss.loss=ProxyAnchorLoss", "--method.loss.arguments.alpha=16"]
    given += ["--method.classifier.max_steps=5"]
    status, said = main(given), capsys.readouterr()
    assert status == 0, said.err
    assert "linear classifier: validation loss" in said.err
    record = json.loads((tmp_path / "model" / "training.json").read_text())
    assert record["chosen_by"] == "macro_silhouette"
    assert record["best_score"] == max(row["macro_silhouette"] for row in record["history"])
    assert record["arguments"]["method"]["init_args"]["loss"]["init_args"] == {
        "loss": "ProxyAnchorLoss",
        "arguments": {"alpha": 16},
    }
    probabilities = Predictor(tmp_path / "model")(tiny_texts["test"]["text"][:5])
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    wrong = [option.replace("ProxyAnchorLoss", "ProxyAncor") for option in given]
    assert main([*wrong, "--overwrite"]) == 2
    assert "no class 'ProxyAncor'. Did you mean 'ProxyAnchorLoss'" in capsys.readouterr().err


def test_every_loss_over_embeddings_stands_here() -> None:
    public = [getattr(losses, name) for name in losses.__all__]
    ours = {
        part.__name__
        for part in public
        if isinstance(part, type) and issubclass(part, losses.EmbeddingLoss) and part is not losses.EmbeddingLoss
    }
    assert ours <= {spec["class_path"].rpartition(".")[2] for spec in yaml.safe_load(LOSSES)}
    assert all(issubclass(getattr(losses, name), nn.Module) for name in ours)
