"""How the validation score rose: against steps and against seconds, and how soon it reached a level."""

import math
from statistics import median_low

from gloss_pyg.compare.report.content import Block, Details, Section, Table, Text
from gloss_pyg.compare.report.learning_charts import SCORES, Curves, curve, figures, highest, show_score
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.wording import NONE, mean, number, seconds

_ROWS_EACH = 20


def learning(material: Material) -> Section | None:
    """Curves, and steps and seconds to reach a score."""
    blocks: list[Block] = []
    for place, data in enumerate(material.merged.data):
        for score in SCORES:
            curves: Curves = {}
            for method in material.merged.methods:
                found = [curve(cell, score) for cell in material.merged.of(data, method)]
                if known := [one for one in found if one is not None]:
                    curves[method] = known
            if not curves:
                continue
            title = data if score == "macro_f1" else f"{data}, by silhouette"
            behind = material.reference if material.reference in curves else next(iter(curves))
            parts = (
                figures(data, curves, material.numbers, score, f"learning-{score.replace('_', '-')}-{place}", behind),
                _reached(material, data, curves, score),
                Details(f"The curves on {title} in numbers", (_numbers(data, curves, score),)),
            )
            blocks.append(Section(title, parts))
    if not blocks:
        return None
    start = Text(
        "A line is a fit; its mark is the step whose parameters were tested. Where there are many methods, each has a "
        "chart of its own, with the first of them behind it, grey and dotted. Seconds include validation."
    )
    return Section("Learning", (start, *blocks), "learning")


def _reached(material: Material, data: str, curves: Curves, score: str) -> Table:
    """The first validation at which each method was at a level that all reach, and at one that half of them reach."""
    words, factor = SCORES[score]
    best = {method: highest(found) for method, found in curves.items()}
    levels = dict.fromkeys(math.floor(1000 * value) / 1000 for value in (min(best.values()), median_low(best.values())))
    rows = []
    for method, found in curves.items():
        row = [
            material.title(method),
            show_score(best[method], score),
            number(mean([one.best_step for one in found]), 0),
        ]
        for level in levels:
            there = [(one, place) for one in found if (place := one.first_at(level)) is not None]
            row += [
                number(mean([one.steps[place] for one, place in there]), 0) if there else NONE,
                seconds(mean([one.seconds[place] for one, place in there])) if there else NONE,
                f"{len(there)} of {len(found)}",
            ]
        rows.append(tuple(row))
    columns = ["method", f"best {words.removeprefix('validation ')}", "best step"]
    for level in levels:
        told = f"{factor * level:.1f}" if factor > 1 else f"{level:.3f}"
        columns += [f"steps to {told}", f"seconds to {told}", f"fits that reach {told}"]
    notes = (
        "The levels are the best score of the method that ends lowest, and of the one in the middle, each the mean "
        "over its seeds. Steps and seconds are means over the fits that reach a level; the others would have taken "
        "longer. A score is known only where it was validated.",
    )
    return Table(f"Steps and seconds to reach a score on {data}", tuple(columns), tuple(rows), notes=notes)


def _numbers(data: str, curves: Curves, score: str) -> Table:
    """Means over the seeds at each step; of long curves every so many validations."""
    words, factor = SCORES[score]
    digits = 2 if factor > 1 else 3
    rows = []
    for method, found in curves.items():
        at: dict[float, list[tuple[float, float]]] = {}
        for one in found:
            for step, second, value in zip(one.steps, one.seconds, one.scores, strict=True):
                at.setdefault(step, []).append((second, factor * value))
        every = -(-len(at) // _ROWS_EACH)
        for place, step in enumerate(sorted(at)):
            if place % every and place != len(at) - 1:
                continue
            values = [value for _, value in at[step]]
            shown = [number(value, digits) for value in (mean(values), min(values), max(values))]
            spent = seconds(mean([second for second, _ in at[step]]))
            rows.append((method, number(step, 0), spent, *shown, str(len(values))))
    columns = ("method", "step", "seconds", words.removeprefix("validation "), "lowest", "highest", "fits")
    return Table(f"Validation score on {data} by step, mean over the fits still training", columns, tuple(rows), 2)
