"""The table of a comparison: a row for each method on each data set, mean, sd and n over seeds."""

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from statistics import fmean, stdev

from rich.table import Table

from gloss_pyg.compare.files import Record, to_json

COLUMNS = ("data", "method", "accuracy", "macro-F1", "silhouette", "fit seconds", "best step of", "n")
FOOTNOTE = (
    "Mean ± sd over n seeds, on test documents; accuracy and macro-F1 in %. 'best step of' is the optimiser step with "
    "the best validation macro-F1, whose parameters are tested, of all steps run."
)
SILHOUETTE_NOTE = "Of {methods} it is the one with the best validation macro silhouette."
LIMIT_NOTE = "* {counts} ended at the limit of steps, not by their validation score."
SHOWN_SECONDS = 0.05  # less would be printed as 0.0
TIMES_NOTE = (
    "Seconds of a fit, as set-up + fine-tuning of the encoder it starts from + graph over the corpus + training:"
)
TRANSDUCTIVE_NOTE = "(transductive): the method has seen the test texts, without their labels."


@dataclass(frozen=True)
class Row:
    """A method on a data set; means and sample standard deviations over the seeds that are finished.

    Attributes:
        data: Name of the data set.
        method: Name of the method.
        transductive: Whether the method saw the test texts.
        n: Seeds that are finished.
        failed: Seeds that failed.
        accuracy: Mean share of test documents that are right.
        accuracy_sd: Its sd; NaN with fewer than two seeds, as every sd here.
        macro_f1: Mean macro-F1 on test documents.
        macro_f1_sd: Its sd.
        macro_silhouette: Mean macro silhouette of the test embeddings; NaN from methods without embeddings.
        fit_seconds: Mean time of a fit, all of it.
        fit_seconds_sd: Its sd.
        setup_seconds: Mean of its part before training, `checkpoint_seconds` included.
        checkpoint_seconds: Mean of the part that fine-tuned an encoder to start from.
        graph_seconds: Mean of the part that built a graph over the corpus.
        training_seconds: Mean of the part from the first to the last step.
        predict_seconds: Mean time to predict all test documents.
        best_step: Mean step whose parameters were kept by their validation score.
        chosen_by: That score, `macro_f1` or, of standalone methods, `macro_silhouette`.
        best_step_sd: Its sd.
        steps: Mean number of steps run.
        at_limit: Fits that ended at the limit of steps, not by their validation score; marked `*`.
        peak_memory_bytes: Largest resident memory of a cell.
    """

    data: str
    method: str
    transductive: bool
    n: int
    failed: int
    accuracy: float
    accuracy_sd: float
    macro_f1: float
    macro_f1_sd: float
    macro_silhouette: float
    fit_seconds: float
    fit_seconds_sd: float
    setup_seconds: float
    checkpoint_seconds: float
    graph_seconds: float
    training_seconds: float
    predict_seconds: float
    best_step: float
    chosen_by: str
    best_step_sd: float
    steps: float
    at_limit: int
    peak_memory_bytes: int

    @property
    def title(self) -> str:
        """The method's name, marked where it is transductive."""
        return f"{self.method} (transductive)" if self.transductive else self.method


def make_rows(records: Sequence[Record]) -> list[Row]:
    """Average records over seeds, in the order in which data sets and methods first occur."""
    groups: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record["data"], record["method"]), []).append(record)
    order = list(dict.fromkeys(data for data, _ in groups))
    return [_row(groups[key]) for key in sorted(groups, key=lambda key: order.index(key[0]))]


def at_limit(record: Record) -> bool:
    """Whether a fit ended at the limit of steps, while its validation score might still have risen."""
    return record.get("stopped_by") == "limit"


def rich_table(rows: Sequence[Row]) -> Table:
    """The table for a terminal."""
    table = Table()
    for index, column in enumerate(COLUMNS):
        table.add_column(column, justify="left" if index < 2 else "right", no_wrap=index != 1)
    previous = None
    for row in rows:
        if previous is not None and previous != row.data:
            table.add_section()
        table.add_row(*_cells(row, repeat_data=previous != row.data))
        previous = row.data
    return table


def markdown(rows: Sequence[Row]) -> str:
    """The table as Markdown, with its notes."""
    lines = [COLUMNS, ["---", "---", *["---:"] * (len(COLUMNS) - 2)], *(_cells(row, repeat_data=True) for row in rows)]
    body = "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
    return f"{body}\n\n{notes(rows)}\n"


def notes(rows: Sequence[Row]) -> str:
    """What stands below the table."""
    parts = [FOOTNOTE]
    if standalone := dict.fromkeys(row.method for row in rows if row.chosen_by == "macro_silhouette"):
        parts.append(SILHOUETTE_NOTE.format(methods=", ".join(standalone)))
    if limited := [row for row in rows if row.at_limit]:
        counts = ", ".join(f"{row.at_limit} of {row.n} ({row.method} on {row.data})" for row in limited)
        parts.append(LIMIT_NOTE.format(counts=counts))
    if any(row.transductive for row in rows):
        parts.append(TRANSDUCTIVE_NOTE)
    return "\n\n".join([" ".join(parts), *_times(rows)])


def _times(rows: Sequence[Row]) -> list[str]:
    """What fits spent their time on, where one of them builds a graph or starts from a fine-tuning of its own."""
    if not any(max(row.graph_seconds, row.checkpoint_seconds) >= SHOWN_SECONDS for row in rows):
        return []
    lines = []
    for row in rows:
        parts = row.setup_seconds - row.checkpoint_seconds, row.checkpoint_seconds, row.graph_seconds
        if row.n:
            times = " + ".join(f"{part:.1f}" for part in (*parts, row.training_seconds))
            lines.append(f"- {row.data}, {row.title}: {times}")
    return [TIMES_NOTE, "\n".join(lines)]


def to_csv(rows: Sequence[Row]) -> str:
    """The rows with all their fields, not rounded; empty where there is no number."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    for row in rows:
        writer.writerow("" if value != value else value for value in asdict(row).values())
    return stream.getvalue()


def table_json(rows: Sequence[Row]) -> bytes:
    """The same as JSON, a list of objects; null where there is no number."""
    return to_json([asdict(row) for row in rows])


def percent(value: float, sd: float) -> str:
    """A share in percent with its sd.

    Example:
        >>> percent(0.8361, 0.0123), percent(0.8361, float("nan")), percent(float("nan"), float("nan"))
        ('83.61 ± 1.23', '83.61', '-')
    """
    return _plus_minus(100 * value, 100 * sd, 2)


def _row(records: Sequence[Record]) -> Row:
    done = [record for record in records if "error" not in record]

    def values(key: str) -> list[float]:
        return [math.nan if record[key] is None else float(record[key]) for record in done]

    def average(key: str) -> float:
        return fmean(values(key)) if done else math.nan

    def spread(key: str) -> float:
        return stdev(values(key)) if len(done) > 1 else math.nan

    def part(key: str) -> float:
        # 0 in records of versions that did not know the part
        return fmean(float(record.get(key) or 0) for record in done) if done else math.nan

    first = records[0]
    return Row(
        data=first["data"],
        method=first["method"],
        transductive=first["transductive"],
        n=len(done),
        failed=len(records) - len(done),
        accuracy=average("accuracy"),
        accuracy_sd=spread("accuracy"),
        macro_f1=average("macro_f1"),
        macro_f1_sd=spread("macro_f1"),
        macro_silhouette=average("macro_silhouette"),
        fit_seconds=average("fit_seconds"),
        fit_seconds_sd=spread("fit_seconds"),
        setup_seconds=part("setup_seconds"),
        checkpoint_seconds=part("checkpoint_seconds"),
        graph_seconds=part("graph_seconds"),
        training_seconds=part("training_seconds"),
        predict_seconds=average("predict_seconds"),
        best_step=average("best_step"),
        # macro-F1 in records of versions that knew no other
        chosen_by=next((record["chosen_by"] for record in done if "chosen_by" in record), "macro_f1"),
        best_step_sd=spread("best_step"),
        steps=average("steps"),
        at_limit=sum(map(at_limit, done)),
        peak_memory_bytes=max((int(record["peak_memory_bytes"]) for record in done), default=0),
    )


def _cells(row: Row, *, repeat_data: bool) -> list[str]:
    steps = f"{_plus_minus(row.best_step, row.best_step_sd, 0)} of {row.steps:.0f}{'*' if row.at_limit else ''}"
    return [
        row.data if repeat_data else "",
        row.title,
        percent(row.accuracy, row.accuracy_sd),
        percent(row.macro_f1, row.macro_f1_sd),
        _number(row.macro_silhouette, 3),
        _plus_minus(row.fit_seconds, row.fit_seconds_sd, 1),
        steps if row.steps > 0 else "-",
        f"{row.n}" if not row.failed else f"{row.n} ({row.failed} failed)",
    ]


def _plus_minus(value: float, sd: float, digits: int) -> str:
    number = _number(value, digits)
    return number if math.isnan(sd) or math.isnan(value) else f"{number} ± {sd:.{digits}f}"


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
