"""`describe`: by value, with the code, and files by their content."""

import json
from pathlib import Path

import pytest
import torch

from gloss_pyg.description import describe
from gloss_pyg.graph import DenseGaussian, KNNGaussian


def test_a_local_model_is_known_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "weights.bin").write_bytes(b"1")
    first = describe(str(folder))
    elsewhere = folder.rename(tmp_path / "moved")
    assert describe(str(elsewhere)) == first
    (elsewhere / "weights.bin").write_bytes(b"2")
    assert describe(str(elsewhere)) != first


def test_a_folder_is_text_unless_it_holds_a_model_and_a_bare_word_unless_it_is_such_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert describe(str(tmp_path)) == str(tmp_path)
    (tmp_path / "my-model").mkdir()
    (tmp_path / "notes").write_text("no model")
    monkeypatch.chdir(tmp_path)
    assert describe("notes") == "notes"
    assert describe("my-model") == "my-model"
    (tmp_path / "my-model" / "config.json").write_text("{}")
    assert describe("my-model") == describe("./my-model") != "my-model"
    assert describe("a/" + 5000 * "x") == "a/" + 5000 * "x"


def test_tensors_modules_and_loops_are_described_by_value() -> None:
    class Part(torch.nn.Module):
        def __init__(self, scale: float, weights: torch.Tensor, parent: object = None) -> None:
            super().__init__()
            self.scale = scale
            self.weights = weights
            self.parent = [self]

    one, two = Part(0.5, torch.ones(3)), Part(0.5, torch.tensor([1.0, 1.0, 2.0]))
    assert describe(one) == describe(Part(0.5, torch.ones(3)))
    assert describe(one)["arguments"]["weights"] != describe(two)["arguments"]["weights"]
    assert describe(one)["arguments"]["weights"][1] == [3]
    assert describe(one)["arguments"]["parent"] == ["(itself)"]
    assert "torch" not in " ".join(describe(one)["code"])
    json.dumps(describe(one))


def test_installed_packages_count_by_their_version() -> None:
    from rich.text import Text

    (code,) = describe(Text("x"))["code"]
    assert code.startswith("rich ")


def test_arguments_that_are_kept_under_another_name_are_seen() -> None:
    rules = [DenseGaussian(0.5), DenseGaussian(0.6), DenseGaussian("local"), DenseGaussian("learned"), KNNGaussian(3)]
    rules += [KNNGaussian(4), KNNGaussian(4, 0.5), DenseGaussian("sqrt")]
    described = [json.dumps(describe(rule)) for rule in rules]
    assert len(set(described)) == len(rules)
    assert json.dumps(describe(DenseGaussian(0.5))) == described[0]
