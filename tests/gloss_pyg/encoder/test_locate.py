"""Names of encoders: each kind is found, and each wrong one is answered at once, with what to do."""

import hashlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from gloss_pyg.encoder import TextEncoder, load_tokenizer, offline
from gloss_pyg.encoder.locate import default_pooling, load_config, locate_encoder
from gloss_pyg.errors import ConfigError, MissingExtraError, UnavailableError

needs_offline = pytest.mark.skipif(
    importlib.util.find_spec(offline.PACKAGE) is None, reason="needs the extra 'offline'"
)


@needs_offline
def test_offline_is_minilm_with_mean_pooling_found_without_importing_its_package() -> None:
    model = TextEncoder.from_encoder("offline", ["a", "b"])
    assert model.config.pooling == "mean"
    assert model.classifier.in_features == 384
    assert model.body.config.num_hidden_layers == 6
    assert offline.PACKAGE not in sys.modules
    assert str(Path(sys.prefix)) not in model.config.to_json_string()  # no path of this machine goes into a saved model


@needs_offline
def test_offline_weights_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offline._sha256.cache_clear()
    assert offline.offline_folder() == offline.offline_folder()
    assert offline._sha256.cache_info().misses == 1


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the installed package, with weights of other contents."""
    folder = tmp_path / offline.PACKAGE
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "model" / "model.safetensors").write_bytes(b"something else")
    monkeypatch.setattr(offline, "package_folder", lambda *args, **kwargs: folder)
    offline._sha256.cache_clear()
    return folder


def test_other_weights_under_the_name_offline_are_refused(package: Path) -> None:
    with pytest.raises(ConfigError, match=r"not the published.*sha256 is [0-9a-f]{64}.*--force-reinstall"):
        locate_encoder("offline")


def test_weights_mended_after_a_refusal_are_looked_at_again(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError):
        locate_encoder("offline")
    weights = package / "model" / "model.safetensors"
    weights.write_bytes(b"mended weights")
    monkeypatch.setattr(offline, "WEIGHTS_SHA256", hashlib.sha256(b"mended weights").hexdigest())
    assert locate_encoder("offline") == str(package / "model")


def test_a_package_without_weights_is_refused(package: Path) -> None:
    (package / "model" / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"has no .*--force-reinstall"):
        locate_encoder("offline")


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r'pip install "gloss-pyg\[offline\]"'):
        locate_encoder("offline")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./nowhere", r"no folder '\./nowhere'"),
        ("/nowhere/at/all", "no folder"),
        ("~/nowhere-at-all", "no folder"),
        ("a/b/c", r"no name of the Hub either \('owner/model'\)"),
        ("my model", "no name of the Hub"),
        ("", "no name of the Hub|no config.json"),
    ],
)
def test_what_can_be_no_name_is_answered_before_the_hub_is_asked(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TextEncoder.from_encoder(name, ["a", "b"])


def test_a_path_that_is_not_there_is_not_looked_up_on_the_hub() -> None:
    with pytest.raises(ConfigError, match="no folder 'owner/model'"):
        locate_encoder(Path("owner/model"))


def test_a_folder_without_config_and_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no config\.json"):
        TextEncoder.from_encoder(tmp_path, ["a", "b"])
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigError, match="is a file"):
        TextEncoder.from_encoder(tmp_path / "config.json", ["a", "b"])


@pytest.mark.parametrize("contents", ["", "not json", "{}", '{"model_type": "no-such-model"}', "[1]"])
def test_a_broken_config_is_refused(contents: str, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(contents)
    with pytest.raises(ConfigError, match="cannot be loaded"):
        TextEncoder.from_encoder(tmp_path, ["a", "b"])


def test_a_folder_without_weights_is_refused(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_bert / "config.json").read_bytes())
    with pytest.raises(ConfigError, match="cannot be loaded"):
        TextEncoder.from_encoder(tmp_path, ["a", "b"])


def test_broken_weights_are_refused(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_bert / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes((tiny_bert / "model.safetensors").read_bytes()[:1000])
    with pytest.raises(ConfigError, match="cannot be loaded"):
        TextEncoder.from_encoder(tmp_path, ["a", "b"])


def test_a_hub_name_without_a_network_says_what_works() -> None:
    with pytest.raises(ConfigError, match=r"'someone/some-model' is no folder here.*HF_HUB_OFFLINE.*use 'offline'"):
        TextEncoder.from_encoder("someone/some-model", ["a", "b"])
    with pytest.raises(ConfigError, match="Did you mean 'offline'"):
        TextEncoder.from_encoder("ofline", ["a", "b"])


def test_a_tokenizer_without_its_model_is_answered_as_the_model_is() -> None:
    with pytest.raises(UnavailableError, match=r"'someone/some-model' is no folder here.*HF_HUB_OFFLINE"):
        load_tokenizer("someone/some-model")
    with pytest.raises(UnavailableError, match="Did you mean 'offline'") as caught:
        load_tokenizer("ofline")
    assert "save_pretrained" not in str(caught.value)


def test_a_broken_tokenizer_in_a_folder_says_what_to_save(tiny_bert: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_bytes((tiny_bert / "config.json").read_bytes())
    (tmp_path / "tokenizer.json").write_text("not json")
    with pytest.raises(ConfigError, match=r"cannot be loaded\. Save it beside the model"):
        load_tokenizer(tmp_path)


def test_no_tokenizer_beside_the_model(tiny_bert: Path, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).write_bytes((tiny_bert / name).read_bytes())
    with pytest.raises(ConfigError, match="no tokenizer in"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize(
    ("stated", "pooling"),
    [
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode": "cls"}, "cls"),
        ({"pooling_mode": "mean"}, "mean"),
        ({"pooling_mode": "max"}, "mean"),
        (None, "cls"),
    ],
)
def test_pooling_follows_sentence_transformers(stated: dict[str, object] | None, pooling: str, tmp_path: Path) -> None:
    if stated is not None:
        (tmp_path / "1_Pooling").mkdir()
        (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps(stated))
    assert default_pooling(str(tmp_path)) == pooling


def test_load_config_reads_what_is_there(tiny_bert: Path) -> None:
    assert load_config(locate_encoder(tiny_bert)).hidden_size == 32
