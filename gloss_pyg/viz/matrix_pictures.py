"""The graph as a matrix: its weights ordered by class, and the spectrum of its Laplacian."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from numpy.typing import ArrayLike, NDArray

from gloss_pyg.errors import DataError
from gloss_pyg.viz.batch_graph import edge_figures
from gloss_pyg.viz.looks import class_colour, new_axes, plain, set_title, whole_figure
from gloss_pyg.viz.view import Drawable, GraphView, view

MOST_NODES = 3000
_DECADES = 4  # of weights that colours tell apart; fainter ones look like none


def draw_weights(
    data: Drawable | GraphView,
    *,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    title: str = "Edge weights, documents ordered by class",
    ax: Axes | None = None,
) -> Axes:
    """Draw the weights as a heat map, ordered by class: blocks on the diagonal are classes that hold together.

    Colours are logarithmic, over at most four decades below the largest weight; white is no edge or a fainter one. The
    strip at the left and the names say which class is where; documents without a label come last. Within a class
    documents are ordered by what ties them to it, the most central first.

    Args:
        data: See `gloss_pyg.viz`; at most 3,000 documents.
        labels: Classes in place of `data.y`.
        class_names: Names of the classes.
        title: First line.
        ax: Where to draw; by default a new figure.

    Raises:
        DataError: for data that does not fit, or too many documents.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import DenseGaussian
        >>> ax = draw_weights(DenseGaussian(sigma=0.5)(Data(x=torch.randn(9, 4), y=torch.arange(9) % 3)))
    """
    graph = data if isinstance(data, GraphView) else view(data, labels=labels, class_names=class_names)
    dense = _dense(graph)
    place = np.where(graph.labels < 0, len(graph.class_names), graph.labels)
    inside = (dense * (place[:, None] == place)).sum(axis=1)
    order = np.lexsort((-inside, place))
    shown, largest = dense[np.ix_(order, order)], float(dense.max(initial=0.0))
    ax = new_axes(7.6, 6.6) if ax is None else ax
    if largest > 0:
        faintest = max(float(shown[shown > 0].min()), largest / 10**_DECADES)
        norm = LogNorm(min(faintest, 0.99 * largest), largest)
        image = ax.imshow(
            np.where(shown >= faintest, shown, np.nan), norm=norm, cmap="viridis_r", interpolation="nearest"
        )
        whole_figure(ax).colorbar(image, ax=ax, label="weight", shrink=0.8)
    _name_blocks(ax, graph, place[order])
    set_title(ax, plain(title), edge_figures(graph))
    return ax


def draw_spectrum(
    data: Drawable | GraphView,
    *,
    labels: ArrayLike | None = None,
    first: int = 30,
    title: str = "Spectrum of the normalised Laplacian",
    ax: Axes | None = None,
) -> Axes:
    r"""Draw the smallest eigenvalues of the normalised Laplacian: as many near zero as there are groups.

    .. math:: L = I - D^{-1/2} W D^{-1/2}

    The number of zeros is that of connected components; a gap after the `C`-th says that the graph falls into `C`
    groups, of which labels within one spread easily and between them hardly. The line marks the number of classes.

    Args:
        data: See `gloss_pyg.viz`; at most 3,000 documents. One-way edges count half in both directions.
        labels: Classes in place of `data.y`, for the line.
        first: Eigenvalues drawn, at most.
        title: First line.
        ax: Where to draw; by default a new figure.

    Raises:
        DataError: for data that does not fit, or too many documents.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import DenseGaussian
        >>> ax = draw_spectrum(DenseGaussian(sigma=0.5)(Data(x=torch.randn(9, 4), y=torch.arange(9) % 3)))
    """
    graph = data if isinstance(data, GraphView) else view(data, labels=labels)
    values = laplacian_spectrum(graph)
    shown = values[: max(first, 1)]
    classes = len(graph.classes)
    ax = new_axes(7.0, 4.4) if ax is None else ax
    numbers = np.arange(1, len(shown) + 1)
    ax.vlines(numbers, 0, shown, color="#8c8c8c", linewidth=1.2)
    ax.scatter(numbers, shown, color=class_colour(0), s=28, zorder=3)
    if 0 < classes < len(shown):
        ax.axvline(classes + 0.5, color=class_colour(1), linestyle="dashed", linewidth=1.4)
        ax.text(
            classes + 0.65,
            0.97,
            f"{classes} classes",
            color=class_colour(1),
            va="top",
            transform=ax.get_xaxis_transform(),
        )
    ax.set_ylim(0, max(float(shown.max(initial=0.0)) * 1.08, 0.1))
    ax.set_xlabel("number of the eigenvalue, the smallest first")
    ax.set_ylabel("eigenvalue")
    ax.spines[["top", "right"]].set_visible(False)
    components = int((values < 1e-9).sum())
    part = f"{components} connected component{'s'[: components != 1]}"
    gap = (
        f", gap after number {classes}: {values[classes] - values[classes - 1]:.3f}"
        if 0 < classes < len(values)
        else ""
    )
    set_title(ax, plain(title), part + gap)
    return ax


def laplacian_spectrum(graph: GraphView) -> NDArray[np.float64]:
    """All eigenvalues of the normalised Laplacian, the smallest first; a document without an edge has a zero.

    Raises:
        DataError: for more than 3,000 documents.
    """
    dense = _dense(graph)
    both = (dense + dense.T) / 2
    degree = both.sum(axis=1)
    scale = 1 / np.sqrt(np.where(degree > 0, degree, 1.0))
    values = np.linalg.eigvalsh(np.diag((degree > 0).astype(float)) - scale[:, None] * both * scale)
    return np.asarray(values.clip(min=0), dtype=np.float64)


def _dense(graph: GraphView) -> NDArray[np.float64]:
    if graph.num_nodes > MOST_NODES:
        raise DataError(
            f"{graph.num_nodes:,} documents: as a matrix a graph of at most {MOST_NODES:,} can be drawn. Take a part "
            "of it, such as data.subgraph(nodes)."
        )
    dense: NDArray[np.float64] = graph.weights.toarray()
    return dense


def _name_blocks(ax: Axes, graph: GraphView, ordered: NDArray[np.int64]) -> None:
    """A strip of class colours at the left, thin lines between classes, and a name where there is room for one."""
    n, ticks, names = len(ordered), [], []
    for number in np.unique(ordered):
        rows = np.flatnonzero(ordered == number)
        start, end = rows[0] - 0.5, rows[-1] + 0.5
        known = number < len(graph.class_names)
        colour = class_colour(int(number) if known else -1)
        ax.fill_betweenx([start, end], -0.5 - 0.02 * n, -0.5, color=colour, linewidth=0, clip_on=False)
        if end < n - 0.5:
            ax.axhline(end, color="#444444", linewidth=0.5)
            ax.axvline(end, color="#444444", linewidth=0.5)
        if len(rows) >= 0.03 * n:
            ticks.append((start + end) / 2)
            names.append(plain(graph.class_names[number], 20) if known else "no label")
    ax.set_xlim(-0.5 - 0.02 * n, n - 0.5)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_yticks(ticks, labels=names, fontsize="small")
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
