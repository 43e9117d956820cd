import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gloss_pyg.compare import grid
from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.display import PlainDisplay
from gloss_pyg.compare.files import to_json
from gloss_pyg.compare.grid import run_grid
from gloss_pyg.compare.results import Results


class Recorder(PlainDisplay):
    """Keeps what it is told."""

    def __init__(self) -> None:
        from rich.console import Console

        super().__init__(Console(quiet=True))
        self.events: list[tuple[str, ...]] = []

    def status(self, text: str) -> None:
        self.events.append(("status", text))

    def started(self, cell: Cell) -> None:
        self.events.append(("started", cell.digest))

    def finished(self, cell: Cell, record: dict[str, Any], *, here: bool) -> None:
        self.events.append(("finished", cell.digest, "here" if here else "elsewhere"))

    def failed(self, cell: Cell, error: str) -> None:
        self.events.append(("failed", cell.digest, error))


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path / "out")


@pytest.fixture
def work(make_record: Callable[..., dict[str, Any]]) -> Callable[[Cell], dict[str, bytes]]:
    def run(cell: Cell) -> dict[str, bytes]:
        if cell.method == "bad":
            raise RuntimeError("cannot")
        return {"record.json": to_json(make_record(cell)), "history.json": b"[]", "predictions.parquet": b"PAR1PAR1"}

    return run


@pytest.fixture(autouse=True)
def poll_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "_POLL_SECONDS", 0.02)


def test_cells_run_in_order_and_a_failure_does_not_stop_the_others(
    results: Results, work: Callable[[Cell], dict[str, bytes]], make_cell: Callable[..., Cell]
) -> None:
    cells = [make_cell(name, seed=seed) for seed in (0, 1) for name in ("plain", "bad")]
    display = Recorder()
    failed = run_grid(cells, results, work, display).failed
    assert failed == [cells[1], cells[3]]
    assert [event[:2] for event in display.events] == [
        (kind, cell.digest) for cell in cells for kind in ("started", "failed" if cell.method == "bad" else "finished")
    ]
    assert "cannot" in (results.error(cells[1]) or "")
    assert len((results.folder / "results.jsonl").read_text().splitlines()) == 4


def test_a_second_start_runs_only_what_is_missing_and_what_failed(
    results: Results, work: Callable[[Cell], dict[str, bytes]], make_cell: Callable[..., Cell]
) -> None:
    cells = [make_cell("plain"), make_cell("bad")]
    run_grid(cells, results, work, Recorder())
    display = Recorder()
    more = [*cells, make_cell("plain", seed=1)]
    assert run_grid(more, results, work, display).failed == [cells[1]]
    assert [event[1] for event in display.events if event[0] == "started"] == [cells[1].digest, more[2].digest]
    assert ("finished", cells[0].digest, "elsewhere") in display.events


def test_cells_that_another_run_holds_are_waited_for(
    results: Results, work: Callable[[Cell], dict[str, bytes]], make_cell: Callable[..., Cell]
) -> None:
    held, free = make_cell(seed=0), make_cell(seed=1)
    claimed, go_on = threading.Event(), threading.Event()

    def other_run() -> None:
        with Results(results.folder).claim(held) as mine:
            assert mine
            claimed.set()
            go_on.wait(10)
            results.write(held, work(held))

    thread = threading.Thread(target=other_run)
    thread.start()
    claimed.wait(10)
    display = Recorder()
    display.status = lambda text: (display.events.append(("status", text)), go_on.set())  # type: ignore[method-assign]
    assert run_grid([held, free], results, work, display).failed == []
    thread.join()
    assert [event for event in display.events if event[0] != "status"] == [
        ("started", free.digest),
        ("finished", free.digest, "here"),
        ("finished", held.digest, "elsewhere"),
    ]
    assert ("status", "waiting for 1 cell that another run of this command works on") in display.events


def test_a_cell_whose_holder_dies_is_taken_over(
    results: Results, work: Callable[[Cell], dict[str, bytes]], make_cell: Callable[..., Cell]
) -> None:
    cell = make_cell()
    with results.claim(cell) as mine:
        assert mine
        runner = threading.Thread(target=run_grid, args=([cell], Results(results.folder), work, Recorder()))
        runner.start()
        time.sleep(0.2)
        assert not results.is_finished(cell)
    runner.join(10)  # the claim ended without a result, as it does with a process that is killed
    assert results.is_finished(cell)


def test_a_failure_in_another_run_meanwhile_counts_and_is_not_repeated(
    results: Results, work: Callable[[Cell], dict[str, bytes]], make_cell: Callable[..., Cell]
) -> None:
    good, bad = make_cell("plain"), make_cell("bad")
    tried: list[str] = []

    def work_beside_another(cell: Cell) -> dict[str, bytes]:
        tried.append(cell.method)
        Results(results.folder).fail(bad, ValueError("elsewhere"))
        return work(cell)

    display = Recorder()
    assert run_grid([good, bad], results, work_beside_another, display).failed == [bad]
    assert tried == ["plain"]
    assert ("failed", bad.digest, "ValueError: elsewhere") in display.events


def test_ctrl_c_goes_through_and_leaves_the_cell_free(results: Results, make_cell: Callable[..., Cell]) -> None:
    def interrupted(cell: Cell) -> dict[str, bytes]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_grid([make_cell()], results, interrupted, Recorder())
    with results.claim(make_cell()) as mine:
        assert mine
    assert results.error(make_cell()) is None
