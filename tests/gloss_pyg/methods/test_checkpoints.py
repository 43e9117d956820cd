"""A fit that was stopped goes on from its own checkpoint, and from no other fit's."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gloss_pyg import FineTuning
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.methods import FitReport
from gloss_pyg.methods.checkpoints import own_folder
from gloss_pyg.training import KeepBest


def make(model: Path, folder: Path | None, **settings: Any) -> FineTuning:
    loss = HybridLoss(GLoss(DenseGaussian("learned")), weight=0.5)
    given = {"max_length": 16, "batch_size": 16, "max_steps": 8, "evaluate_every": 2, "learning_rate": 1e-3}
    return FineTuning(str(model), checkpoints=folder, **(given | {"loss": loss} | settings))


def fit(method: FineTuning, splits: Any, seed: int = 0) -> tuple[np.ndarray, FitReport]:
    report = method.fit(splits["train"], splits["validation"], seed=seed)
    return method.predict_proba(splits["test"]["text"]), report


def assert_same(found: tuple[np.ndarray, FitReport], expected: tuple[np.ndarray, FitReport]) -> None:
    np.testing.assert_allclose(found[0], expected[0], atol=1e-6)
    for name in ("steps", "epochs", "best_step", "best_score", "stopped_by"):
        assert getattr(found[1], name) == getattr(expected[1], name), name
    assert [row["step"] for row in found[1].history] == [row["step"] for row in expected[1].history]


class Killed(BaseException):
    """Stands for `kill -9`."""


def kill_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    before = KeepBest.on_step_begin

    def on_step_begin(self: Any, args: Any, state: Any, control: Any, **options: Any) -> None:
        before(self, args, state, control, **options)
        if state.global_step == step:
            raise Killed

    monkeypatch.setattr(KeepBest, "on_step_begin", on_step_begin)


def test_a_fit_that_was_killed_ends_as_an_uninterrupted_one(
    tiny_texts: Any, tiny_bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    whole = fit(make(tiny_bert, None), tiny_texts)
    with monkeypatch.context() as patch:
        kill_at(5, patch)
        with pytest.raises(Killed):
            fit(make(tiny_bert, tmp_path), tiny_texts)
    (folder,) = tmp_path.iterdir()
    assert sorted(path.name for path in folder.glob("checkpoint-*")) == ["checkpoint-2", "checkpoint-4"]
    # Killed while it wrote a third one: part of it is there.
    (folder / "checkpoint-6").mkdir()
    (folder / "checkpoint-6" / "config.json").write_text("{}")
    with caplog.at_level("INFO", logger="gloss_pyg.progress"):
        assert_same(fit(make(tiny_bert, tmp_path), tiny_texts), whole)
    assert f"going on from {folder / 'checkpoint-4'}" in caplog.messages


@pytest.mark.parametrize("settings", [{}, {"patience": 1, "learning_rate": 1e-12}], ids=["limit", "patience"])
def test_a_finished_fit_is_not_trained_further(
    tiny_texts: Any, tiny_bert: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    first = fit(make(tiny_bert, tmp_path, **settings), tiny_texts)
    assert first[1].stopped_by == ("patience" if settings else "limit")
    assert_same(fit(make(tiny_bert, tmp_path, **settings), tiny_texts), first)


def test_another_seed_in_the_same_place_is_another_fit(tiny_texts: Any, tiny_bert: Path, tmp_path: Path) -> None:
    expected = fit(make(tiny_bert, None), tiny_texts, seed=1)
    fit(make(tiny_bert, tmp_path), tiny_texts, seed=0)
    assert_same(fit(make(tiny_bert, tmp_path), tiny_texts, seed=1), expected)
    seeds = [json.loads((folder / "fit.json").read_text())["seed"] for folder in tmp_path.iterdir()]
    assert sorted(seeds) == [0, 1]


def test_whatever_determines_a_fit_has_a_folder_of_its_own(tiny_texts: Any, tiny_bert: Path, tmp_path: Path) -> None:
    def folder(seed: int = 0, place: Path | None = None, splits: Any = tiny_texts, **settings: Any) -> str:
        method = make(tiny_bert, place, **settings)
        return own_folder(tmp_path, method, splits["train"], splits["validation"], seed).name

    swapped = {"train": tiny_texts["train"].select([1, 0, *range(2, 60)]), "validation": tiny_texts["validation"]}
    fewer = {"train": tiny_texts["train"], "validation": tiny_texts["validation"].select(range(29))}
    others = [
        folder(seed=1),
        folder(learning_rate=2e-3),
        folder(max_steps=9),
        folder(loss=HybridLoss(GLoss(DenseGaussian("learned")), weight=0.6)),
        folder(loss=HybridLoss(GLoss(DenseGaussian(0.5)), weight=0.5)),
        folder(splits=swapped),
        folder(splits=fewer),
    ]
    assert len({folder(), *others}) == 1 + len(others)
    assert folder(place=tmp_path / "elsewhere") == folder()
