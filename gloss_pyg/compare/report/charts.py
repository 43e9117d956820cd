"""The charts of the report, each with the place of every method fixed by its number."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

from gloss_pyg.compare.report.drawing import GRID, INK, NARROW, WIDE, chart, look, room_for, to_svg
from gloss_pyg.compare.report.scores import MeanScore

Numbers = Mapping[str, int]
Point = tuple[float, float]


def interval_chart(scores: Mapping[str, MeanScore], numbers: Numbers, name: str, title: str, description: str) -> str:
    """A row for each method: its mean, and a line as long as its interval."""
    with chart(0.65 + 0.24 * len(scores), left=room_for(list(scores))) as (figure, axis):
        for place, (method, found) in enumerate(scores.items()):
            colour, _, marker = look(numbers[method])
            ends = [100 * found.interval.low, 100 * found.interval.high]
            axis.plot(ends, [place, place], color=colour, linewidth=2, solid_capstyle="round")
            axis.plot([100 * found.mean], [place], color=colour, marker=marker, markersize=6)
        axis.set_yticks(range(len(scores)), list(scores))
        axis.set_ylim(len(scores) - 0.5, -0.5)
        axis.grid(visible=False, axis="y")
        axis.set_xlabel("accuracy (%), with its 95 % interval")
        axis.tick_params(axis="y", length=0)
        return to_svg(figure, name, title, description)


def cost_chart(
    points: Mapping[str, tuple[float, MeanScore]], numbers: Numbers, what: str, name: str, title: str, description: str
) -> str:
    """Accuracy against a cost on a logarithmic axis."""
    methods = [(method, numbers[method]) for method in points]
    with chart(2.8, methods, lines=False) as (figure, axis):
        for method, (cost, found) in points.items():
            colour, _, marker = look(numbers[method])
            ends = [100 * found.interval.low, 100 * found.interval.high]
            axis.plot([cost, cost], ends, color=colour, linewidth=1, alpha=0.6)
            axis.plot([cost], [100 * found.mean], color=colour, marker=marker, markersize=7, linestyle="")
        costs = [cost for cost, _ in points.values()]
        _logarithmic(axis, costs)
        axis.set_xlabel(what)
        axis.set_ylabel("accuracy (%)")
        return to_svg(figure, name, title, description)


def curve_chart(
    curves: Mapping[str, Sequence[Sequence[Point]]],
    best: Mapping[str, Sequence[Point]],
    numbers: Numbers,
    axes: tuple[str, str],
    limits: tuple[float, float, float, float],
    name: str,
    title: str,
    description: str,
    *,
    grey: Sequence[Sequence[Point]] = (),
) -> str:
    """Validation score against steps or seconds: a line for each seed, its best validation marked.

    Args:
        curves: For each method its lines.
        best: For each method the points that are marked.
        numbers: The place of each method.
        axes: What is on them.
        limits: Where they begin and end, alike in all charts that stand together: left, right, bottom, top.
        name: Unique on the page.
        title: Of the chart.
        description: Of what is seen.
        grey: Lines of another method to compare with, without a mark.
    """
    methods = [(method, numbers[method]) for method in curves]
    several = len(methods) > 1
    with chart(2.8 if several else 2.2, methods if several else (), width=WIDE if several else NARROW) as (
        figure,
        axis,
    ):
        for line in grey:
            axis.plot(*zip(*line, strict=True), color=INK, linewidth=1, alpha=0.45, linestyle=(0, (2, 1)))
        for method, lines in curves.items():
            colour, style, marker = look(numbers[method])
            for line in lines:
                axis.plot(*zip(*line, strict=True), color=colour, linestyle=style, linewidth=1.3)
            if best[method]:
                axis.plot(*zip(*best[method], strict=True), color=colour, marker=marker, markersize=6, linestyle="")
        axis.set_xlim(*limits[:2])
        axis.set_ylim(*limits[2:])
        axis.xaxis.set_major_locator(MaxNLocator(6))
        axis.set_xlabel(axes[0])
        axis.set_ylabel(axes[1])
        return to_svg(figure, name, title, description)


def budget_chart(
    lines: Mapping[str, Sequence[tuple[float, MeanScore]]], numbers: Numbers, name: str, title: str, description: str
) -> str:
    """Accuracy against the number of labelled documents, a line for each method with its intervals."""
    methods = [(method, numbers[method]) for method in lines]
    with chart(2.8, methods) as (figure, axis):
        budgets = sorted({budget for line in lines.values() for budget, _ in line})
        for place, (method, line) in enumerate(lines.items()):
            colour, style, marker = look(numbers[method])
            aside = 1 + 0.02 * (place - (len(lines) - 1) / 2)  # so that intervals do not hide each other
            x = [budget * aside for budget, _ in line]
            means = np.array([found.mean for _, found in line])
            low = means - [found.interval.low for _, found in line]
            high = np.array([found.interval.high for _, found in line]) - means
            axis.errorbar(
                x,
                100 * means,
                yerr=100 * np.maximum([low, high], 0),
                color=colour,
                linestyle=style,
                marker=marker,
                markersize=5,
                linewidth=1.3,
                elinewidth=0.8,
            )
        _logarithmic(axis, budgets)
        if len(budgets) <= 6:
            axis.set_xticks(budgets, [f"{budget:,.0f}" for budget in budgets])
        axis.set_xlabel("labelled training documents")
        axis.set_ylabel("accuracy (%)")
        return to_svg(figure, name, title, description)


def _logarithmic(axis, values: Sequence[float]) -> None:  # type: ignore[no-untyped-def]
    """A logarithmic axis where values are far apart, with plain numbers on it."""
    if min(values) <= 0 or max(values) < 3 * min(values):
        axis.margins(x=0.15)
        axis.xaxis.set_major_locator(MaxNLocator(5))
        return
    axis.set_xscale("log")
    axis.margins(x=0.1)
    axis.set_xticks(_steps(min(values), max(values)))
    formatter = ScalarFormatter()
    formatter.set_scientific(False)
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_locator(NullLocator())
    axis.grid(visible=True, which="major", color=GRID)


def _steps(low: float, high: float) -> list[float]:
    """Round numbers between two, as many as find room: 1, 2 and 5 times powers of ten, or more where they are near."""
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7)):
        found = [float(step * 10.0**power) for power in powers for step in steps if low <= step * 10.0**power <= high]
        if len(found) >= 3:
            break
    return found
