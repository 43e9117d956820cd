"""A raised limit of steps: fits that it cut off are made anew, fits that ended by their score are not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gloss_pyg.compare.__main__ import main

Run = Callable[..., int]


@pytest.fixture
def run(
    config_file: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    journal = tmp_path / "journal"
    journal.write_text("")
    monkeypatch.setenv("FAKE_METHODS_JOURNAL", str(journal))
    path = config_file(methods={"bounded": {"class_path": "fake_methods.Bounded", "init_args": {"max_steps": 30}}})

    def fits(*options: str) -> int:
        before = len(journal.read_text().splitlines())
        assert main([f"--config={path}", *options]) == 0
        capsys.readouterr()
        return len(journal.read_text().splitlines()) - before

    return fits


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]


def test_fits_that_ended_by_their_score_are_taken_over(run: Run, tmp_path: Path) -> None:
    assert run() == 2
    first = records(tmp_path / "results")
    assert run("--methods.bounded.max_steps=40") == 0
    second = records(tmp_path / "results")
    for before, after in zip(first, second, strict=True):
        assert after["taken_over_from"] == before["digest"] != after["digest"]
        assert json.loads(after["method_arguments"])["max_steps"] == 40
        cells = tmp_path / "results" / "cells"
        for name in ("predictions.parquet", "history.json"):
            assert (cells / after["digest"] / name).read_bytes() == (cells / before["digest"] / name).read_bytes()
        settings = json.loads((cells / after["digest"] / "settings.json").read_text())
        assert settings["method"]["init_args"]["max_steps"] == 40
        same = ("accuracy", "macro_f1", "steps", "stopped_by", "seed", "started_at")
        assert [before[key] for key in same] == [after[key] for key in same]
    assert run("--methods.bounded.max_steps=40") == run() == 0


@pytest.mark.parametrize(
    ("then", "fits"),
    [
        (["--methods.bounded.max_steps=29"], 2),  # which would have cut them off
        (["--methods.bounded.max_steps=null", "--methods.bounded.max_epochs=2"], 2),  # less than they took
        (["--methods.bounded.max_steps=null", "--methods.bounded.max_epochs=3"], 0),
        (["--methods.bounded.max_steps=40", "--methods.bounded.max_epochs=2"], 0),  # which bounds nothing then
        (["--methods.bounded.max_steps=40", "--methods.bounded.smoothing.amount=2"], 2),
        (["--methods.bounded.max_steps=40", "--data.labels_per_class=9"], 2),
        (["--methods.bounded.max_steps=40", "--seeds=[0, 7]"], 1),
    ],
)
def test_only_what_is_the_same_is_taken_over(run: Run, then: list[str], fits: int) -> None:
    run("--methods.bounded.smoothing=Smoothing")
    assert run("--methods.bounded.smoothing=Smoothing", *then) == fits


def test_fits_that_were_cut_off_are_made_anew(run: Run) -> None:
    assert run("--methods.bounded.max_steps=20") == 2
    assert run() == 2


def test_a_dry_run_says_what_would_be_taken_over(
    run: Run, config_file: Callable[..., Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run()
    path = tmp_path / "comparison.yaml"
    assert main([f"--config={path}", "--methods.bounded.max_steps=40", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("finished") == 3  # two cells, and the line below
    assert len(list((tmp_path / "results" / "cells").glob("*/record.json"))) == 2


def test_methods_that_name_no_limits_are_fitted_anew(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from fake_methods import Bounded

    monkeypatch.setattr(Bounded, "limits", {})
    assert run() == 2
    assert run("--methods.bounded.max_steps=40") == 2
