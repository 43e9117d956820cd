"""Edge lists of complete and symmetric graphs, without the price of an edge list.

A complete graph of `N` nodes is stored as PyG stores any graph: `edge_index [2, E]` and `edge_weight [E]`, here row by
row without the diagonal, `E = N (N - 1)`. Its `edge_index` depends on `N` alone and is made once for each size; whoever
meets that very tensor again knows the layout and gets at the dense matrix by copying rows instead of scattering edges.
Weights carry notes of what their maker knew: that they are symmetric, between which bounds they lie, and the square
matrix that they were copied from. Gradients of weights carry their matrix likewise, so that neither direction copies
twice.

All notes hang on the identity of a tensor and on its not having been written to since (`gloss_pyg.graph.notes`). Any
transform that makes a new tensor loses them, and whoever reads them falls back on looking at the edges: a lost note
costs time, never correctness.
"""

import weakref
from collections import OrderedDict
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from gloss_pyg.graph.notes import Notes

# Training meets two sizes (full batches and the last of an epoch), evaluation two more.
_SIZES_KEPT = 4
_complete: OrderedDict[tuple[int, torch.device], tuple[Tensor, int]] = OrderedDict()
_symmetric: Notes[tuple[weakref.ref[Tensor], int]] = Notes()  # with the edge list, and its version
_bounds: Notes[tuple[float, float]] = Notes()


@dataclass(frozen=True)
class Square:
    """The symmetric matrix with zero diagonal that `off_diagonal` copied edge values from.

    Attributes:
        matrix: Shape `[N, N]`.
        degree: Its row sums where they are known, shape `[N]`.
    """

    matrix: Tensor
    degree: Tensor | None = None


squares: Notes[Square] = Notes()


def complete_edge_index(num_nodes: int, device: torch.device | str = "cpu") -> Int[Tensor, "2 edges"]:
    """Edges of the complete graph on `num_nodes` nodes, row by row without the diagonal, made once for each size.

    Row 0 holds the sources `j`, row 1 the targets `i` of `edge_weight = W[i, j]`, in the order
    `(0, 1), (0, 2), ..., (1, 0), (1, 2), ...` of `(i, j)`.

    Example:
        >>> complete_edge_index(3).tolist()
        [[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]]
    """
    key = (num_nodes, torch.device(device))
    found = _complete.get(key)
    if found is not None and found[1] == found[0]._version:  # nobody wrote into the shared tensor
        _complete.move_to_end(key)
        return found[0]
    with torch.inference_mode(mode=False):  # the tensor is kept, and training may meet it next
        targets = torch.arange(num_nodes, device=device).repeat_interleave(max(num_nodes - 1, 0))
        sources = torch.arange(num_nodes * max(num_nodes - 1, 0), device=device) % max(num_nodes - 1, 1)
        edge_index = torch.stack([sources + (sources >= targets), targets])
    _complete[key] = (edge_index, edge_index._version)
    while len(_complete) > _SIZES_KEPT:
        _complete.popitem(last=False)
    return edge_index


def is_complete(edge_index: Tensor, num_nodes: int) -> bool:
    """Whether this is the tensor that `complete_edge_index(num_nodes)` gave, unchanged."""
    found = _complete.get((num_nodes, edge_index.device))
    return found is not None and found[0] is edge_index and found[1] == edge_index._version


def mark_symmetric(edge_index: Tensor, edge_weight: Tensor) -> Tensor:
    """Remember that on these edges these weights are symmetric, finite and not negative; returns the weights."""
    if not edge_index.is_inference():
        _symmetric.put(edge_weight, (weakref.ref(edge_index), edge_index._version))
    return edge_weight


def is_marked_symmetric(edge_index: Tensor, edge_weight: Tensor) -> bool:
    """Whether `mark_symmetric` saw these two tensors together and nobody wrote to either since."""
    found = _symmetric.get(edge_weight)
    return found is not None and found[0]() is edge_index and found[1] == edge_index._version


def note_bounds(edge_weight: Tensor, low: float, high: float) -> None:
    """Spare `weight_bounds` the search where all weights are known to lie in a range."""
    _bounds.put(edge_weight, (low, high))


def weight_bounds(edge_weight: Tensor) -> tuple[float, float]:
    """Bounds of the weights, as noted, else their smallest and largest, looked up once; `(0, 0)` of no edges."""
    bounds = _bounds.get(edge_weight)
    if bounds is None:
        ends = edge_weight.detach().aminmax() if edge_weight.numel() else (0.0, 0.0)
        bounds = float(ends[0]), float(ends[1])
        _bounds.put(edge_weight, bounds)
    return bounds


def off_diagonal(matrix: Shaped[Tensor, "nodes nodes"]) -> Shaped[Tensor, " edges"]:
    """Entries of a square matrix row by row without the diagonal: the weights of a complete graph.

    Example:
        >>> off_diagonal(torch.arange(9.0).view(3, 3)).tolist()
        [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]
    """
    n = matrix.size(0)
    if n < 2:
        return matrix.new_zeros(0)
    # Between two diagonal entries lie n others: one strided copy instead of a gather.
    return matrix.contiguous().view(-1)[1:].view(n - 1, n + 1)[:, :n].reshape(-1)


def from_off_diagonal(edge_weight: Float[Tensor, " edges"], num_nodes: int) -> Float[Tensor, "nodes nodes"]:
    """The square matrix with zero diagonal whose other entries `off_diagonal` gave."""
    n = num_nodes
    if n < 2:
        return edge_weight.new_zeros(n, n)
    matrix = edge_weight.new_empty(n, n)
    flat = matrix.view(-1)
    flat[:: n + 1] = 0
    flat[1:].view(n - 1, n + 1)[:, :n] = edge_weight.view(n - 1, n)
    return matrix


def find_reverse(edge_index: Tensor, num_nodes: int) -> Tensor | None:
    """For each edge the position of its reverse, or `None` where an edge has none or occurs twice."""
    source, target = edge_index[0], edge_index[1]
    code, reverse_code = source * num_nodes + target, target * num_nodes + source
    ordered, position = code.sort()
    if ordered.numel() and bool((ordered[1:] == ordered[:-1]).any()):
        return None
    place = torch.searchsorted(ordered, reverse_code).clamp_(max=max(ordered.numel() - 1, 0))
    if not torch.equal(ordered[place], reverse_code):
        return None
    return position[place]


def is_symmetric(edge_index: Tensor, edge_weight: Tensor, num_nodes: int, *, tolerance: float = 1e-6) -> bool:
    """Whether each edge has its reverse, with a weight that differs by at most `tolerance` relative to the larger.

    A mark by `mark_symmetric` on weights over an unchanged edge list answers at once; else the edges are searched.
    """
    if is_marked_symmetric(edge_index, edge_weight):
        return True
    weight = edge_weight.detach()
    if is_complete(edge_index, num_nodes):
        matrix = from_off_diagonal(weight, num_nodes)
        forward, backward = matrix, matrix.T
    else:
        reverse = find_reverse(edge_index, num_nodes)
        if reverse is None:
            return False
        forward, backward = weight, weight[reverse]
    return bool(((forward - backward).abs() <= tolerance * torch.maximum(forward, backward)).all())
