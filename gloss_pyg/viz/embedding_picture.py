"""Embeddings in two dimensions, by principal components, t-SNE or UMAP."""

import warnings
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray
from sklearn.manifold import TSNE

from gloss_pyg.errors import ConfigError, DataError, MissingExtraError
from gloss_pyg.viz.batch_graph import draw_nodes, finish, remember_positions
from gloss_pyg.viz.layout import Positions, principal_components
from gloss_pyg.viz.looks import class_legend, new_axes, plain, set_title
from gloss_pyg.viz.view import Drawable, GraphView, view

Reduction = Literal["pca", "tsne", "umap"]
_NAMES = {"pca": "two principal components", "tsne": "t-SNE", "umap": "UMAP"}


def draw_embeddings(
    data: Drawable | GraphView,
    *,
    labels: ArrayLike | None = None,
    seen: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    by: Reduction = "pca",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the documents where their embeddings put them, without edges.

    Principal components keep distances as far as two dimensions can, and say with which share of the variance; t-SNE
    and UMAP keep neighbours together, and distances between groups mean nothing there.

    Args:
        data: See `gloss_pyg.viz`, with `x`. Edges do not matter.
        labels: Classes in place of `data.y`.
        seen: Which labels were seen, as in `draw_batch_graph`.
        class_names: Names of the classes.
        by: `"pca"`, `"tsne"` (scikit-learn) or `"umap"` (umap-learn, extra "viz"), the same each time.
        title: First line.
        ax: Where to draw; by default a new figure.

    Raises:
        ConfigError: for another `by`.
        DataError: without embeddings, or with fewer than 4 documents for t-SNE and UMAP.
        MissingExtraError: for UMAP without the extra "viz".

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> edges = torch.tensor([[0, 1], [1, 0]])
        >>> ax = draw_embeddings(Data(x=torch.randn(9, 4), y=torch.arange(9) % 3, edge_index=edges))
    """
    graph = data if isinstance(data, GraphView) else view(data, labels=labels, seen=seen, class_names=class_names)
    places, kept = reduced(graph, by)
    ax = new_axes(7.6, 5.6) if ax is None else ax
    draw_nodes(ax, graph, places)
    remember_positions(ax, places)
    finish(ax, "")
    share = f", {100 * kept:.0f} % of the variance" if kept is not None else ""
    set_title(ax, plain(title), f"{graph.num_nodes:,} embeddings by {_NAMES[by]}{share}")
    class_legend(ax, graph.class_names, graph.classes)
    return ax


def reduced(graph: GraphView, by: Reduction) -> tuple[Positions, float | None]:
    """Positions `[N, 2]`, and for principal components the share of the variance that they keep."""
    if by not in get_args(Reduction):
        raise ConfigError(f"by={by!r}; expected one of {', '.join(get_args(Reduction))}.")
    if graph.x is None:
        raise DataError("The Data has no x; embeddings are what is drawn here.")
    rows = graph.x / np.maximum(np.linalg.norm(graph.x, axis=1, keepdims=True), 1e-12)
    if by == "pca":
        found = principal_components(rows)
        total = float(((rows - rows.mean(axis=0)) ** 2).sum())
        return found, float((found**2).sum()) / total if total > 0 else 1.0
    if len(rows) < 4:
        raise DataError(f"{len(rows)} documents are too few for {_NAMES[by]}; expected 4 or more, or by='pca'.")
    return (_tsne(rows) if by == "tsne" else _umap(rows)), None


def _tsne(rows: NDArray[np.float64]) -> Positions:
    perplexity = min(30.0, (len(rows) - 1) / 3)
    found: Positions = TSNE(2, perplexity=perplexity, init="pca", random_state=0).fit_transform(rows)
    return found.astype(np.float64)


def _umap(rows: NDArray[np.float64]) -> Positions:
    try:
        from umap import UMAP
    except ImportError as error:
        raise MissingExtraError(
            "by='umap' needs the package 'umap-learn', which is not installed. Run: pip install \"gloss-pyg[viz]\", or "
            "take by='tsne', which needs nothing."
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it runs on one thread for the sake of the seed
        found: Positions = UMAP(n_neighbors=min(15, len(rows) - 1), random_state=0).fit_transform(rows)
    return found.astype(np.float64)
