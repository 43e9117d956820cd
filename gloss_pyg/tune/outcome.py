"""What a search leaves: a configuration for `compare`, the table of its trials, and a picture."""

import csv
import dataclasses
import io
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.markup import escape
from rich.table import Table

from gloss_pyg.compare.files import write_whole
from gloss_pyg.compare.forecast import spell_seconds
from gloss_pyg.methods import Choice, Range
from gloss_pyg.tune.engine import spell_score
from gloss_pyg.tune.picture import draw_history
from gloss_pyg.tune.search import Search
from gloss_pyg.tune.settings import Settings
from gloss_pyg.tune.space import put
from gloss_pyg.tune.study import Row, best

Rows = Mapping[Search, list[Row]]


def write_outcome(settings: Settings, rows: Rows) -> list[Path]:
    """Write everything whole, remove what an earlier search left and this one has no word on; gives the files.

    `best-<data>.yaml`: the methods with the values that reached the best validation score on that data set, those
    with nothing to search as configured; `trials.csv`: all trials, those too that are more than are asked for now;
    `history.png`: their scores.
    """
    folder = settings.config.output
    files = [folder / "trials.csv"]
    write_whole(files[0], _csv(rows))
    picture = folder / "history.png"
    if draw_history(rows, picture):
        files.append(picture)
    else:
        picture.unlink(missing_ok=True)
    budgeted = within_budget(rows)
    for data in settings.config.data:
        own = {search: entries for search, entries in budgeted.items() if search.data == data}
        content, path = _configuration(settings, data, own), folder / f"best-{data}.yaml"
        if content is None:
            path.unlink(missing_ok=True)
        else:
            files.append(path)
            write_whole(path, content.encode())
    return files


def within_budget(rows: Rows) -> dict[Search, list[Row]]:
    """The trials that a search of the length asked for would have: an earlier one of some methods may be longer."""
    return {search: [row for row in own if row.number <= search.settings.trials] for search, own in rows.items()}


def _budget(settings: Settings, rows: Rows) -> str:
    """How many trials each method had."""
    counts = {search.method: len(own) for search, own in rows.items()}
    if all(count == settings.trials for count in counts.values()):
        return f"{settings.trials} trials a method"
    listed = ", ".join(f"{count} of {method}" for method, count in counts.items())
    return f"unfinished, of {settings.trials} trials a method {listed}"


def _configuration(settings: Settings, data: str, rows: Rows) -> str | None:
    """What `compare` runs; `None` where no method has a finished trial."""
    config = settings.config
    found = {search.method: best(own) for search, own in rows.items()}
    methods: dict[str, Any] = {}
    told = []
    for name, arguments in config.methods.items():
        if name not in found:
            methods[name] = arguments
            told.append(f"{name}: nothing to search, as configured")
        elif (row := found[name]) is not None:
            methods[name] = put(arguments, row.values, f"search.{name}")
            own = next(entry for search, entry in rows.items() if search.method == name)
            values = ", ".join(f"{path}={_spelt(value)}" for path, value in row.values.items())
            told.append(
                f"{name}: trial {row.number} of {len(own)}, {spell_score(row.score, row.metric)}, with {values}"
            )
        else:
            told.append(f"{name}: left out, no trial was finished")
    if not any(found.values()):
        return None
    spec = {key: value for key, value in dataclasses.asdict(config.data[data]).items() if value is not None}
    content = {"methods": methods, "data": {data: spec}, "seeds": list(config.seeds)}
    head = [
        f"What a search found on {data}: {_budget(settings, rows)}, chosen by validation scores with seed "
        f"{settings.fit_seed}; no test label was read.",
        *told,
        f"Run it: python -m gloss_pyg.compare --config {shlex.quote(str(config.output / f'best-{data}.yaml'))}",
    ]
    plain: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    return "".join(f"# {' '.join(line.split())}\n" for line in head) + plain


def _csv(rows: Rows) -> bytes:
    paths = list(dict.fromkeys(path for own in rows.values() for row in own for path in row.values))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["data", "method", "trial", "state", "score", "metric", "seconds", "steps", *paths, "error"])
    for search, own in rows.items():
        for row in own:
            values = [row.values.get(path, "") for path in paths]
            numbers = [row.number, row.state, row.score, row.metric, row.seconds, row.steps]
            writer.writerow([search.data, search.method, *numbers, *values, row.error])
    return stream.getvalue().encode()


def table(rows: Rows) -> Table:
    """The best trial of each search, as people read it."""
    shown = Table(title="Best by validation", title_justify="left")
    for column in ("data", "method", "trials", "pruned", "failed", "best score", "trial", "time", "values"):
        number = column in ("trials", "pruned", "failed", "trial", "time")
        shown.add_column(column, justify="right" if number else "left")
    for search, own in rows.items():
        counts = [sum(row.state == state for row in own) for state in ("pruned", "failed")]
        row = best(own)
        shown.add_row(
            search.data,
            search.method,
            str(len(own)),
            *map(str, counts),
            "" if row is None else spell_score(row.score, row.metric).removeprefix("validation "),
            "" if row is None else str(row.number),
            spell_seconds(sum(entry.seconds or 0.0 for entry in own)),
            "" if row is None else escape("\n".join(f"{path} = {_spelt(v)}" for path, v in row.values.items())),
        )
    return shown


def dry_run(searches: Sequence[Search], settings: Settings) -> Table:
    """The searches, how long they take at most, and their ranges."""
    title = escape(f"{settings.config.name}: results in {settings.config.output}")
    shown = Table(title=title, title_justify="left")
    for column in ("data", "method", "trials", "time, at most", "searched"):
        shown.add_column(column, justify="right" if column in ("trials", "time, at most") else "left")
    for search in searches:
        spelt = spell_seconds(search.estimate)
        ranges = "\n".join(f"{path}: {spell_range(entry)}" for path, entry in settings.search[search.method].items())
        shown.add_row(
            search.data, search.method, str(settings.trials), "?" if spelt == "unknown" else spelt, escape(ranges)
        )
    return shown


def spell_range(entry: Range) -> str:
    """Write a range as people read it.

    Example:
        >>> from gloss_pyg.methods import Interval
        >>> spell_range(Interval(1e-5, 1e-3, log=True)), spell_range(Choice((1, "a")))
        ('from 1e-05 to 0.001, by ratio', 'one of 1, a')
    """
    if isinstance(entry, Choice):
        return f"one of {', '.join(map(_spelt, entry.values))}"
    return f"from {_spelt(entry.low)} to {_spelt(entry.high)}{', by ratio' if entry.log else ''}"


def _spelt(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
