"""Logarithms of edge weights, for layers that need them where the weights themselves have vanished.

A Gaussian weight at a small bandwidth is zero in any number format, its logarithm `-d^2 / (2 sigma^2)` is an ordinary
number. Rules leave a note on their weights from which the logarithms of chosen edges can be had, with a gradient that
leads past the weights to the embeddings; nothing is computed for layers that do not ask. Weights that have no note (of
a transform, of several graphs in one batch, the user's own) are asked for their own logarithm, and an edge of weight
zero then leads nowhere: a lost note costs what the number format has lost, and nothing where nothing vanished.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph.edges import off_diagonal, weight_bounds
from gloss_pyg.graph.notes import Notes


@dataclass(frozen=True)
class Logarithms:
    """What a rule knows of its weights.

    Attributes:
        of: From positions of edges to the logarithms of their weights, up to one constant for the graph, in float64.
        leading: From nothing to whether each edge leads anywhere; `None` where all do.
    """

    of: Callable[[Tensor], Tensor]
    leading: Callable[[], Tensor] | None = None


logarithms: Notes[Logarithms] = Notes()

# Weights of which none is below have kept their digits, and their own logarithm is quicker to be had.
SURE = 1e-30


def log_weights(edge_weight: Float[Tensor, " edges"], chosen: Int[Tensor, " chosen"]) -> Float[Tensor, " chosen"]:
    """Logarithms of the weights of the edges at these positions, each of which `leads`; in float64 where noted.

    Example:
        >>> log_weights(torch.tensor([1.0, 0.5, 0.0]), torch.tensor([0, 1]))
        tensor([ 0.0000, -0.6931])
    """
    known = logarithms.get(edge_weight)
    if known is None or weight_bounds(edge_weight)[0] > SURE:
        return edge_weight[chosen].log()
    return known.of(chosen)


@torch.no_grad()
def leads(edge_weight: Float[Tensor, " edges"]) -> Bool[Tensor, " edges"]:
    """Whether each edge leads anywhere: its weight is positive, or its logarithm is known and finite."""
    known = logarithms.get(edge_weight)
    if known is None:
        return edge_weight > 0
    return torch.ones_like(edge_weight, dtype=torch.bool) if known.leading is None else known.leading()


def note_matrix(edge_weight: Tensor, matrix: Callable[[], Float[Tensor, "nodes nodes"]], *, holes: bool) -> None:
    """Leave the note on the weights of a complete graph.

    Args:
        edge_weight: The weights, row by row without the diagonal.
        matrix: Gives their logarithms as a matrix; only called when asked for.
        holes: Whether some may be minus infinity.
    """
    logarithms.put(
        edge_weight,
        Logarithms(
            lambda chosen: off_diagonal(matrix())[chosen],
            (lambda: off_diagonal(matrix()) > -torch.inf) if holes else None,
        ),
    )


def note_selection(before: Tensor, kept: Bool[Tensor, " edges"], after: Tensor) -> None:
    """Hand the note on to the weights of those edges that were kept, in their order."""
    known = logarithms.get(before)
    if known is None:
        return
    position, leading = kept.nonzero().squeeze(1), known.leading
    logarithms.put(
        after,
        Logarithms(lambda chosen: known.of(position[chosen]), None if leading is None else lambda: leading()[position]),
    )


def copy_note(before: Tensor, after: Tensor) -> None:
    """Hand the note on to the same weights in another number format."""
    known = logarithms.get(before)
    if known is not None:
        logarithms.put(after, known)
