"""A comparison from its configuration to its table."""

import math
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import datasets
from rich.console import Console, Group
from rich.markup import escape
from rich.table import Table
from transformers.utils import logging

from gloss_pyg.compare import table
from gloss_pyg.compare.cell import Cell, cell_job, run_cell
from gloss_pyg.compare.configuration import Configuration
from gloss_pyg.compare.display import Display, LiveDisplay, PlainDisplay
from gloss_pyg.compare.files import write_whole
from gloss_pyg.compare.forecast import Forecast, spell_seconds
from gloss_pyg.compare.grid import Outcome, run_grid
from gloss_pyg.compare.limits import FitsWithinLimits
from gloss_pyg.compare.plan import Estimates, check_method, make_methods, plan
from gloss_pyg.compare.results import Results
from gloss_pyg.compare.splits import SplitsCache
from gloss_pyg.compare.worker import Workers


@contextmanager
def without_bars() -> Iterator[None]:
    """No progress bars of the libraries below, which would tear the table, until the comparison has ended."""
    of_datasets, of_transformers = not datasets.are_progress_bars_disabled(), logging.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if of_datasets:
            datasets.enable_progress_bars()
        if of_transformers:
            logging.enable_progress_bar()


@without_bars()
def run(config: Configuration) -> int:
    """Run what is missing, then print and write the table; gives the exit status.

    Raises:
        UserError: for whatever in the configuration cannot work, before the first cell is run.
    """
    console = Console(stderr=True)
    out = Console() if sys.stdout.isatty() else Console(width=160)
    display: Display = LiveDisplay(console) if console.is_terminal else PlainDisplay(console)
    results = Results(config.output)
    with display:
        methods = make_methods(config)
        for name, method in methods.items():
            display.status(f"looking up what {name} needs")
            check_method(name, method, display.note if config.dry_run else None)
        splits = SplitsCache(display.status)
        cells, estimates = plan(config, methods, splits, display.status)
        known = FitsWithinLimits(results)
        if not config.dry_run:
            results.plan(cells)
            missing = [cell for cell in cells if not results.is_finished(cell)]
            if taken := [cell for cell in missing if known.take_over(cell)]:
                display.note(
                    f"{len(taken)} of {len(cells)} cells differ from finished ones in their limit of steps alone, "
                    "which those did not reach; they are taken over."
                )
            forecast = Forecast(cells, estimates, config.workers)
            display.plan(cells, forecast)
            try:
                outcome = _finish(config, cells, results, splits, display, forecast)
            except KeyboardInterrupt:
                done = sum(results.is_finished(cell) for cell in cells)
                display.note(
                    f"Stopped. {done} of {len(cells)} cells are finished and kept; the same command goes on from there."
                )
                return 130
            display.status("writing the table and the picture")
            rows = table.make_rows(results.merge(cells))
            files = write_reports(rows, cells, results, config.output)
    if config.dry_run:
        out.print(_dry_run(cells, estimates, config, results, known))
        return 0
    out.print(table.rich_table(rows))
    out.print(table.notes(rows))
    out.print(f"Written: {', '.join(map(str, files))}", soft_wrap=True, markup=False)
    out.print(_report_hint(config.output), soft_wrap=True, markup=False)
    for cell in outcome.failed:
        line = f"FAILED: {cell}: {results.error(cell)} (traceback in {results.error_path(cell)}; tried again next time)"
        console.print(line, soft_wrap=True, markup=False)
    if outcome.left:
        seconds = sum(forecast.seconds(cell) for cell in outcome.left)
        console.print(
            f"{len(outcome.left)} of {len(cells)} cells were not begun, since they would not have been finished within "
            f"{config.max_hours:g} hours (about {spell_seconds(seconds)} of one worker); the same command goes on.",
            soft_wrap=True,
        )
    return 1 if outcome.failed else 3 if outcome.left else 0


def _finish(
    config: Configuration,
    cells: list[Cell],
    results: Results,
    splits: SplitsCache,
    display: Display,
    forecast: Forecast,
) -> Outcome:
    """Run what is missing, in this process or in several."""
    end = math.inf if config.max_hours is None else time.monotonic() + 3600 * config.max_hours

    def has_time(cell: Cell) -> bool:
        seconds = forecast.seconds(cell)
        return time.monotonic() + (0 if math.isnan(seconds) else seconds) < end

    if config.workers == 1:
        return run_grid(
            cells,
            results,
            lambda cell: run_cell(cell, splits.load(cell.data, cell.spec, cell.seed)),
            display,
            has_time=has_time,
        )
    workers = Workers(config.workers)
    with workers.ended_by_ctrl_c():
        return run_grid(
            cells,
            results,
            lambda cell: workers.run(partial(cell_job, cell)),
            display,
            workers=config.workers,
            has_time=has_time,
            stopped=workers.stopped.is_set,
        )


def write_reports(rows: list[table.Row], cells: list[Cell], results: Results, folder: Path) -> list[Path]:
    """Write the table as Markdown, CSV and JSON, and the curves; gives the files."""
    from gloss_pyg.compare.curves import Curve, draw_curves

    contents = {
        "table.md": table.markdown(rows).encode(),
        "table.csv": table.to_csv(rows).encode(),
        "table.json": table.table_json(rows),
    }
    for name, content in contents.items():
        write_whole(folder / name, content)
    finished = [cell for cell in cells if results.is_finished(cell)]
    curves = [
        Curve(cell.method, cell.data, results.record(cell)["best_step"], results.history(cell)) for cell in finished
    ]
    files = ["results.jsonl", *contents]
    if draw_curves(curves, folder / "curves.png"):
        files.append("curves.png")
    return [folder / name for name in files]


def _report_hint(folder: Path) -> str:
    """How to learn which differences hold, and what that needs where it is not installed."""
    absent = [name for name in ("statsmodels", "scikit_posthocs") if find_spec(name) is None]
    needs = ' (needs: pip install "gloss-pyg[stats]")' if absent else ""
    return f"Which differences hold: python -m gloss_pyg.compare.report {shlex.quote(str(folder))}{needs}"


def _dry_run(
    cells: list[Cell], estimates: Estimates, config: Configuration, results: Results, known: FitsWithinLimits
) -> Group:
    title = escape(f"{config.name}: {len(cells)} cells, results in {config.output}")
    shown = Table(title=title, title_justify="left")
    for column in ("data", "method", "seed", "state", "time", "memory"):
        shown.add_column(column, justify="right" if column in ("seed", "time", "memory") else "left")
    missing, unknown = 0.0, 0
    for cell in cells:
        state = "missing"
        if results.is_finished(cell) or known.of(cell) is not None:
            state = "finished"
        elif results.error(cell) is not None:
            state = "failed, would be tried again"
        estimate = estimates[cell.method, cell.data]
        if state != "finished":
            if math.isnan(estimate.seconds):
                unknown += 1
            else:
                missing += estimate.seconds
        title = f"{cell.method} (transductive)" if cell.transductive else cell.method
        seconds = "?" if math.isnan(estimate.seconds) else spell_seconds(estimate.seconds)
        memory = f"{estimate.memory_bytes / 2**30:.1f} GiB" if estimate.memory_bytes else "?"
        shown.add_row(cell.data, title, str(cell.seed), state, seconds, memory)
    note = f"Rough, as if no method stopped early; {spell_seconds(missing)} for what is not finished"
    note += f", and {unknown} cells of unknown time." if unknown else "."
    return Group(shown, note)
