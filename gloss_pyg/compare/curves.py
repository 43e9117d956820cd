"""The picture of a comparison: the validation score against optimiser steps and against seconds."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gloss_pyg.compare.files import Record, write_whole

# Okabe & Ito, "Color universal design" (2008): told apart with any colour vision. Yellow is left out, it is too pale
# for a thin line; line styles tell the methods apart in grey as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
LineStyle = Literal["-"] | tuple[int, tuple[float, ...]]
STYLES: tuple[LineStyle, ...] = ("-", (0, (5.0, 1.5)), (0, (1.0, 1.0)), (0, (4.0, 1.0, 1.0, 1.0)))
# Scores that methods are stopped by: the name of their axis, and what they are multiplied by.
SCORES = {"macro_f1": ("validation macro-F1 (%)", 100), "macro_silhouette": ("validation macro silhouette", 1)}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")


@dataclass(frozen=True)
class Curve:
    """The validation curve of a cell.

    Attributes:
        method: Name of the method.
        data: Name of the data set.
        best_step: The step whose parameters were kept.
        history: A row each validation with `step`, `seconds` and the score: `macro_f1` or `macro_silhouette`.
    """

    method: str
    data: str
    best_step: int
    history: Sequence[Record]

    @property
    def score(self) -> str:
        """Which score its rows have."""
        return next(name for name in SCORES if name in self.history[0])


def draw_curves(curves: Sequence[Curve], path: Path) -> bool:
    """Draw a thin line for each cell, its best step marked; a row of two panels for each data set and score.

    Args:
        curves: Finished cells; those without a validation curve of a score that we know are left out.
        path: Where the picture goes, whole or not at all; the suffix says the format.

    Returns:
        Whether there was anything to draw.
    """
    curves = [curve for curve in curves if curve.history and SCORES.keys() & curve.history[0].keys()]
    if not curves:
        return False
    methods = list(dict.fromkeys(curve.method for curve in curves))
    rows = [
        (data, score)
        for data in dict.fromkeys(curve.data for curve in curves)
        for score in SCORES
        if any((curve.data, curve.score) == (data, score) for curve in curves)
    ]
    figure = Figure(figsize=(10, 1.0 + 3.3 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(rows), 2, squeeze=False, sharey="row")
    for row, (data, score) in zip(axes, rows, strict=True):
        here = [curve for curve in curves if (curve.data, curve.score) == (data, score)]
        for axis, key in zip(row, ("step", "seconds"), strict=True):
            for curve in here:
                _draw(axis, curve, key, methods.index(curve.method))
            axis.set_xlabel("optimiser steps" if key == "step" else "seconds of training, validation included")
            axis.set_xlim(left=0)
            tidy(axis)
        row[0].set_ylabel(SCORES[score][0])
        row[0].set_title(data, loc="left", fontweight="bold")
    name_methods(figure, methods, "one line for each seed, marked at the step whose parameters are tested")
    write_figure(figure, path)
    return True


def tidy(axis: Axes) -> None:
    """A grid, and no frame above and to the right."""
    axis.grid(visible=True, color="#DDDDDD", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def name_methods(figure: Figure, methods: Sequence[str], title: str) -> None:
    """A legend above all panels: the methods by their number, and in its title how they are drawn."""
    figure.legend(
        handles=[_handle(method, number) for number, method in enumerate(methods)],
        loc="outside upper center",
        ncols=min(len(methods), 4),
        frameon=False,
        handlelength=4,
        title=title,
        title_fontsize="small",
    )


def write_figure(figure: Figure, path: Path) -> None:
    """Write a picture whole or not at all; the suffix says the format."""
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format=path.suffix[1:])
    write_whole(path, picture.getvalue())


def _draw(axis: Axes, curve: Curve, key: str, number: int) -> None:
    factor = SCORES[curve.score][1]
    points = [row for row in curve.history if row[curve.score] is not None]
    x, y = [row[key] for row in points], [factor * row[curve.score] for row in points]
    colour, style, marker = look(number)
    axis.plot(x, y, color=colour, linestyle=style, linewidth=1.2, alpha=0.85)
    best = [row for row in points if row["step"] == curve.best_step]
    axis.plot(
        [row[key] for row in best],
        [factor * row[curve.score] for row in best],
        color=colour,
        marker=marker,
        markersize=7,
        markeredgecolor="white",
        linestyle="",
        zorder=3,
    )


def look(number: int) -> tuple[str, LineStyle, str]:
    """Colour, line and marker of the method with this number."""
    return COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)], _MARKERS[number % len(_MARKERS)]


def _handle(method: str, number: int) -> Line2D:
    colour, style, marker = look(number)
    return Line2D([], [], color=colour, linestyle=style, marker=marker, label=method)
