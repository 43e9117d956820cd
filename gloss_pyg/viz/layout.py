"""Where documents stand in a picture: near those that they resemble, in the same place each time."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, diags_array
from scipy.sparse.linalg import eigsh

from gloss_pyg.errors import DataError
from gloss_pyg.viz.strongest import strongest_pairs
from gloss_pyg.viz.view import Drawable, GraphView, view

Positions = NDArray[np.float64]
MOST_EXACT = 400  # beyond, forces between all pairs take too long
_FORCE_STEPS, _SAMPLE_STEPS = 60, 200


def node_positions(data: Drawable | GraphView, like: ArrayLike | None = None) -> Positions:
    """Where to draw each document, `[N, 2]`: the same for the same data, without anything drawn at random.

    Documents start at the first two principal components of their embeddings' unit rows (without embeddings, or where
    no two directions stand out, at the eigenvectors of the graph's normalised Laplacian); then documents joined by
    strong edges are pulled together and all are pushed apart. Up to 400 documents feel forces from all others, more
    from a few that change with each step.

    Args:
        data: See `gloss_pyg.viz`.
        like: Positions `[N, 2]` of the same documents in another picture. The new ones are turned and mirrored so that
            they lie as near to those as they can: what moves from picture to picture is what has changed.

    Raises:
        DataError: if `like` has another shape.

    Source: Fruchterman & Reingold, "Graph drawing by force-directed placement", 1991; beyond 400 documents Tang, Liu,
    Zhang, Mei, "Visualizing large-scale and high-dimensional data", WWW 2016.

    Example:
        >>> import torch
        >>> from gloss_pyg.graph import KNNGaussian
        >>> from torch_geometric.data import Data
        >>> graph = KNNGaussian(k=2, sigma=1.0)(Data(x=torch.randn(6, 4)))
        >>> node_positions(graph).shape
        (6, 2)
    """
    graph = data if isinstance(data, GraphView) else view(data)
    n = graph.num_nodes
    principal = _principal(graph.x)
    start = _spread(_spectral(graph.weights) if principal is None else principal)
    placed = _spread(_refined(start, graph)) if n > 2 else start
    return placed if like is None else _aligned(placed, check_positions(like, n))


def check_positions(pos: ArrayLike, n: int) -> Positions:
    """Positions as an array, refused where they are not two finite numbers for each document.

    Raises:
        DataError: for another shape, or NaN.
    """
    positions = np.asarray(pos, dtype=np.float64)
    if positions.shape != (n, 2) or not np.isfinite(positions).all():
        raise DataError(
            f"Positions have shape {positions.shape}; expected two finite numbers for each of the {n} documents, as "
            "node_positions gives them."
        )
    return positions


def _principal(x: NDArray[np.float64] | None) -> Positions | None:
    """Principal components of unit rows; `None` where no two stand out: those of one-hot rows are rounding's choice."""
    if x is None or x.size == 0 or not np.ptp(x, axis=0).any():
        return None
    found, scatter = _components(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12))
    largest = np.concatenate([scatter[::-1], [0.0, 0.0]])[:3]
    stand_out = (largest[:2] - largest[1:] > 1e-6 * largest[0]).all() or largest[1] < 1e-12 * largest[0]
    return found if stand_out else None


def principal_components(rows: NDArray[np.float64]) -> Positions:
    """The first two principal components `[N, 2]`, each with the sign that makes its largest entry positive."""
    return _components(rows)[0]


def _components(rows: NDArray[np.float64]) -> tuple[Positions, NDArray[np.float64]]:
    """The first two principal components, and the scatter along all of them, rising."""
    centred = rows - rows.mean(axis=0)
    if centred.shape[1] <= centred.shape[0]:
        values, vectors = np.linalg.eigh(centred.T @ centred)
        found = centred @ vectors[:, ::-1][:, :2]
    else:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        found = (vectors * np.sqrt(np.maximum(values, 0)))[:, ::-1][:, :2]
    if found.shape[1] < 2:
        found = np.hstack([found, np.zeros((len(found), 2 - found.shape[1]))])
    largest = np.abs(found).argmax(axis=0)
    turned: Positions = found * np.where(found[largest, [0, 1]] < 0, -1.0, 1.0)
    return turned, values


def _spectral(weights: csr_array) -> Positions:
    n = weights.shape[0]
    both = weights.maximum(weights.T)
    degree = np.asarray(both.sum(axis=1)).ravel()
    scale = diags_array(1 / np.sqrt(np.where(degree > 0, degree, 1.0)))
    matrix = scale @ both @ scale
    if n <= 1000:
        vectors = np.linalg.eigh(matrix.toarray())[1][:, ::-1][:, 1:3]
    else:
        vectors = eigsh(matrix, k=3, v0=np.sqrt(degree + 1), which="LA", tol=1e-3)[1][:, ::-1][:, 1:3]
    found = np.zeros((n, 2))
    found[:, : vectors.shape[1]] = vectors
    largest = np.abs(found).argmax(axis=0)
    turned: Positions = found * np.where(found[largest, [0, 1]] < 0, -1.0, 1.0)
    return turned


def _spread(positions: Positions) -> Positions:
    """Centred, with a mean distance of one from the centre; documents in one place moved apart by a hair."""
    centred = positions - positions.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=1).mean())
    n = len(centred)
    turn = np.arange(n) * 2.399963  # the golden angle: no two of them together
    hair = np.stack([np.cos(turn), np.sin(turn)], axis=1) * np.sqrt((np.arange(n)[:, None] + 0.5) / n)
    return (centred / size + 1e-3 * hair) if size > 0 else hair


def _refined(positions: Positions, graph: GraphView) -> Positions:
    n = graph.num_nodes
    return _by_forces(positions, graph) if n <= MOST_EXACT else _by_samples(positions, graph)


def _by_forces(positions: Positions, graph: GraphView) -> Positions:
    """Fruchterman and Reingold's forces, cooling, over the strongest edges."""
    n = graph.num_nodes
    first, second, weight = strongest_pairs(graph, 3)
    share = weight / weight.max() if weight.size and weight.max() > 0 else weight
    pull = np.tile(0.5 + 0.5 * share, 2)
    end, other = np.hstack([first, second]), np.hstack([second, first])
    ideal = 2.2 / np.sqrt(n)
    now = positions.copy()
    for step in range(_FORCE_STEPS):
        gap = now[:, None] - now
        force = (gap * (ideal**2 / np.maximum((gap**2).sum(axis=2), 1e-6))[:, :, None]).sum(axis=1)
        along = now[end] - now[other]
        along *= (pull * np.linalg.norm(along, axis=1) / ideal)[:, None]
        force -= _summed(end, along, n)
        size = np.maximum(np.linalg.norm(force, axis=1, keepdims=True), 1e-9)
        now += force / size * np.minimum(size, 0.12 * (1 - step / _FORCE_STEPS) + 0.005)
    return now


def _by_samples(positions: Positions, graph: GraphView) -> Positions:
    """Pulled along edges, pushed from a few others that change with each step, as LargeVis does for many points."""
    n = graph.num_nodes
    first, second, weight = strongest_pairs(graph, 8)
    end, other = np.hstack([first, second]), np.hstack([second, first])
    strength = np.tile(weight, 2)
    total = np.bincount(end, weights=strength, minlength=n)
    share = strength / np.where(total > 0, total, 1.0)[end]
    numbers = np.arange(n)
    draw = np.random.default_rng(0)
    now = positions * 10.0
    for step in range(_SAMPLE_STEPS):
        along = now[other] - now[end]
        pull = 6 * share / (1 + (along**2).sum(axis=1))
        force = _summed(end, along * pull[:, None], n)
        for shift in draw.integers(1, n, size=5):  # everyone, that many places on: as good as drawn at random
            away = now - now[(numbers + shift) % n]
            square = (away**2).sum(axis=1, keepdims=True)
            force += away / ((0.1 + square) * (1 + square))
        now += np.clip(force, -4, 4) * (1 - step / _SAMPLE_STEPS)
    return now


def _summed(end: NDArray[np.int64], rows: Positions, n: int) -> Positions:
    return np.stack([np.bincount(end, weights=column, minlength=n) for column in rows.T], axis=1).astype(np.float64)


def _aligned(positions: Positions, like: Positions) -> Positions:
    """Turned or mirrored towards others (orthogonal Procrustes), with their size and centre."""
    centre, centred = like.mean(axis=0), positions - positions.mean(axis=0)
    left, _, right = np.linalg.svd(centred.T @ (like - centre))
    turned: Positions = centred @ (left @ right) + centre
    return turned
