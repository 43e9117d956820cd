"""Saving and loading: every weight once on disk, the same model back, the bare encoder without our package."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import (
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    pipeline,
)

from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.errors import ConfigError

NAMES = ["sport", "trade", "music"]


@pytest.fixture
def model(tiny_bert: Path) -> TextEncoder:
    torch.manual_seed(0)
    return TextEncoder.from_encoder(tiny_bert, NAMES, pooling="mean").eval()


@pytest.fixture
def folder(model: TextEncoder, tiny_bert: Path, tmp_path: Path) -> Path:
    model.save_pretrained(tmp_path / "saved")
    load_tokenizer(tiny_bert).save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"


def tokens(folder: Path) -> dict[str, Tensor]:
    return dict(load_tokenizer(folder)(["team win", "bank shares price profit"], padding=True, return_tensors="pt"))


@pytest.mark.parametrize("loader", [TextEncoder, AutoModelForSequenceClassification])
def test_round_trip(loader: Any, model: TextEncoder, folder: Path) -> None:
    loaded = loader.from_pretrained(folder)
    assert type(loaded) is TextEncoder
    assert not loaded.training
    assert loaded.config.id2label == dict(enumerate(NAMES))
    assert loaded.config.label2id == {name: index for index, name in enumerate(NAMES)}
    assert loaded.config.pooling == "mean"
    assert torch.equal(loaded(**tokens(folder)).logits, model(**tokens(folder)).logits)


def test_every_weight_is_on_disk_once(model: TextEncoder, folder: Path) -> None:
    files = {str(path.relative_to(folder)): load_file(path) for path in folder.rglob("*.safetensors")}
    assert set(files) == {"head.safetensors", "body/model.safetensors"}
    assert set(files["head.safetensors"]) == {"classifier.weight", "classifier.bias"}
    stored = [name for weights in files.values() for name in weights]
    assert sorted(stored) == sorted(model.state_dict())
    index = json.loads((folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert index == {name: file for file, weights in files.items() for name in weights}
    assert not list(folder.rglob("*.bin"))


@pytest.mark.parametrize("mask", [0o022, 0o007, 0o077])
def test_every_file_has_the_permissions_of_a_new_file(model: TextEncoder, tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        model.save_pretrained(tmp_path / "shared")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "shared").rglob("*") if path.is_file()]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in files} == {
        path.name: oct(0o666 & ~mask) for path in files
    }


def test_the_bare_encoder_and_the_tokenizer_load_without_gloss_pyg(model: TextEncoder, folder: Path) -> None:
    code = f"""
import sys, torch
from transformers import AutoModel, AutoTokenizer
body, info = AutoModel.from_pretrained({str(folder / "body")!r}, output_loading_info=True)
assert not any(info.values()), info
tokens = AutoTokenizer.from_pretrained({str(folder)!r})(["team win"], return_tensors="pt")
assert not [name for name in sys.modules if name.startswith("gloss_pyg")]
torch.save(body(**tokens).last_hidden_state.mean(1), {str(folder / "out.pt")!r})
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    expected = model(**load_tokenizer(folder)(["team win"], return_tensors="pt")).embeddings
    torch.testing.assert_close(torch.load(folder / "out.pt", weights_only=True), expected)


def test_a_pipeline_names_the_labels(folder: Path) -> None:
    classify = pipeline("text-classification", model=str(folder), tokenizer=AutoTokenizer.from_pretrained(folder))
    answers = classify(["team win", "album"])
    assert {answer["label"] for answer in answers} <= set(NAMES)


def test_saving_over_a_plain_checkpoint_replaces_its_weights(model: TextEncoder, tiny_bert: Path, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes((tiny_bert / "model.safetensors").read_bytes())
    with torch.no_grad():
        model.classifier.bias.fill_(7)
    model.save_pretrained(folder)
    assert TextEncoder.from_pretrained(folder).classifier.bias.tolist() == [7, 7, 7]
    assert not (folder / "model.safetensors").exists()


def test_only_the_main_process_writes(model: TextEncoder, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "other", is_main_process=False)
    assert not [path for path in (tmp_path / "other").rglob("*") if path.is_file()]


def test_weights_given_as_a_state_dict_are_the_ones_written(model: TextEncoder, folder: Path) -> None:
    weights = {name: torch.zeros_like(value) for name, value in model.state_dict().items()}
    model.save_pretrained(folder, state_dict=weights)
    assert not any(value.any() for value in TextEncoder.from_pretrained(folder).state_dict().values())
    assert len(weights) == len(model.state_dict())  # the caller's dictionary was not emptied


def test_the_encoder_of_a_saved_one_starts_another(model: TextEncoder, folder: Path) -> None:
    other = TextEncoder.from_encoder(folder, ["good", "bad"])
    assert other.config.pooling == "mean"
    assert other.config.num_labels == 2
    for name, weight in other.body.state_dict().items():
        assert torch.equal(weight, model.body.state_dict()[name])


def test_a_saved_loss_is_no_surprise_when_loading(
    model: TextEncoder, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    model.add_module("gloss_loss", torch.nn.Linear(1, 1))
    model.save_pretrained(folder)
    capfd.readouterr()
    loaded, info = TextEncoder.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    assert "UNEXPECTED" not in capfd.readouterr().err
    assert torch.equal(loaded.classifier.weight, model.classifier.weight)


def test_half_precision_weights_come_back_for_training_in_float32(model: TextEncoder, folder: Path) -> None:
    model.half().save_pretrained(folder)
    assert TextEncoder.from_pretrained(folder).dtype == torch.float16
    assert TextEncoder.from_encoder(folder / "body", NAMES).dtype == torch.float32


def test_a_plain_encoder_is_no_saved_text_encoder(tiny_bert: Path) -> None:
    with pytest.raises(ConfigError, match=r"'bert' model, no TextEncoder.*from_encoder"):
        TextEncoder.from_pretrained(tiny_bert)


def test_a_stock_classifier_is_told_how_to_keep_what_it_has_learned(tiny_bert: Path, tmp_path: Path) -> None:
    stock = BertForSequenceClassification(BertConfig.from_pretrained(tiny_bert, num_labels=3))
    stock.save_pretrained(tmp_path)
    message = r"holds a BertForSequenceClassification, no TextEncoder.*pipeline\('text-classification', '.*untrained"
    with pytest.raises(ConfigError, match=message):
        TextEncoder.from_pretrained(tmp_path)


CODE = """
from transformers import BertConfig, BertModel

class OddConfig(BertConfig):
    model_type = "odd_one"

class OddModel(BertModel):
    config_class = OddConfig

    def forward(self, input_ids, attention_mask=None):
        output = super().forward(input_ids, attention_mask)
        output.last_hidden_state = output.last_hidden_state + 100
        return output
"""


@pytest.fixture
def odd(tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An encoder that comes with code of its own."""
    monkeypatch.setattr("transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.syspath_prepend(str(tmp_path / "modules"))
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "odd_code.py").write_text(CODE)
    settings = json.loads((tiny_bert / "config.json").read_text())
    settings["model_type"] = "odd_one"
    settings["auto_map"] = {"AutoConfig": "odd_code.OddConfig", "AutoModel": "odd_code.OddModel"}
    (folder / "config.json").write_text(json.dumps(settings))
    (folder / "model.safetensors").write_bytes((tiny_bert / "model.safetensors").read_bytes())
    return folder


def test_code_that_comes_with_an_encoder_runs_only_when_asked(odd: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trust_remote_code"):
        TextEncoder.from_encoder(odd, NAMES)
    model = TextEncoder.from_encoder(odd, NAMES, trust_remote_code=True).eval()
    ids = torch.tensor([[2, 7, 3]])
    embeddings = model(input_ids=ids).embeddings
    assert embeddings.min() > 50
    model.save_pretrained(tmp_path / "saved-odd")
    with pytest.raises(ConfigError, match="trust_remote_code=True"):
        TextEncoder.from_pretrained(tmp_path / "saved-odd")
    again = TextEncoder.from_pretrained(tmp_path / "saved-odd", trust_remote_code=True)
    torch.testing.assert_close(again(input_ids=ids).embeddings, embeddings)
