import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
from source_caches import forget_sources

from gloss_pyg.compare import identity
from gloss_pyg.compare.cell import make_method
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.description import describe, digest

ARGUMENTS = {"class_path": "fake_methods.FakeMethod", "init_args": {"model": "offline", "steps": 3}}


def digest_of(arguments: dict[str, Any] = ARGUMENTS, content: str = "x", seed: int = 0, **fields: Any) -> str:
    spec = DataSpec(**{"name_or_path": "bbc", **fields})
    return digest(identity.cell_settings(make_method(arguments), arguments, spec, content, seed))


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


def test_where_checkpoints_lie_does_not() -> None:
    plain = {"class_path": "gloss_pyg.FineTuning", "init_args": {"checkpoints": None}}
    kept = {"class_path": "gloss_pyg.FineTuning", "init_args": {"checkpoints": "somewhere"}}
    assert digest_of(plain) == digest_of(kept)
    assert digest_of(kept | {"init_args": kept["init_args"] | {"patience": 2}}) != digest_of(kept)  # type: ignore[operator]


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
        forget_sources()
        digests.append(digest_of(arguments))
    sys.modules.pop("own_method", None)
    assert (digests[0] == digests[1]) is same


def test_a_default_that_a_part_fills_in_is_seen() -> None:
    described = describe(make_method({"class_path": "fake_methods.FakeMethod", "init_args": {}}))
    assert described["arguments"]["smoothing"]["class"] == "fake_methods.Smoothing"
    assert described["arguments"]["smoothing"]["arguments"] == {"amount": 1.0}
