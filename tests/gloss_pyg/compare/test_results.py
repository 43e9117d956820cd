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

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.files import to_json, write_whole
from gloss_pyg.compare.results import Results
from gloss_pyg.errors import ConfigError, DataError

PARQUET = b"PAR1 and so on PAR1"
HOLD = """
import sys, time
from filelock import FileLock
lock = FileLock(sys.argv[1])
lock.acquire(timeout=0)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "out")


def finish(results: Results, cell: Cell, record: dict[str, Any], **files: bytes) -> None:
    with results.claim(cell) as claimed:
        assert claimed
        results.write(
            cell, {"record.json": to_json(record), "history.json": b"[]", "predictions.parquet": PARQUET, **files}
        )


def test_a_cell_is_finished_once_its_folder_is_there(
    results: Results, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    cell = make_cell()
    assert not results.is_finished(cell)
    finish(results, cell, make_record(cell, accuracy=0.75))
    assert results.is_finished(cell)
    assert results.record(cell)["accuracy"] == 0.75
    assert results.history(cell) == []
    assert (results.folder / "cells" / cell.digest).stat().st_mode & 0o755 == 0o755


SPOILT = [
    ("record.json", b""),
    ("record.json", b'{"a'),
    ("record.json", b"{}"),
    ("record.json", b"[]"),
    ("history.json", b"{"),
    ("predictions.parquet", b""),
    ("predictions.parquet", PARQUET[:-2]),
]


@pytest.mark.parametrize(("name", "content"), SPOILT)
def test_a_cell_whose_files_were_spoilt_is_set_aside_and_run_again(
    results: Results,
    make_cell: Callable[..., Cell],
    make_record: Callable[..., dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
    name: str,
    content: bytes,
) -> None:
    cell = make_cell()
    finish(results, cell, make_record(cell))
    (results.folder / "cells" / cell.digest / name).write_bytes(content)
    assert not results.is_finished(cell)
    finish(results, cell, make_record(cell, accuracy=0.5))
    assert results.record(cell)["accuracy"] == 0.5
    (aside,) = (results.folder / "cells").glob("*-unreadable-*/*")
    assert (aside / name).read_bytes() == content
    assert str(aside.parent) in caplog.text


def test_a_cell_without_its_predictions_is_run_again(
    results: Results, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    cell = make_cell()
    finish(results, cell, make_record(cell))
    assert results.finished_folders() == [results.cell_folder(cell)]
    (results.cell_folder(cell) / "predictions.parquet").unlink()
    assert not results.is_finished(cell)
    assert results.finished_folders() == []


def test_a_record_is_shown_under_the_names_of_this_configuration(
    results: Results, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    cell = make_cell()
    finish(results, cell, make_record(cell) | {"method": "called otherwise then"})
    assert results.record(cell)["method"] == "plain"


def test_a_claim_excludes_others_and_ends_with_its_block(results: Results, make_cell: Callable[..., Cell]) -> None:
    cell, other = make_cell(seed=0), make_cell(seed=1)
    beside = Results(results.folder)
    with results.claim(cell) as mine, beside.claim(cell) as theirs, beside.claim(other) as free:
        assert (mine, theirs, free) == (True, False, True)
    with beside.claim(cell) as theirs:
        assert theirs


def test_a_claim_ends_with_a_killed_process(results: Results, make_cell: Callable[..., Cell]) -> None:
    cell = make_cell()
    lock = results.folder / "cells" / f"{cell.digest}.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with results.claim(cell) as mine:
            assert not mine
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    with results.claim(cell) as mine:
        assert mine


def test_an_error_inside_a_claim_ends_it(results: Results, make_cell: Callable[..., Cell]) -> None:
    with pytest.raises(KeyboardInterrupt), results.claim(make_cell()):
        raise KeyboardInterrupt
    with results.claim(make_cell()) as mine:
        assert mine


def test_what_a_killed_run_left_half_written_is_removed_and_never_taken_for_a_result(
    results: Results, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    cell = make_cell()
    left = results.folder / "cells" / f".{cell.digest}-half"
    left.mkdir(parents=True)
    (left / "record.json").write_text("{")
    assert not results.is_finished(cell)
    assert results.merge([cell]) == []
    finish(results, cell, make_record(cell))
    assert not left.exists()
    assert results.is_finished(cell)


def test_a_failure_is_kept_with_its_traceback_until_the_cell_is_finished(
    results: Results, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    cell = make_cell()
    with results.claim(cell):
        pass  # which makes the folder
    assert results.error(cell) is None
    assert results.error_stamp(cell) is None
    try:
        raise RuntimeError("it went\nwrong")
    except RuntimeError as error:
        line = results.fail(cell, error)
    assert line == "RuntimeError: it went wrong"
    assert results.error(cell) == line
    assert "Traceback" in results.error_path(cell).read_text()
    first = results.error_stamp(cell)
    time.sleep(0.02)
    assert results.fail(cell, DataError("A sentence.")) == "A sentence."
    assert results.error_stamp(cell) != first
    finish(results, cell, make_record(cell))
    assert results.error(cell) is None


def test_merging_lists_these_cells_in_order_failed_ones_with_their_error(
    results: Results, make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    cells = [make_cell(seed=seed) for seed in range(4)]
    for cell in (cells[2], cells[0], make_cell("of another configuration")):
        finish(results, cell, make_record(cell, accuracy=0.1 * cell.seed, macro_silhouette=float("nan")))
    results.fail(cells[1], ValueError("no"))
    merged = results.merge(cells)
    lines = [json.loads(line) for line in (results.folder / "results.jsonl").read_text().splitlines()]
    assert lines == merged
    assert [record["seed"] for record in merged] == [0, 1, 2]
    assert [record.get("error") for record in merged] == [None, "ValueError: no", None]
    assert merged[2]["accuracy"] == pytest.approx(0.2)
    assert merged[2]["macro_silhouette"] is None
    assert results.merge(cells[:1]) == merged[:1]


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(ConfigError, match=r"cannot be written .*name another --output"):
            Results(folder)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "table.md"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.md"]
