"""How far documents lie apart, within and between classes, and what a sigma makes of it."""

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import pdist

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz.looks import class_colour, new_axes, plain, set_title
from gloss_pyg.viz.view import Drawable, GraphView, view

MOST_NODES = 3000


def draw_distances(
    data: Drawable | GraphView,
    *,
    labels: ArrayLike | None = None,
    sigma: float | None = None,
    title: str = "Distances between documents",
    ax: Axes | None = None,
) -> Axes:
    r"""Draw how the distances of the unit rows of `x` are distributed within classes and between them.

    With `sigma` the weight `exp(-d^2 / (2 sigma^2))` stands over them, with a line where `d = sigma`: a good sigma lets
    the curve fall between the two distributions. Where it falls before both, each document has one or two neighbours
    that matter; where it is flat over both, all weigh alike.

    Args:
        data: See `gloss_pyg.viz`; at most 3,000 documents, with `x`. Edges do not matter.
        labels: Classes in place of `data.y`.
        sigma: The bandwidth, as `rule.bandwidth(x)` gives it.
        title: First line.
        ax: Where to draw; by default a new figure.

    Raises:
        DataError: without embeddings, for too many documents, or where no two of them have a label.
        ConfigError: for a `sigma` that is not positive.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import DenseGaussian
        >>> data = DenseGaussian(sigma=0.5)(Data(x=torch.randn(9, 4), y=torch.arange(9) % 3))
        >>> ax = draw_distances(data, sigma=0.5)
    """
    if sigma is not None and not (np.isfinite(sigma) and sigma > 0):
        raise ConfigError(f"sigma={sigma}; expected a positive number.")
    graph = data if isinstance(data, GraphView) else view(data, labels=labels)
    within, between = class_distances(graph)
    ax = new_axes(7.4, 4.6) if ax is None else ax
    edges = np.linspace(0, max(within.max(initial=0.0), between.max(initial=0.0), 1e-9) * 1.02, 60)
    for values, colour, name, style in (
        (within, class_colour(0), "within a class", "solid"),
        (between, class_colour(1), "between classes", "dashed"),
    ):
        if values.size:
            share = np.full(values.size, 100 / values.size)
            ax.hist(values, bins=edges.tolist(), weights=share, color=colour, alpha=0.3)
            ax.hist(
                values,
                bins=edges.tolist(),
                weights=share,
                histtype="step",
                color=colour,
                linestyle=style,
                linewidth=1.6,
                label=f"{name} ({values.size:,} pairs)",
            )
    ax.set_xlim(0, edges[-1])
    ax.set_xlabel("distance of the normalised embeddings")
    ax.set_ylabel("share of the pairs (%)")
    ax.spines[["top"]].set_visible(False)
    if sigma is not None:
        _draw_sigma(ax, sigma, edges)
    ax.legend(frameon=False, fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    set_title(ax, plain(title), _told(within, between))
    return ax


def class_distances(graph: GraphView) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of the unit rows of labelled documents, of pairs within a class and of pairs between classes.

    Raises:
        DataError: without embeddings, for too many documents, or where no two of them have a label.
    """
    if graph.x is None:
        raise DataError("The Data has no x; distances are those of its embeddings.")
    known = graph.labels >= 0
    if not 2 <= known.sum() <= MOST_NODES:
        raise DataError(
            f"{int(known.sum()):,} documents have a label; expected 2 to {MOST_NODES:,}, of which all pairs are "
            "measured. Take a part of them."
        )
    rows = graph.x[known]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    distance = pdist(rows)
    first, second = np.triu_indices(len(rows), 1)
    same = graph.labels[known][first] == graph.labels[known][second]
    return distance[same], distance[~same]


def _draw_sigma(ax: Axes, sigma: float, edges: NDArray[np.float64]) -> None:
    curve = ax.twinx()
    grid = np.linspace(0, edges[-1], 200)
    curve.plot(grid, np.exp(-(grid**2) / (2 * sigma**2)), color="#000000", linewidth=1.3)
    curve.set_ylim(0, 1.05)
    curve.set_ylabel("weight (black curve)")
    curve.spines[["top"]].set_visible(False)
    if sigma <= edges[-1]:
        curve.axvline(sigma, color="#000000", linestyle="dotted", linewidth=1.3)
        curve.text(sigma, 1.0, f" sigma = {sigma:.3g}", fontsize="small", va="center")


def _told(within: NDArray[np.float64], between: NDArray[np.float64]) -> str:
    parts = [
        f"median {np.median(values):.3f} {name}"
        for values, name in ((within, "within classes"), (between, "between classes"))
        if values.size
    ]
    return ", ".join(parts)
