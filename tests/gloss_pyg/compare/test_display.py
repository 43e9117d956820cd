import io
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.display import LiveDisplay, PlainDisplay
from gloss_pyg.compare.forecast import Forecast
from gloss_pyg.methods import Estimate

progress = logging.getLogger("gloss_pyg.progress")


def plain() -> tuple[PlainDisplay, io.StringIO]:
    stream = io.StringIO()
    return PlainDisplay(Console(file=stream, width=200)), stream


def plan(display: PlainDisplay | LiveDisplay, cells: list[Cell]) -> None:
    display.plan(cells, Forecast(cells, {("plain", "texts"): Estimate(60.0, 1)}))


def test_a_finished_cell_is_a_line_with_its_scores_and_the_time_left(
    make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    display, stream = plain()
    cells = [make_cell(seed=seed) for seed in range(3)]
    with display:
        plan(display, cells)
        display.finished(cells[0], make_record(cells[0], accuracy=0.8361, fit_seconds=20, predict_seconds=5), here=True)
        display.failed(cells[1], "RuntimeError: no")
        display.finished(cells[2], make_record(cells[2]), here=False)
    assert stream.getvalue().splitlines() == [
        "plain on texts, seed 0: accuracy 83.61, macro-F1 40.00, fit 20.0 s, best step 10 of 30 "
        "(1 of 3 cells, about 50 s left)",
        "FAILED: plain on texts, seed 1: RuntimeError: no",
        "plain on texts, seed 2: accuracy 50.00, macro-F1 40.00, fit 1.0 s, best step 10 of 30, "
        "finished before or by another run (3 of 3 cells)",
    ]


def test_progress_of_the_methods_is_shown_and_not_faster_than_a_log_can_bear(
    make_cell: Callable[..., Cell], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    display, stream = plain()
    with display:
        plan(display, [make_cell()])
        display.started(make_cell())
        for step in range(1, 40):
            now += 1
            progress.info("step %d of %d", step, 100)
    lines = stream.getvalue().splitlines()
    assert lines == [
        "plain on texts, seed 0: starting ...",
        "plain on texts, seed 0: step 10 of 100 ...",
        "plain on texts, seed 0: step 20 of 100 ...",
        "plain on texts, seed 0: step 30 of 100 ...",
    ]


def test_every_message_before_the_first_cell_is_shown() -> None:
    display, stream = plain()
    with display:
        display.status("reading bbc")
        display.status("reading bbc")
        display.status("reading MR")
    assert stream.getvalue().splitlines() == ["reading bbc ...", "reading MR ..."]


def test_warnings_become_lines_and_do_not_come_out_twice(caplog: pytest.LogCaptureFixture) -> None:
    display, stream = plain()
    with display:
        logging.getLogger("gloss_pyg").warning("bbc: %d documents [b]were[/b] dropped", 3)
        logging.getLogger("gloss_pyg.training").warning("few usable batches")
    assert stream.getvalue().splitlines() == ["bbc: 3 documents [b]were[/b] dropped", "few usable batches"]
    assert caplog.records == []


def test_logging_is_afterwards_as_it_was() -> None:
    package = logging.getLogger("gloss_pyg")
    before = (progress.level, package.propagate, list(package.handlers))
    display, stream = plain()
    with pytest.raises(KeyboardInterrupt), display:
        raise KeyboardInterrupt
    assert (progress.level, package.propagate, list(package.handlers)) == before
    progress.info("nobody listens")
    assert stream.getvalue() == ""


def test_the_live_table_shows_results_the_running_cell_and_the_time_left(
    make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    stream = io.StringIO()
    display = LiveDisplay(Console(file=stream, force_terminal=True, width=140, color_system=None))
    cells = [make_cell(seed=seed) for seed in range(3)]
    with display:
        display.status("reading texts")
        plan(display, cells)
        display.finished(cells[0], make_record(cells[0], accuracy=0.8361, fit_seconds=20, predict_seconds=5), here=True)
        display.started(cells[1])
        progress.info("step 12 of 200, validation macro-F1 0.83")
        logging.getLogger("gloss_pyg").warning("a note")
    shown = stream.getvalue()
    assert "reading texts" in shown
    assert "83.61" in shown
    assert "1 of 3 cells, about 50 s left · plain on texts, seed 1: step 12 of 200, validation macro-F1 0.83" in shown
    assert "a note" in shown


def test_a_status_that_stays_shows_its_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    display = LiveDisplay(Console(file=io.StringIO(), force_terminal=True, width=140))
    now = time.monotonic()
    with display:
        display.status("loading the encoder")
        monkeypatch.setattr(time, "monotonic", lambda: now + 7)
        console = Console(file=io.StringIO(), width=140, record=True)
        console.print(display._render())
    assert "loading the encoder (7 s)" in console.export_text()


def test_each_thread_says_what_it_does_with_its_own_cell(make_cell: Callable[..., Cell]) -> None:
    display = LiveDisplay(Console(file=io.StringIO(), force_terminal=True, width=140))
    cells = [make_cell(seed=seed) for seed in range(2)]
    both = threading.Barrier(2, timeout=10)

    def work(cell: Cell) -> None:
        display.started(cell)
        both.wait()
        progress.info("step %d", cell.seed)
        both.wait()

    with display:
        plan(display, cells)
        threads = [threading.Thread(target=work, args=(cell,)) for cell in cells]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        console = Console(file=io.StringIO(), width=140, record=True)
        console.print(display._render())
    text = console.export_text()
    assert "seed 0: step 0" in text
    assert "seed 1: step 1" in text


def test_what_a_thread_said_before_the_plan_and_before_it_rested_does_not_stand_on(
    make_cell: Callable[..., Cell],
) -> None:
    display = LiveDisplay(Console(file=io.StringIO(), force_terminal=True, width=140))
    with display:
        display.status("estimating plain on texts")
        plan(display, [make_cell()])
        worker = threading.Thread(target=lambda: (display.status("waiting for 1 cell"), display.rest()))
        worker.start()
        worker.join()
        console = Console(file=io.StringIO(), width=140, record=True)
        console.print(display._render())
    text = console.export_text()
    assert "0 of 1 cells" in text
    assert "estimating" not in text
    assert "waiting" not in text
