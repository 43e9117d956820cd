"""The validation curves of a data set as charts: of few methods in one, of many in one each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from gloss_pyg.compare.report.charts import curve_chart
from gloss_pyg.compare.report.content import Figure, Figures
from gloss_pyg.compare.report.runs import FoundCell
from gloss_pyg.compare.report.wording import mean, number, percent

SCORES = {"macro_f1": ("validation macro-F1 (%)", 100.0), "macro_silhouette": ("validation macro silhouette", 1.0)}
"""Scores that methods are stopped by: the name of their axis, and what they are multiplied by."""

_TOGETHER = 6  # more lines of different methods in one chart cannot be followed


@dataclass(frozen=True)
class Curve:
    """The validations of a fit.

    Attributes:
        steps: Optimiser steps.
        seconds: Since training began.
        scores: As they are recorded, between 0 and 1 or -1 and 1.
        best_step: The step whose parameters were tested.
    """

    steps: tuple[float, ...]
    seconds: tuple[float, ...]
    scores: tuple[float, ...]
    best_step: float

    def first_at(self, level: float) -> int | None:
        """The first validation that reaches a level."""
        return next((place for place, score in enumerate(self.scores) if score >= level), None)

    def line(self, axis: int, factor: float) -> list[tuple[float, float]]:
        """Points against steps (0) or seconds (1)."""
        return [(x, factor * y) for x, y in zip((self.steps, self.seconds)[axis], self.scores, strict=True)]


Curves = dict[str, list[Curve]]


def curve(cell: FoundCell, score: str) -> Curve | None:
    """The curve of a cell; `None` where it has no validation by this score."""
    keys = ("step", "seconds", score)
    rows = [row for row in cell.history if isinstance(row, dict) and all(_known(row.get(key)) for key in keys)]
    if not rows:
        return None
    steps, seconds, scores = (tuple(float(row[key]) for row in rows) for key in keys)
    best = cell.record.get("best_step")  # 0 where training only made it worse
    return Curve(steps, seconds, scores, math.nan if best is None else float(best))


def _known(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def highest(curves: Sequence[Curve]) -> float:
    """Mean over the fits of their best score."""
    return mean([max(one.scores) for one in curves])


def show_score(value: float, score: str) -> str:
    """A score as the report writes it."""
    return percent(value) if score == "macro_f1" else number(value, 3)


def figures(data: str, curves: Curves, numbers: dict[str, int], score: str, name: str, reference: str) -> Figures:
    """Against steps and seconds with all methods in one chart, or a small chart of steps for each where they are many.

    Args:
        data: Name of the data set.
        curves: For each method its fits.
        numbers: The place of each method.
        score: Which score they show.
        name: Unique on the page.
        reference: The method that stands behind the others in small charts.
    """
    if len(curves) <= _TOGETHER:
        words = SCORES[score][0].split(" (")[0]
        return Figures(
            (
                _figure(f"{data}: {words} against steps", curves, curves, numbers, score, 0, f"{name}-steps"),
                _figure(f"{data}: {words} against seconds", curves, curves, numbers, score, 1, f"{name}-seconds"),
            )
        )
    small = [
        _figure(method, {method: found}, curves, numbers, score, 0, f"{name}-{place}", reference)
        for place, (method, found) in enumerate(curves.items())
    ]
    return Figures(tuple(small), layout="small")


def _figure(
    title: str,
    shown: Curves,
    of_all: Curves,
    numbers: dict[str, int],
    score: str,
    axis: int,
    name: str,
    behind: str = "",
) -> Figure:
    words, factor = SCORES[score]
    lines = {method: [one.line(axis, factor) for one in found] for method, found in shown.items()}
    best = {
        method: [
            one.line(axis, factor)[place]
            for one in found
            for place, step in enumerate(one.steps)
            if step == one.best_step
        ]
        for method, found in shown.items()
    }
    grey = [one.line(axis, factor) for one in of_all.get(behind, ())] if behind not in shown else []
    said = "; ".join(
        f"{method}: best {show_score(highest(found), score)} on average" for method, found in shown.items()
    )
    description = f"{said}.{f' Grey and dotted: {behind}.' if grey else ''} The numbers are in a table below."
    svg = curve_chart(
        lines,
        best,
        numbers,
        (("optimiser steps", "seconds of training")[axis], words),
        _limits(of_all, axis, factor),
        name,
        title,
        description,
        grey=grey,
    )
    return Figure(svg, title, description)


def _limits(curves: Curves, axis: int, factor: float) -> tuple[float, float, float, float]:
    points = [point for found in curves.values() for one in found for point in one.line(axis, factor)]
    right, low, high = max(x for x, _ in points), min(y for _, y in points), max(y for _, y in points)
    room = 0.05 * (high - low) or 0.05 * factor
    return 0.0, 1.04 * right or 1.0, low - room, high + room
