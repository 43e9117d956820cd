import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from gloss_pyg.compare import identity
from gloss_pyg.compare.cell import make_method
from gloss_pyg.compare.configuration import DataSpec

ARGUMENTS = {"class_path": "fake_methods.FakeMethod", "init_args": {"model": "offline", "steps": 3}}


def digest_of(arguments: dict[str, Any] = ARGUMENTS, content: str = "x", seed: int = 0, **fields: Any) -> str:
    spec = DataSpec(**{"name_or_path": "bbc", **fields})
    return identity.digest(identity.cell_settings(make_method(arguments), arguments, spec, content, seed))


def with_arguments(**arguments: Any) -> dict[str, Any]:
    return ARGUMENTS | {"init_args": ARGUMENTS["init_args"] | arguments}  # type: ignore[operator]


def test_equal_settings_give_equal_digests() -> None:
    assert digest_of() == digest_of()


@pytest.mark.parametrize(
    "change",
    [
        {"arguments": with_arguments(steps=4)},
        {"arguments": with_arguments(model="other")},
        {"arguments": ARGUMENTS | {"class_path": "fake_methods.FakeTransductive"}},
        {"arguments": with_arguments(smoothing={"class_path": "fake_methods.Smoothing", "init_args": {"amount": 2.0}})},
        {"content": "y"},
        {"seed": 1},
        {"labels_per_class": 5},
        {"train_size": 5},
        {"unlabelled": "keep"},
        {"test_size": 10},
        {"validation_size": 10},
    ],
    ids=str,
)
def test_everything_that_determines_a_result_changes_the_digest(change: dict[str, Any]) -> None:
    assert digest_of(**change) != digest_of()


@pytest.mark.parametrize("change", [{"name_or_path": "elsewhere/bbc"}, {"data_dir": "/data"}, {"text_column": "body"}])
def test_where_the_same_documents_lie_does_not(change: dict[str, Any]) -> None:
    assert digest_of(**change) == digest_of()


def test_which_import_path_of_a_class_was_written_does_not() -> None:
    loss = {"class_path": "gloss_pyg.losses.ClassificationLoss", "init_args": {}}
    short = {"class_path": "gloss_pyg.FineTuning", "init_args": {"loss": loss}}
    long = {
        "class_path": "gloss_pyg.methods.fine_tuning.FineTuning",
        "init_args": {"loss": loss | {"class_path": "gloss_pyg.losses.classification.ClassificationLoss"}},
    }
    assert digest_of(short) == digest_of(long)


def test_the_package_version_enters(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest_of()
    monkeypatch.setattr(identity, "version", lambda name: "99.0")
    assert digest_of() != before


MODULE = '''
"""A method of a user's own."""
from fake_methods import FakeMethod

class Own(FakeMethod):
    """Says what it is."""

    def __init__(self, rate: float = 0.1, model: str = "offline") -> None:
        super().__init__(model)
        self.rate = rate  # a comment
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("rate: float = 0.1", "rate: float = 0.2", False),
        ("super().__init__(model)", "super().__init__(model, steps=9)", False),
        ("Says what it is.", "Says it better.", True),
        ("# a comment", "# another", True),
    ],
)
def test_code_that_changes_enters_and_words_about_it_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, same: bool
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    arguments = {"class_path": "own_method.Own", "init_args": {}}
    digests = []
    for source in (MODULE, MODULE.replace(old, new)):
        (tmp_path / "own_method.py").write_text(source)
        sys.modules.pop("own_method", None)
        importlib.invalidate_caches()
        identity._code.cache_clear()
        identity._source_digest.cache_clear()
        digests.append(digest_of(arguments))
    sys.modules.pop("own_method", None)
    assert (digests[0] == digests[1]) is same


def test_a_default_that_a_part_fills_in_is_seen() -> None:
    described = identity.describe(make_method({"class_path": "fake_methods.FakeMethod", "init_args": {}}))
    assert described["arguments"]["smoothing"]["class"] == "fake_methods.Smoothing"
    assert described["arguments"]["smoothing"]["arguments"] == {"amount": 1.0}


def test_a_local_model_is_known_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "weights.bin").write_bytes(b"1")
    first = identity.describe(str(folder))
    elsewhere = folder.rename(tmp_path / "moved")
    assert identity.describe(str(elsewhere)) == first
    (elsewhere / "weights.bin").write_bytes(b"2")
    assert identity.describe(str(elsewhere)) != first


def test_a_folder_that_holds_no_model_and_a_bare_name_are_texts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert identity.describe(str(tmp_path)) == str(tmp_path)
    (tmp_path / "offline").mkdir()
    (tmp_path / "offline" / "config.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    assert identity.describe("offline") == "offline"
    assert identity.describe("a/" + 5000 * "x") == "a/" + 5000 * "x"


def test_tensors_modules_and_loops_are_described_by_value() -> None:
    class Part(torch.nn.Module):
        def __init__(self, scale: float, weights: torch.Tensor, parent: object = None) -> None:
            super().__init__()
            self.scale = scale
            self.weights = weights
            self.parent = [self]

    one, two = Part(0.5, torch.ones(3)), Part(0.5, torch.tensor([1.0, 1.0, 2.0]))
    assert identity.describe(one) == identity.describe(Part(0.5, torch.ones(3)))
    assert identity.describe(one)["arguments"]["weights"] != identity.describe(two)["arguments"]["weights"]
    assert identity.describe(one)["arguments"]["weights"][1] == [3]
    assert identity.describe(one)["arguments"]["parent"] == ["(itself)"]
    assert "torch" not in " ".join(identity.describe(one)["code"])
    json.dumps(identity.describe(one))


def test_installed_packages_count_by_their_version() -> None:
    from rich.text import Text

    (code,) = identity.describe(Text("x"))["code"]
    assert code.startswith("rich ")
