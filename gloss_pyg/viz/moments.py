"""The same documents at several moments of training: side by side, and as an animation."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from gloss_pyg.errors import DataError
from gloss_pyg.viz.animation import Frame, check_animation_name, write_animation
from gloss_pyg.viz.batch_graph import draw_edges, draw_nodes, edge_figures, finish, node_size, remember_positions
from gloss_pyg.viz.layout import Positions, check_positions, node_positions
from gloss_pyg.viz.looks import class_colour, class_legend, plain, set_title
from gloss_pyg.viz.view import Drawable, GraphView, view

_CORNERS = 24  # of a whole pie
_SECONDS_A_MOMENT, _STEPS_BETWEEN, _FRAMES_A_SECOND = 1.2, 8, 12


def draw_moments(
    moments: Sequence[Drawable],
    *,
    names: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    pos: ArrayLike | None = None,
    strongest: int | None = 2,
) -> list[Axes]:
    """Draw the same documents at several moments side by side, for instance before and after fine-tuning.

    Hidden documents are pies of their propagated probabilities, with a ring where the largest piece is another class
    than theirs; seen ones have their class's colour and shape. Documents stay where they were but for what changed:
    each layout is turned to lie as near to the one before as it can, and all panels have the same scale.

    Args:
        moments: Graphs or propagated batches of the same documents in the same order, with the same seen labels.
        names: What each moment is called, such as "before" and "after"; by default "moment 1" and so on.
        labels: The true classes, as in `draw_batch_graph`.
        class_names: Names of the classes.
        pos: Positions for all moments; then only edges and pies change.
        strongest: Edges that each document keeps in the picture.

    Returns:
        The axes of each moment, in one figure.

    Raises:
        DataError: for no moments, moments of different documents, or names that do not fit.

    Example:
        >>> import torch
        >>> from gloss_pyg import DenseGaussian, GLoss
        >>> loss, labels = GLoss(DenseGaussian(sigma=0.5)).eval(), torch.arange(12) % 2
        >>> before = torch.randn(12, 4)
        >>> after = before + 3 * torch.nn.functional.one_hot(labels, 4)
        >>> moments = [loss.propagate(x, labels) for x in (before, after)]
        >>> axes = draw_moments(moments, names=["before", "after"], labels=labels)
    """
    graphs, called = checked_moments(moments, names, labels, class_names)
    places = layouts(graphs, pos)
    figure = Figure(figsize=(4.6 * len(graphs) + 1.9, 4.9), layout="constrained")
    FigureCanvasAgg(figure)
    axes = list(figure.subplots(1, len(graphs), squeeze=False)[0])
    for ax, graph, here, name in zip(axes, graphs, places, called, strict=True):
        _draw_moment(ax, graph, here, name, strongest, places)
    class_legend(axes[-1], graphs[-1].class_names, graphs[-1].classes)
    return axes


def animate(
    moments: Sequence[Drawable],
    path: Path,
    *,
    names: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    pos: ArrayLike | None = None,
    strongest: int | None = 2,
    dpi: int = 80,
) -> None:
    """Write the moments as an animation, documents moving from one to the next.

    Args:
        moments: As in `draw_moments`, and for the others.
        path: `.gif`, or `.mp4` where ffmpeg or the package `imageio-ffmpeg` is there.
        names: What each moment is called.
        labels: The true classes.
        class_names: Names of the classes.
        pos: Positions for all moments.
        strongest: Edges that each document keeps in the picture.
        dpi: Dots an inch, of 6.6 by 5 inches.

    Raises:
        ConfigError: for another suffix, a folder that is not there, or `.mp4` without ffmpeg.
        DataError: as in `draw_moments`.

    Example:
        >>> import torch
        >>> from gloss_pyg import DenseGaussian, GLoss
        >>> loss, labels = GLoss(DenseGaussian(sigma=0.5)).eval(), torch.arange(6) % 2
        >>> moments = [loss.propagate(torch.randn(6, 4), labels) for _ in range(2)]
        >>> animate(moments, Path("training.gif"), labels=labels)
    """
    check_animation_name(path)
    graphs, called = checked_moments(moments, names, labels, class_names)
    places = layouts(graphs, pos)
    write_animation(path, _frames(graphs, called, places, strongest, dpi), _FRAMES_A_SECOND)


def _frames(
    graphs: Sequence[GraphView], names: Sequence[str], places: Sequence[Positions], strongest: int | None, dpi: int
) -> Iterator[Frame]:
    """Each moment for a while, and between two of them documents on their way, with the edges they come from."""
    for number, (graph, here, name) in enumerate(zip(graphs, places, names, strict=True)):
        yield _pixels(graph, here, name, strongest, places, dpi), _SECONDS_A_MOMENT
        if number + 1 < len(graphs):
            for step in range(1, _STEPS_BETWEEN):
                way = step / _STEPS_BETWEEN
                way = way * way * (3 - 2 * way)  # starts and stops gently
                between = (1 - way) * here + way * places[number + 1]
                yield _pixels(graph, between, name, strongest, places, dpi), 1 / _FRAMES_A_SECOND


def _pixels(
    graph: GraphView, here: Positions, name: str, strongest: int | None, places: Sequence[Positions], dpi: int
) -> NDArray[np.uint8]:
    figure = Figure(figsize=(6.6, 5.0), dpi=dpi)
    canvas = FigureCanvasAgg(figure)
    ax = figure.add_axes((0.01, 0.06, 0.75, 0.8))
    _draw_moment(ax, graph, here, name, strongest, places)
    class_legend(ax, graph.class_names, graph.classes)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[:, :, :3].copy()


def _draw_moment(
    ax: Axes, graph: GraphView, here: Positions, name: str, strongest: int | None, places: Sequence[Positions]
) -> None:
    note = draw_edges(ax, graph, here, strongest)
    pies = (graph.hidden | (graph.labels < 0)) & (graph.inferred >= 0)
    draw_nodes(ax, graph, here, but=pies)
    if pies.any():
        draw_pies(ax, graph, here, pies, width=float(np.ptp(np.vstack(list(places)), axis=0).max()) or 1.0)
    remember_positions(ax, here)
    wrong = f"{int(graph.wrong.sum())} of {int(graph.hidden.sum())} hidden inferred wrongly" if pies.any() else ""
    set_title(ax, plain(name), edge_figures(graph), wrong)
    finish(ax, note)
    _same_scale(ax, places)


def draw_pies(ax: Axes, graph: GraphView, here: Positions, which: NDArray[np.bool_], width: float) -> None:
    """Propagated probabilities as pies, the first class from the top, clockwise; pieces below 1 % are left out.

    Args:
        ax: Where to draw.
        graph: The documents, with probabilities.
        here: Where they stand.
        which: Documents that are drawn as pies.
        width: Of the picture, in the units of the positions: pies are as large in it as markers.
    """
    assert graph.probabilities is not None
    radius = 0.0021 * width * node_size(graph.num_nodes) ** 0.5
    pieces, colours = [], []
    for node in np.flatnonzero(which):
        share = graph.probabilities[node] / graph.probabilities[node].sum()
        ends = np.concatenate([[0.0], share.cumsum()])
        for number in np.flatnonzero(share >= 0.01):
            corners = max(2, int(np.ceil(_CORNERS * share[number])) + 1)
            angle = np.pi / 2 - 2 * np.pi * np.linspace(ends[number], ends[number + 1], corners)
            rim = here[node] + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
            pieces.append(rim if share[number] > 0.99 else np.vstack([here[node], rim]))
            colours.append(class_colour(int(number)))
    ax.add_collection(PolyCollection(pieces, facecolors=colours, edgecolors="white", linewidths=0.4, zorder=3.5))


def _same_scale(ax: Axes, places: Sequence[Positions]) -> None:
    everything = np.vstack(list(places))
    low, high = everything.min(axis=0), everything.max(axis=0)
    room = 0.06 * float((high - low).max()) or 1.0
    ax.set_aspect("equal", adjustable="box")
    ax.set_xlim(low[0] - room, high[0] + room)
    ax.set_ylim(low[1] - room, high[1] + room)


def layouts(graphs: Sequence[GraphView], pos: ArrayLike | None) -> list[Positions]:
    """Where documents stand at each moment: as near as can be to where they stood before."""
    if pos is not None:
        return [check_positions(pos, graphs[0].num_nodes)] * len(graphs)
    places: list[Positions] = []
    for graph in graphs:
        places.append(node_positions(graph, like=places[-1] if places else None))
    return places


def checked_moments(
    moments: Sequence[Drawable],
    names: Sequence[str] | None,
    labels: ArrayLike | None,
    class_names: Sequence[str] | None,
) -> tuple[list[GraphView], list[str]]:
    """The graphs, and what each is called.

    Raises:
        DataError: for no moments, moments of different documents, or names that do not fit.
    """
    if not moments:
        raise DataError("There are no moments to draw; expected at least one graph.")
    graphs = [view(moment, labels=labels, class_names=class_names) for moment in moments]
    sizes = {graph.num_nodes for graph in graphs}
    if len(sizes) > 1:
        raise DataError(f"The moments have {sorted(sizes)} documents; expected the same documents in the same order.")
    if names is not None and len(names) != len(graphs):
        raise DataError(f"There are {len(names)} names for {len(graphs)} moments; expected one for each.")
    return graphs, [f"moment {number + 1}" for number in range(len(graphs))] if names is None else list(names)
