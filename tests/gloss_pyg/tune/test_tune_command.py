"""The command: what it finds, what it leaves, what it refuses, and that it never looks at a test label."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

pytest.importorskip("optuna")

import gloss_pyg.tune.documents as documents_module
from gloss_pyg.compare.__main__ import main as compare
from gloss_pyg.tune.__main__ import main

HILL = {"class_path": "tuned_methods.Hill"}


def hill(kind="Hill", **arguments):
    return {"class_path": f"tuned_methods.{kind}", "init_args": arguments}


def seen(fits):
    return [json.loads(line) for line in fits.read_text().splitlines()] if fits.exists() else []


def trials(folder):
    with (folder / "trials.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_it_finds_the_best_values_and_compare_runs_them(search_file, fits, tmp_path, capsys):
    part = {"class_path": "tuned_methods.Part"}
    methods = {"hill": HILL, "parted": hill("Parted", part=part), "fixed": hill("Fixed", x=2.5)}
    search = {"parted": {"part.y": {"low": 0.0, "high": 9.0}, "x": {"choices": [1.0, 3.0]}}}
    path = search_file(methods=methods, search=search)
    assert main([f"--config={path}"]) == 0
    said = capsys.readouterr()
    assert "fixed has nothing to search" in said.err
    assert "hill on texts, trial 12 of 12" in said.err
    assert "Compare: python -m gloss_pyg.compare --config" in said.out
    assert len(seen(fits)) == 24  # as many for each, none for the one without a search
    assert {fit["seed"] for fit in seen(fits)} == {0}
    rows = trials(tmp_path / "results")
    assert [row["method"] for row in rows] == ["hill"] * 12 + ["parted"] * 12
    best = tmp_path / "results" / "best-texts.yaml"
    content = yaml.safe_load(best.read_text())
    top = max((float(row["score"]), float(row["x"])) for row in rows[:12] if row["state"] == "finished")
    assert content["methods"]["hill"]["init_args"]["x"] == top[1]
    assert abs(top[1] - 3) < 1
    assert content["methods"]["parted"]["init_args"]["x"] == 3.0
    assert content["methods"]["parted"]["init_args"]["part"]["init_args"]["y"] > 0
    assert content["methods"]["fixed"]["init_args"]["x"] == 2.5
    assert content["seeds"] == [0, 1]
    assert "12 trials a method" in best.read_text()
    with Image.open(tmp_path / "results" / "history.png") as picture:
        assert np.asarray(picture).std() > 5
    assert compare([f"--config={best}", f"--output={tmp_path / 'compared'}"]) == 0
    assert len((tmp_path / "compared" / "results.jsonl").read_text().splitlines()) == 6


def test_what_is_finished_is_not_run_again_and_a_longer_search_goes_on(search_file, fits):
    path = search_file(trials=4)
    assert main([f"--config={path}"]) == 0
    assert main([f"--config={path}"]) == 0
    assert len(seen(fits)) == 4
    assert main([f"--config={path}", "--trials=6"]) == 0
    assert len(seen(fits)) == 6
    for changed in ("--sampler-seed=1", "--fit-seed=1", "--prune=false", "--methods.hill.steps=5"):
        before = len(seen(fits))
        assert main([f"--config={path}", "--trials=2", changed]) == 0
        assert len(seen(fits)) == before + 2, changed
    assert main([f"--config={search_file(search={'hill': {'x': {'low': 1.0, 'high': 2.0}}})}", "--trials=2"]) == 0
    assert len(seen(fits)) == before + 4


def test_no_method_profits_from_a_longer_search_before(search_file, fits, tmp_path):
    assert main([f"--config={search_file(trials=9)}"]) == 0
    path = search_file(methods={"hill": HILL, "other": HILL}, trials=2)
    assert main([f"--config={path}"]) == 0
    rows = trials(tmp_path / "results")
    assert [row["method"] for row in rows] == ["hill"] * 9 + ["other"] * 2
    best = (tmp_path / "results" / "best-texts.yaml").read_text()
    assert "2 trials a method" in best
    assert best.count(" of 2, validation") == 2
    first = max(rows[:2], key=lambda row: float(row["score"]))
    assert yaml.safe_load(best)["methods"]["hill"]["init_args"]["x"] == float(first["x"])


def test_a_search_cut_short_has_had_as_many_trials_of_each_method_and_says_so(search_file, fits, tmp_path, monkeypatch):
    path = search_file(methods={"hill": HILL, "other": HILL, "third": HILL}, trials=3)
    begun = iter([True] * 5)
    monkeypatch.setattr("gloss_pyg.tune.engine.Engine._has_time", lambda self: next(begun, False))
    assert main([f"--config={path}", "--max-hours=1"]) == 3
    assert [row["method"] for row in trials(tmp_path / "results")] == ["hill"] * 2 + ["other"] * 2 + ["third"]
    best = (tmp_path / "results" / "best-texts.yaml").read_text()
    assert "unfinished, of 3 trials a method 2 of hill, 2 of other, 1 of third" in best


def test_an_earlier_outcome_does_not_outlive_a_search_that_found_nothing(search_file, tmp_path):
    assert main([f"--config={search_file(trials=2)}"]) == 0
    assert main([f"--config={search_file(methods={'hill': hill(fails_above=-1.0)}, trials=2)}"]) == 1
    assert sorted(path.name for path in (tmp_path / "results").glob("*.[yp]*")) == []


def test_hopeless_trials_are_ended_unless_told_otherwise(search_file, tmp_path):
    path = search_file(trials=11)
    assert main([f"--config={path}"]) == 0
    rows = trials(tmp_path / "results")
    assert {row["state"] for row in rows} == {"finished", "pruned"}
    assert all(row["state"] == "finished" for row in rows[:5])
    worst = min(float(row["score"]) for row in rows[:5])
    assert all(int(row["steps"]) < 40 for row in rows if row["state"] == "pruned")
    assert max(float(row["score"]) for row in rows if row["state"] == "finished") >= worst
    assert main([f"--config={path}", "--prune=false", f"--output={tmp_path / 'all'}"]) == 0
    assert {row["state"] for row in trials(tmp_path / "all")} == {"finished"}


def test_the_same_search_finds_the_same_values(search_file, tmp_path):
    path = search_file(trials=6)
    for name in ("one", "two"):
        assert main([f"--config={path}", f"--output={tmp_path / name}"]) == 0
    values = [[(row["x"], row["score"]) for row in trials(tmp_path / name)] for name in ("one", "two")]
    assert values[0] == values[1]


class Untouchable:
    """A split that may give its texts, and nothing else."""

    def __init__(self, split):
        self._texts = list(split["text"])

    def __getitem__(self, name):
        assert name == "text", f"tuning asked the test split for {name!r}"
        return self._texts

    def __getattr__(self, name):
        raise AssertionError(f"tuning asked the test split for {name!r}")


def test_it_never_looks_at_a_test_label(search_file, fits, monkeypatch):
    load = documents_module.load_splits
    documents_module.load_documents.cache_clear()

    def guarded(spec, seed):
        splits = load(spec, seed)
        object.__setattr__(
            splits, "documents", dict(splits.documents) | {"test": Untouchable(splits.documents["test"])}
        )
        return splits

    monkeypatch.setattr(documents_module, "load_splits", guarded)
    methods = {"hill": HILL, "sees-texts": hill("Transductive")}
    assert main([f"--config={search_file(methods=methods, trials=3)}"]) == 0
    assert [fit["test_texts"] for fit in seen(fits)] == [None, 18] * 3  # the methods by turns
    documents_module.load_documents.cache_clear()


def test_other_test_labels_give_the_same_search(search_file, fits, tmp_path):
    splits = {}
    for name, rows in {"train": 30, "val": 12, "test": 12}.items():
        splits[name] = [(f"{'abc'[row % 3]} {name}{row}", "rgb"[row % 3]) for row in range(rows)]
    for folder, turn in (("one", 0), ("two", 1)):
        (tmp_path / folder).mkdir()
        for name, rows in splits.items():
            labels = [label for _, label in rows]
            shift = turn if name == "test" else 0
            labels = labels[shift:] + labels[:shift]
            lines = [f"{text},{label}" for (text, _), label in zip(rows, labels, strict=True)]
            (tmp_path / folder / f"{name}.csv").write_text("\n".join(["text,label", *lines]) + "\n")
    for folder in ("one", "two"):
        data = {"texts": {"name_or_path": str(tmp_path / folder)}}
        assert main([f"--config={search_file(data=data, trials=3)}"]) == 0
    assert len(seen(fits)) == 3  # the very same search, which is finished


def test_a_trial_that_fails_is_told_and_the_rest_goes_on(search_file, fits, tmp_path, capsys):
    path = search_file(methods={"hill": hill(fails_above=3.0)}, trials=6)
    assert main([f"--config={path}"]) == 1
    rows = trials(tmp_path / "results")
    assert {row["state"] for row in rows} >= {"failed", "finished"}
    assert all(float(row["x"]) > 3 for row in rows if row["state"] == "failed")
    assert "RuntimeError: x=" in capsys.readouterr().err
    assert (
        yaml.safe_load((tmp_path / "results" / "best-texts.yaml").read_text())["methods"]["hill"]["init_args"]["x"] <= 3
    )
    assert main([f"--config={path}"]) == 1
    assert len(seen(fits)) == 6


def test_where_nothing_could_be_finished_there_is_no_configuration(search_file, tmp_path):
    assert main([f"--config={search_file(methods={'hill': hill(fails_above=-1.0)}, trials=2)}"]) == 1
    assert not list((tmp_path / "results").glob("*.yaml"))
    assert main([f"--config={search_file(methods={'hill': hill(says_nothing=True)}, trials=1)}"]) == 1
    assert "reports no validation score" in trials(tmp_path / "results")[0]["error"]


def test_workers_share_the_trials_and_a_killed_command_loses_none(search_file, fits, tmp_path):
    path = search_file(methods={"hill": hill(seconds=0.2)}, trials=6, prune=False)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-m", "gloss_pyg.tune", f"--config={path}", "--workers=2"]
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    end = time.monotonic() + 200
    while len(seen(fits)) < 2:
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)
    run.send_signal(signal.SIGKILL)
    run.communicate(timeout=60)
    begun = seen(fits)
    assert os.getpid() not in {fit["pid"] for fit in begun}
    assert main([f"--config={path}"]) == 0
    rows = trials(tmp_path / "results")
    assert len({row["x"] for row in rows}) == len(rows) == 6
    assert {str(fit["x"]) for fit in begun} <= {row["x"] for row in rows}  # what was lost has been tried again


def test_ctrl_c_keeps_what_is_finished(search_file, fits, monkeypatch, capsys):
    import tuned_methods

    fit, calls = tuned_methods.Hill.fit, []

    def interrupted(self, *arguments, **more):
        calls.append(self.x)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(self, *arguments, **more)

    monkeypatch.setattr(tuned_methods.Hill, "fit", interrupted)
    path = search_file(trials=4)
    assert main([f"--config={path}"]) == 130
    assert "2 of 4 trials are finished" in capsys.readouterr().err
    assert main([f"--config={path}"]) == 0
    assert calls[3] == calls[2]
    assert len(seen(fits)) == 4


def test_no_trial_is_begun_that_would_not_end_in_time(search_file, fits, capsys):
    path = search_file(methods={"hill": hill(seconds=0.3, steps=1)}, trials=8)
    assert main([f"--config={path}", "--max-hours=0.0002"]) == 3
    assert 1 <= len(seen(fits)) < 8
    assert "were not begun" in capsys.readouterr().err


def test_a_dry_run_trains_nothing(search_file, fits, tmp_path, capsys):
    assert main([f"--config={search_file()}", "--dry-run"]) == 0
    assert "x: from 0 to 6" in capsys.readouterr().out
    assert not fits.exists()
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("fields", "option", "message"),
    [
        (
            {"search": {"hlil": {"x": {"low": 0, "high": 1}}}},
            "",
            "search.hlil: there is no such method. Did you mean 'hill'",
        ),
        ({"search": {"hill": {"xx": {"low": 0, "high": 1}}}}, "", "there is no argument 'xx'"),
        ({"search": {"hill": {"x": {"low": -1.0, "high": 1.0}}}}, "", "search.hill: x=-1.0; expected a number from 0"),
        ({"search": {"hill": {"part": {"choices": ["OtherPart", "Nothing"]}}}}, "", "search.hill"),
        ({"search": {"hill": {"parts.z": {"low": 0, "high": 1}}}}, "", "there is no argument 'parts'"),
        ({"search": [1]}, "", "expected the ranges of each method"),
        ({"methods": {"fixed": {"class_path": "tuned_methods.Fixed"}}}, "", "has anything to search"),
        ({}, "--trials=0", "trials=0; expected"),
        ({}, "--sampler-seed=-1", "expected a whole number"),
        ({}, "--trails=3", "Did you mean '--trials'"),
        ({}, "--search.hill=3", "There is no option '--search.hill'"),
        ({}, "--data=nowhere.csv", "nowhere.csv"),
    ],
)
def test_what_cannot_work_is_answered_before_anything_is_run(
    search_file, fits, tmp_path, capsys, fields, option, message
):
    assert main([f"--config={search_file(**fields)}", *([option] if option else [])]) == 2
    assert message in capsys.readouterr().err
    assert not fits.exists()
    assert not (tmp_path / "results").exists()


def test_compare_says_who_runs_such_a_configuration(search_file, capsys):
    assert compare([f"--config={search_file()}"]) == 2
    assert "python -m gloss_pyg.tune" in capsys.readouterr().err


def test_help_is_quick_and_a_missing_extra_is_named(monkeypatch, capsys):
    assert main(["--help"]) == 0
    assert "--sampler-seed" in capsys.readouterr().out
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([]) == 2
    assert "gloss-pyg[tune]" in capsys.readouterr().err
