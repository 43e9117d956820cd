"""The picture of a batch: documents, what is known of them, and the edges that labels travel along."""

from collections.abc import Sequence
from typing import Any, Literal

import networkx as nx
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from gloss_pyg.errors import DataError
from gloss_pyg.viz.layout import Positions, check_positions, node_positions
from gloss_pyg.viz.looks import UNKNOWN, class_colour, class_legend, class_shape, new_axes, plain, set_title
from gloss_pyg.viz.strongest import strongest_pairs
from gloss_pyg.viz.view import Drawable, GraphView, view

_PLACES = "gloss_pyg:positions"
EDGE_LOOKS: dict[str, tuple[str, Literal["solid", "dashed", "dotted"]]] = {
    "within": ("#8c8c8c", "solid"),
    "between": ("#B30000", "dashed"),
    "unknown": ("#c9c9c9", "dotted"),
}


def draw_batch_graph(
    data: Drawable | GraphView,
    *,
    labels: ArrayLike | None = None,
    seen: ArrayLike | None = None,
    probabilities: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    pos: ArrayLike | None = None,
    strongest: int | None = 3,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw a graph of documents: classes, seen and hidden labels, wrong inferences, and the strongest edges.

    A class has a colour that colour-blind people can tell from the others, and a shape. Documents whose label is seen
    are filled, hidden ones are hollow, those without a label small and grey. A ring around a hidden document says that
    propagation gave it another class, the one in whose colour the ring is. Edges within a class are grey, those between
    classes red and dashed, the wider and darker the stronger; where fewer are drawn than there are, the picture says
    so. The title gives the share of the weight that lies between classes and the homophily, both of *all* edges.

    Args:
        data: A `Data` with `edge_index` (ours, or of PyG's own data sets), or what `GLoss.propagate` returned.
        labels: Classes in place of `data.y`. A propagated batch knows only what was seen: give the true labels, or
            hidden documents are drawn as if they had none.
        seen: Which labels were seen; by default as propagated, by `data.train_mask`, else all.
        probabilities: Of the classes `[N, C]`, where `data` is no propagated batch.
        class_names: Names of the classes.
        pos: Positions `[N, 2]`, for instance those of another picture of the same documents (`positions_of`); by
            default `node_positions(data)`.
        strongest: Edges that each document keeps; `None` draws all.
        title: First line, in place of the numbers of documents and classes.
        ax: Where to draw; by default a new figure, which `save_picture(ax, path)` writes.

    Returns:
        The axes; `positions_of(axes)` gives the positions for the next picture.

    Raises:
        DataError: for data, labels or positions that do not fit each other.
        ConfigError: for a `strongest` that cannot be.

    Example:
        >>> import torch
        >>> from gloss_pyg import DenseGaussian, GLoss
        >>> embeddings, labels = torch.randn(12, 8), torch.arange(12) % 3
        >>> batch = GLoss(DenseGaussian(sigma=0.5)).propagate(embeddings, labels)
        >>> ax = draw_batch_graph(batch, labels=labels, class_names=["sport", "trade", "music"])
    """
    graph = (
        data
        if isinstance(data, GraphView)
        else view(data, labels=labels, seen=seen, probabilities=probabilities, class_names=class_names)
    )
    places = node_positions(graph) if pos is None else check_positions(pos, graph.num_nodes)
    ax = new_axes(8.6, 6.2) if ax is None else ax
    note = draw_edges(ax, graph, places, strongest)
    draw_nodes(ax, graph, places)
    remember_positions(ax, places)
    set_title(ax, plain(title) or _documents(graph), edge_figures(graph))
    finish(ax, note)
    class_legend(ax, graph.class_names, graph.classes, _explained(graph))
    return ax


def positions_of(ax: Axes) -> Positions:
    """Where a picture's documents stand, `[N, 2]`, to be given to the next picture as `pos`.

    Raises:
        DataError: if no function of ours drew a graph in these axes.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> ax = draw_batch_graph(Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1], [1, 2]])))
        >>> positions_of(ax).shape
        (3, 2)
    """
    for part in ax.collections:
        if part.get_gid() == _PLACES:
            return np.array(part.get_offsets(), dtype=np.float64)
    raise DataError("These axes hold no graph; positions_of takes what draw_batch_graph returned.")


def remember_positions(ax: Axes, places: Positions) -> None:
    """Keep positions in the picture for `positions_of`, in points that are not drawn."""
    points: PathCollection = ax.scatter(places[:, 0], places[:, 1])
    points.set_gid(_PLACES)
    points.set_visible(False)


def draw_edges(ax: Axes, graph: GraphView, places: Positions, strongest: int | None) -> str:
    """Draw the edges, faint ones first; gives a sentence where not all are drawn."""
    first, second, weight = strongest_pairs(graph, strongest)
    kinds = edge_kinds(graph, first, second)
    share = edge_strength(weight)
    crowd = min(1.0, (400 / max(len(weight), 1)) ** 0.5)  # thousands of lines as wide as hundreds are one blot
    pos = dict(enumerate(places))
    for kind, (colour, style) in EDGE_LOOKS.items():
        chosen = np.flatnonzero(kinds == kind)
        chosen = chosen[np.argsort(weight[chosen], kind="stable")]
        if not chosen.size:
            continue
        wide = (0.5 + 1.7 * share[chosen]) * (0.25 + 0.75 * crowd)
        nx.draw_networkx_edges(
            nx.empty_graph(graph.num_nodes),
            pos,
            edgelist=list(zip(first[chosen].tolist(), second[chosen].tolist(), strict=True)),
            width=wide.tolist(),
            edge_color=colour,
            style=style,
            alpha=((0.25 + 0.6 * share[chosen]) * (0.1 + 0.9 * crowd)).tolist(),
            node_size=0,
            ax=ax,
        )
    total = len(graph.pairs()[2])
    if len(weight) == total:
        return ""
    kept = "the strongest edge" if strongest == 1 else f"the {strongest} strongest edges"
    return f"Drawn: {kept} of each document, {len(weight):,} of {total:,}."


def draw_nodes(ax: Axes, graph: GraphView, places: Positions, but: NDArray[np.bool_] | None = None) -> None:
    """Draw documents without a label, then hidden and seen ones by class, then rings around wrong inferences.

    Args:
        ax: Where to draw.
        graph: The documents.
        places: Where they stand.
        but: Documents that are drawn in another way, and get here no more than their ring.
    """
    size = node_size(graph.num_nodes)
    line = 0.17 * size**0.5
    drawn = np.ones(graph.num_nodes, dtype=bool) if but is None else ~but
    bare = drawn & ~(graph.seen | graph.hidden)
    _dots(ax, places[bare], s=size * 0.35, color=UNKNOWN, edgecolors="white", linewidths=0.5, zorder=2)
    for number in graph.classes:
        colour, shape = class_colour(number), class_shape(number)
        own = drawn & (graph.labels == number)
        look: dict[str, Any] = {"s": size, "marker": shape, "zorder": 3}
        _dots(ax, places[own & graph.hidden], facecolors="white", edgecolors=colour, linewidths=line, **look)
        _dots(ax, places[own & graph.seen], facecolors=colour, edgecolors="white", linewidths=0.4 * line, **look)
    for number in np.unique(graph.inferred[graph.wrong]):
        taken = graph.wrong & (graph.inferred == number)
        ring = class_colour(int(number))
        _dots(ax, places[taken], s=size * 3.4, facecolors="none", edgecolors=ring, linewidths=0.3 + line, zorder=4)


def _dots(ax: Axes, places: Positions, **look: Any) -> None:
    ax.scatter(places[:, 0], places[:, 1], **look)


def node_size(num_nodes: int) -> float:
    """Area of a marker, in square points: smaller where there are many."""
    return float(np.clip(9000 / max(num_nodes, 1), 9, 90))


def edge_figures(graph: GraphView) -> str:
    """The share of between-class weight and the homophily, in words."""
    share, homophily = graph.between_share(), graph.homophily()
    if np.isnan(homophily):
        return "no edges between labelled documents"
    return f"between-class weight {100 * share:.1f} %, edge homophily {homophily:.2f}"


def finish(ax: Axes, note: str) -> None:
    """No ticks, equal scales, and a sentence below."""
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.06)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.set_xlabel(note, fontsize="small", loc="left", color="#444444")


def edge_strength(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """How wide and dark edges are drawn, from 0 to 1: the root of their weight over the largest."""
    return np.sqrt(weight / weight.max()) if weight.size and weight.max() > 0 else np.ones_like(weight)


def edge_kinds(graph: GraphView, first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[Any]:
    """Of each pair: `within` a class, `between` two, or `unknown` where one has no label."""
    one, other = graph.labels[first], graph.labels[second]
    known = (one >= 0) & (other >= 0)
    return np.where(~known, "unknown", np.where(one == other, "within", "between"))


def _documents(graph: GraphView) -> str:
    hidden, lost = int(graph.hidden.sum()), int((graph.hidden & (graph.inferred < 0)).sum())
    n, classes = graph.num_nodes, len(graph.classes)
    text = f"{n:,} document{'s'[: n > 1]}, {classes} class{'es' if classes != 1 else ''}"
    if hidden:
        text += f"; {hidden:,} labels hidden"
        if graph.probabilities is not None:
            text += f", {int(graph.wrong.sum()):,} inferred wrongly" + (f", {lost:,} not reached" if lost else "")
    return text


def _explained(graph: GraphView) -> list[tuple[Line2D, str]]:
    """What the legend says beside classes, for what the picture holds."""
    bare = ~(graph.seen | graph.hidden)
    point: dict[str, Any] = {"linestyle": "", "marker": "o"}
    rows: list[tuple[Line2D, str]] = []
    if graph.seen.any():
        rows.append((Line2D([], [], color="#444444", **point), "label seen"))
    if graph.hidden.any():
        rows.append((Line2D([], [], markeredgecolor="#444444", markerfacecolor="white", **point), "label hidden"))
    if bare.any():
        rows.append((Line2D([], [], color=UNKNOWN, markersize=4, **point), "no label"))
    if graph.wrong.any():
        ring = Line2D([], [], color="#444444", markerfacecolor="none", markersize=10, markeredgewidth=1.6, **point)
        rows.append((ring, "inferred wrongly\n(colour: as what)"))
    first, second, _ = graph.pairs()
    kinds = set(edge_kinds(graph, first, second).tolist())
    names = {"within": "edge within a class", "between": "edge between classes", "unknown": "edge, class unknown"}
    rows.extend(
        (Line2D([], [], color=colour, linestyle=style, linewidth=1.6), names[kind])
        for kind, (colour, style) in EDGE_LOOKS.items()
        if kind in kinds
    )
    return rows
