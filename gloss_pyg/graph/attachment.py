"""New documents on a graph that was built before they came."""

from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.graph.bandwidth import LOCAL_NEIGHBOUR, SMALLEST_OWN_SIGMA
from gloss_pyg.graph.distances import distances_to, squared_distances, unit_rows
from gloss_pyg.graph.neighbours import Search, nearest_neighbours

NUMBERS_AT_ONCE = 1 << 23  # of weights or of classes' scores of attached documents


@final
@dataclass(frozen=True)
class Attachment:
    r"""The edges that a Gaussian rule would give new documents, each by itself, to those that its graph was built on.

    .. math:: w_{uj} \propto \exp(-\|x_u - x_j\|^2 p_u p_j), \quad j \in N_k(u), \quad \sum_j w_{uj} = 1

    Only the new document chooses: the graph stays as it is, and new documents do not see each other, so that each is
    treated alike in whatever company it comes. The largest exponent of a document is subtracted from its others: at
    least the nearest keeps its weight, at any bandwidth.

    Attributes:
        rows: Unit rows of the documents of the graph.
        precision: The kernel's, `[]`, or `[nodes]` of local bandwidths; a new document's local bandwidth is then its
            distance to its seventh nearest.
        k: Neighbours that a new document gets; all where there are fewer.
        search: How they are looked for.

    Example:
        >>> attached = Attachment(torch.eye(2), torch.tensor(1.0), k=1)
        >>> attached.mean(torch.tensor([[5.0, 1.0]]), torch.tensor([[0.9, 0.1], [0.0, 1.0]]))
        tensor([[0.9000, 0.1000]])
    """

    rows: Float[Tensor, "nodes dim"]
    precision: Float[Tensor, ""] | Float[Tensor, " nodes"]
    k: int
    search: Search = "blocks"

    @torch.no_grad()
    def mean(
        self, new: Float[Tensor, "new dim"], values: Float[Tensor, "nodes classes"]
    ) -> Float[Tensor, "new classes"]:
        r"""The mean of the values of the documents that each new one is attached to, `\sum_j w_{uj} v_j`.

        Args:
            new: Embeddings of the new documents.
            values: A row for each document of the graph.
        """
        rows = unit_rows(new.to(self.rows.dtype))[0]
        if not rows.size(0):
            return values.new_zeros(0, values.size(1))
        if self.k >= self.rows.size(0):
            parts = [self._mean_of_all(part, values) for part in rows.split(max(1, NUMBERS_AT_ONCE // len(values)))]
            return torch.cat(parts)
        neighbours, weights = self._nearest(rows)
        step = max(1, NUMBERS_AT_ONCE // (self.k * values.size(1)))
        parts = [
            torch.einsum("uk,ukc->uc", weight.to(values.dtype), values[chosen])
            for chosen, weight in zip(neighbours.split(step), weights.split(step), strict=True)
        ]
        return torch.cat(parts)

    def _mean_of_all(self, rows: Tensor, values: Tensor) -> Tensor:
        distances = squared_distances(rows, self.rows)
        return self._weights(distances, self.precision, distances).to(values.dtype) @ values

    def _nearest(self, rows: Tensor) -> tuple[Int[Tensor, "new k"], Float[Tensor, "new k"]]:
        order = max(self.k, LOCAL_NEIGHBOUR) if self.precision.dim() else self.k
        listed = nearest_neighbours(rows, order, self.rows, self.search)[1].view(rows.size(0), -1)
        distances = distances_to(rows, listed, self.rows)
        ordered = distances.float().sort(dim=1, stable=True)  # ties by index, as in the search
        chosen = ordered.indices[:, : self.k]
        neighbours = listed.gather(1, chosen)
        precision = self.precision[neighbours] if self.precision.dim() else self.precision
        return neighbours, self._weights(distances.gather(1, chosen), precision, distances)

    def _weights(self, distances: Tensor, precision: Tensor, nearest: Tensor) -> Tensor:
        """Weights of edges with these squared distances; `nearest` are squared distances to the nearest documents."""
        exponents = distances * precision.double()
        if self.precision.dim():
            own = nearest.kthvalue(min(LOCAL_NEIGHBOUR, nearest.size(1)), dim=1).values.sqrt()
            exponents = exponents / own.clamp(min=SMALLEST_OWN_SIGMA)[:, None]
        else:
            exponents = exponents * precision.double()
        return torch.softmax(-exponents, dim=1)


@runtime_checkable
class Attaches(Protocol):
    """A graph rule whose graph new documents can be attached to."""

    def attachment(self, x: Float[Tensor, "nodes dim"]) -> Attachment:
        """How to attach to the graph of these embeddings."""
        ...
