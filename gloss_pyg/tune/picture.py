"""The picture of a search: the validation score of each trial, and the best so far."""

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gloss_pyg.compare.curves import SCORES, look, name_methods, tidy, write_figure
from gloss_pyg.tune.search import Search
from gloss_pyg.tune.study import Row


def draw_history(rows: Mapping[Search, list[Row]], path: Path) -> bool:
    """Draw a panel for each data set and score: a point for each trial, pruned ones hollow, a line for the best so far.

    Args:
        rows: Trials of each search.
        path: Where the picture goes, whole or not at all.

    Returns:
        Whether there was anything to draw.
    """
    panels: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for search, own in rows.items():
        scored = [row for row in own if row.score is not None and row.metric in SCORES]
        if scored:
            panels.setdefault((search.data, scored[0].metric), {})[search.method] = scored
    if not panels:
        return False
    methods = list(dict.fromkeys(search.method for search in rows))
    figure = Figure(figsize=(7.5, 1.0 + 3.2 * len(panels)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
    for axis, ((data, metric), curves) in zip(axes, panels.items(), strict=True):
        name, factor = SCORES[metric]
        for method, scored in curves.items():
            colour, style, marker = look(methods.index(method))
            numbers = [row.number for row in scored]
            scores = [factor * (row.score or 0.0) for row in scored]
            whole = [row.state == "finished" for row in scored]
            for number, score, filled in zip(numbers, scores, whole, strict=True):
                face = colour if filled else "none"
                axis.plot(number, score, marker=marker, markersize=6, markerfacecolor=face, markeredgecolor=colour)
            reached = [score if filled else float("-inf") for score, filled in zip(scores, whole, strict=True)]
            best = [(n, value) for n, value in zip(numbers, accumulate(reached, max), strict=True) if value > -1e9]
            axis.plot(
                [n for n, _ in best],
                [value for _, value in best],
                color=colour,
                linestyle=style,
                linewidth=1.3,
                drawstyle="steps-post",
            )
        axis.set_xlabel("trial")
        axis.set_ylabel(name)
        axis.set_title(data, loc="left", fontweight="bold")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        tidy(axis)
    name_methods(figure, methods, "a point a trial, hollow where it was ended on its way; the line is the best so far")
    write_figure(figure, path)
    return True
