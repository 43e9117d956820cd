"""Cells in processes of their own: the same results, and no crash shared."""

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

from gloss_pyg.compare.__main__ import main
from gloss_pyg.compare.results import Results


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "journal"
    monkeypatch.setenv("FAKE_METHODS_JOURNAL", str(path))
    return path


def processes(journal: Path) -> list[int]:
    """The process of each fit so far."""
    return [int(line.split()[0]) for line in journal.read_text().splitlines()] if journal.exists() else []


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def method(**arguments: Any) -> dict[str, Any]:
    return {"class_path": "fake_methods.FakeMethod", "init_args": arguments}


def wait_for(condition: Callable[[], bool], seconds: float = 100) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def test_each_cell_has_a_process_and_the_results_of_one_worker(
    config_file: Callable[..., Path], journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(seeds=[0])
    assert main([f"--config={path}", f"--output={tmp_path / 'alone'}"]) == 0
    assert set(processes(journal)) == {os.getpid()}
    journal.unlink()
    assert main([f"--config={path}", f"--output={tmp_path / 'apart'}", "--workers=2"]) == 0
    assert len(set(processes(journal))) == 2
    assert os.getpid() not in processes(journal)
    tables = []
    for folder in ("alone", "apart"):
        rows = json.loads((tmp_path / folder / "table.json").read_text())
        tables.append([(row["method"], row["accuracy"], row["macro_f1"], row["n"]) for row in rows])
    assert tables[0] == tables[1]
    records = [json.loads(line) for line in (tmp_path / "apart" / "results.jsonl").read_text().splitlines()]
    assert all(record["peak_memory_bytes"] > 50e6 for record in records)
    said = capsys.readouterr().err.splitlines()
    assert (
        len([line for line in said if "120 documents" in line or "texts.csv" in line]) <= 4
    )  # notes on data: once a run


def test_what_kills_or_breaks_one_cell_leaves_the_others(
    config_file: Callable[..., Path], journal: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    methods = {"killed": method(killed=True), "fails": method(fail="no such luck"), "plain": method()}
    path = config_file(methods=methods, seeds=[0])
    assert main([f"--config={path}", "--workers=2"]) == 1
    text = capsys.readouterr().err
    assert "killed on texts, seed 0: WorkerDiedError: its process was ended by SIGKILL" in text
    assert "fewer --workers" in text
    assert "fails on texts, seed 0: RuntimeError: no such luck" in text
    rows = json.loads((tmp_path / "results" / "table.json").read_text())
    assert [row["n"] for row in rows if row["method"] == "plain"] == [1]
    traces = [file.read_text() for file in (tmp_path / "results" / "cells").glob("*.error")]
    assert any("fake_methods.py" in trace for trace in traces)  # where in the process it was


def start(path: Path) -> subprocess.Popen[str]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    command = [sys.executable, "-m", "gloss_pyg.compare", f"--config={path}", "--workers=2"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_stopped_or_killed_it_leaves_no_process_and_goes_on(
    config_file: Callable[..., Path], journal: Path, tmp_path: Path, how: signal.Signals
) -> None:
    path = config_file(methods={"plain": method(), "slow": method(seconds=120.0)}, seeds=[0])
    run = start(path)
    results = Results(tmp_path / "results")
    # A folder that is still being written has a record too, and its cell is lost with the process, as it should be.
    wait_for(lambda: len(processes(journal)) == 2 and len(results.finished_folders()) == 1)
    run.send_signal(how)
    _, text = run.communicate(timeout=60)
    if how == signal.SIGINT:
        assert run.returncode == 130
        assert "1 of 2 cells are finished" in text
    wait_for(lambda: not any(is_alive(process) for process in processes(journal)), 20)
    assert not list((results.folder / "cells").glob("*.error"))
    fits = len(processes(journal))
    again = config_file(methods={"plain": method(), "slow": method(seconds=0.01)}, seeds=[0])
    assert main([f"--config={again}"]) == 0
    assert len(processes(journal)) == fits + 1  # what was finished is not fitted again


def test_no_cell_is_begun_that_would_not_end_in_time(
    config_file: Callable[..., Path], journal: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file()
    assert main([f"--config={path}", "--max-hours=0.001"]) == 3  # a fit is said to take two minutes
    assert processes(journal) == []
    assert "4 of 4 cells were not begun" in capsys.readouterr().err
    assert main([f"--config={path}", "--max-hours=1"]) == 0
    assert len(processes(journal)) == 4


@pytest.mark.parametrize("option", ["--workers=0", "--max-hours=0", "--max-hours=-1"])
def test_numbers_that_cannot_be_are_answered(
    config_file: Callable[..., Path], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([f"--config={config_file()}", option]) == 2
    assert "expected" in capsys.readouterr().err
