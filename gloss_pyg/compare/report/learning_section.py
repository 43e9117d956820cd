"""How the validation score rose: against steps and against seconds, and how soon it reached a level."""

import math
from collections.abc import Sequence

from gloss_pyg.compare.report.charts import curve_chart
from gloss_pyg.compare.report.content import Block, Details, Figure, Figures, Section, Table, Text
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.runs import FoundCell
from gloss_pyg.compare.report.wording import NONE, mean, number, percent, seconds

SCORES = {"macro_f1": ("validation macro-F1 (%)", 100.0), "macro_silhouette": ("validation macro silhouette", 1.0)}
_TOGETHER = 6  # more lines of different methods in one chart cannot be followed


def learning(material: Material) -> Section | None:
    """Curves, and steps and seconds to reach a score."""
    blocks: list[Block] = []
    for place, data in enumerate(material.merged.data):
        for score, (words, factor) in SCORES.items():
            cells = {
                method: [cell for cell in material.merged.of(data, method) if _points(cell, score)]
                for method in material.merged.methods
            }
            cells = {method: found for method, found in cells.items() if found}
            if not cells:
                continue
            title = data if score == "macro_f1" else f"{data}, by silhouette"
            parts: list[Block] = [Figures(tuple(_figures(material, data, cells, score, f"{score}-{place}")))]
            parts += [
                _reached(material, data, cells, score),
                Details(f"The curves on {title} in numbers", (_numbers(data, cells, score),)),
            ]
            blocks.append(Section(title, tuple(parts)))
    if not blocks:
        return None
    start = Text(
        "A line is a fit; its mark is the step whose parameters were tested. Seconds are those of training, validation "
        "included."
    )
    return Section("Learning", (start, *blocks), "learning")


def _points(cell: FoundCell, score: str) -> list[tuple[float, float, float]]:
    """Step, seconds and score of each validation that has them."""
    keys = ("step", "seconds", score)
    rows = [row for row in cell.history if isinstance(row, dict) and all(_number(row.get(key)) for key in keys)]
    return [(float(row["step"]), float(row["seconds"]), float(row[score])) for row in rows]


def _number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _figures(material: Material, data: str, cells: dict[str, list[FoundCell]], score: str, name: str) -> list[Figure]:
    """Steps and seconds with all methods in one chart, or a chart of steps for each where they are many."""
    words, factor = SCORES[score]
    first = next(iter(cells)) if material.reference not in cells else material.reference
    groups = [list(cells)] if len(cells) <= _TOGETHER else [[method] for method in cells]
    axes = ((0, "optimiser steps"), (1, "seconds of training")) if len(groups) == 1 else ((0, "optimiser steps"),)
    figures = []
    for number_, group in enumerate(groups):
        for axis, what in axes:
            lines = {
                m: [[(point[axis], factor * point[2]) for point in _points(cell, score)] for cell in cells[m]]
                for m in group
            }
            best = {
                m: [
                    (point[axis], factor * point[2])
                    for cell in cells[m]
                    for point in _points(cell, score)
                    if point[0] == cell.record.get("best_step")
                ]
                for m in group
            }
            grey = []
            if len(groups) > 1 and group != [first]:
                grey = [[(point[axis], factor * point[2]) for point in _points(cell, score)] for cell in cells[first]]
            title = (
                f"{data}: {words.split(' (')[0]} against {what.split(' of')[0]}"
                if len(groups) == 1
                else f"{data}: {group[0]}"
            )
            said = "; ".join(f"{m}: best {_highest(cells[m], score)} on average" for m in group)
            behind = f" Grey and dashed: {first}." if grey else ""
            description = f"{said}.{behind} The numbers are in the table below."
            svg = curve_chart(
                lines,
                best,
                material.numbers,
                (what, words),
                f"learning-{name}-{number_}-{axis}",
                title,
                description,
                grey=grey,
            )
            figures.append(Figure(svg, title, description))
    return figures


def _highest(cells: Sequence[FoundCell], score: str) -> str:
    value = mean([max(point[2] for point in _points(cell, score)) for cell in cells])
    return percent(value) if score == "macro_f1" else number(value, 3)


def _reached(material: Material, data: str, cells: dict[str, list[FoundCell]], score: str) -> Table:
    """The first validation at which each method was at a level that all reach, and at one that only the best do."""
    words, factor = SCORES[score]
    highest = {
        m: mean([max(point[2] for point in _points(cell, score)) for cell in found]) for m, found in cells.items()
    }
    grid = 1000
    levels = dict.fromkeys(math.floor(grid * value) / grid for value in (min(highest.values()), max(highest.values())))
    rows = []
    for method, found in cells.items():
        row = [material.title(method), _highest(found, score)]
        row.append(number(mean([float(cell.record.get("best_step") or 0) for cell in found]), 0))
        for level in levels:
            first = [next((point for point in _points(cell, score) if point[2] >= level), None) for cell in found]
            there = [point for point in first if point is not None]
            steps = number(mean([point[0] for point in there]), 0) if there else NONE
            row += [
                steps,
                seconds(mean([point[1] for point in there])) if there else NONE,
                f"{len(there)} of {len(found)}",
            ]
        rows.append(tuple(row))
    columns = ["method", f"best {words.removeprefix('validation ')}", "at step"]
    for level in levels:
        told = f"{factor * level:.1f}" if factor > 1 else f"{level:.3f}"
        columns += [f"steps to {told}", f"seconds to {told}", f"fits that reach {told}"]
    notes = (
        "The levels are the best score of the method that ends lowest, and of that which ends highest, each the mean "
        "over its seeds. Means over the fits that reach a level; where not all do, the others would have taken longer. "
        "A score is known only where it was validated.",
    )
    return Table(f"Steps and seconds to reach a score on {data}", tuple(columns), tuple(rows), notes=notes)


def _numbers(data: str, cells: dict[str, list[FoundCell]], score: str) -> Table:
    """Means over the seeds at each step; of long curves every so many validations."""
    words, factor = SCORES[score]
    digits = 2 if factor > 1 else 3
    rows = []
    for method, found in cells.items():
        at: dict[float, list[tuple[float, float]]] = {}
        for cell in found:
            for step, at_second, value in _points(cell, score):
                at.setdefault(step, []).append((at_second, factor * value))
        every = max(1, len(at) // 20)
        for place, step in enumerate(sorted(at)):
            if place % every and place != len(at) - 1:
                continue
            values = [value for _, value in at[step]]
            rows.append(
                (
                    method,
                    number(step, 0),
                    seconds(mean([second for second, _ in at[step]])),
                    number(mean(values), digits),
                    number(min(values), digits),
                    number(max(values), digits),
                    str(len(values)),
                )
            )
    columns = ("method", "step", "seconds", words.removeprefix("validation "), "lowest", "highest", "fits")
    return Table(f"Validation score on {data} by step, mean over the fits still training", columns, tuple(rows), 2)
