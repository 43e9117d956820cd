"""A search from its settings to what it leaves."""

import math
import shlex
import sys
import time
from functools import partial

from rich.console import Console

from gloss_pyg.compare.comparison import without_bars
from gloss_pyg.compare.plan import check_method
from gloss_pyg.compare.worker import Workers
from gloss_pyg.errors import ConfigError
from gloss_pyg.methods import Method
from gloss_pyg.tune.engine import Engine
from gloss_pyg.tune.narrator import Narrator
from gloss_pyg.tune.outcome import dry_run, table, within_budget, write_outcome
from gloss_pyg.tune.search import Search, plan
from gloss_pyg.tune.settings import Settings
from gloss_pyg.tune.study import Study
from gloss_pyg.tune.trial import trial_job


@without_bars()
def run(settings: Settings, methods: dict[str, Method]) -> int:
    """Run what is missing, then print and write what was found; gives the exit status.

    Raises:
        UserError: for whatever cannot work, before the first trial is run.
    """
    console = Console(stderr=True)
    out = Console() if sys.stdout.isatty() else Console(width=160)
    config = settings.config
    with Narrator(console) as narrator:
        for name, method in methods.items():
            narrator.status(f"looking up what {name} needs")
            check_method(name, method, narrator.note if config.dry_run else None)
            if not settings.search[name]:
                narrator.note(f"{name} has nothing to search, and goes into the outcome as it is configured.")
        searches = plan(settings, methods, narrator.status)
        if config.dry_run:
            out.print(dry_run(searches, settings))
            return 0
        studies = _open(searches)
        end = math.inf if config.max_hours is None else time.monotonic() + 3600 * config.max_hours
        try:
            _finish(settings, studies, narrator, end)
        except KeyboardInterrupt:
            done = sum(len(study.rows()) for study in studies.values())
            narrator.note(
                f"Stopped. {done} of {settings.trials * len(searches)} trials are finished and kept; the same command "
                "goes on from there."
            )
            return 130
        rows = {search: study.rows() for search, study in studies.items()}
        narrator.status("writing what was found")
        files = write_outcome(settings, rows)
        rows = within_budget(rows)
    out.print(table(rows))
    out.print(f"Written: {', '.join(map(str, files))}", soft_wrap=True, markup=False)
    for file in files:
        if file.suffix == ".yaml":
            out.print(
                f"Compare: python -m gloss_pyg.compare --config {shlex.quote(str(file))}", soft_wrap=True, markup=False
            )
    for search, own in rows.items():
        for row in own:
            if row.state == "failed":
                console.print(f"FAILED: {search}, trial {row.number}: {row.error}", soft_wrap=True, markup=False)
    left = sum(study.left() for study in studies.values())
    if left:
        console.print(
            f"{left} of {settings.trials * len(searches)} trials were not begun, since they would not have been "
            f"finished within {config.max_hours:g} hours; the same command goes on."
        )
    return 1 if any(row.state == "failed" for own in rows.values() for row in own) else 3 if left else 0


def _open(searches: list[Search]) -> dict[Search, Study]:
    """Open all studies in the folder of the results, which is made."""
    folder = searches[0].settings.config.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return {search: search.study() for search in searches}
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"Results cannot be written to {folder} ({reason}); name another --output.") from error


def _finish(settings: Settings, studies: dict[Search, Study], narrator: Narrator, end: float) -> None:
    """Run the trials, in this process or in several."""
    count = settings.config.workers
    if count == 1:
        Engine(studies, lambda task: trial_job(task)(), narrator, 1, end).finish()
        return
    workers = Workers(count)
    with workers.ended_by_ctrl_c():
        Engine(
            studies,
            lambda task: workers.run(partial(trial_job, task)),
            narrator,
            count,
            end,
            workers.stopped.is_set,
        ).finish()
