"""The complete graph with Gaussian weights: the paper's graph of a mini-batch."""

from typing import final

from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.graph.attachment import Attachment
from gloss_pyg.graph.bandwidth import Bandwidth, SigmaRule
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.distances import differentiable_unit_rows, squared_distances, unit_rows
from gloss_pyg.graph.edges import complete_edge_index, mark_symmetric
from gloss_pyg.graph.kernel import complete_weights
from gloss_pyg.graph.log_weights import note_matrix


@final
@functional_transform("dense_gaussian")
class DenseGaussian(GraphRule):
    r"""Connect every pair of documents of the batch; the default, and the paper's rule.

    .. math:: W_{ij} = \exp\left(-\frac{\|x_i - x_j\|^2}{2\sigma^2}\right), \quad W_{ii} = 0,
        \quad x_i = \frac{e_i}{\|e_i\|}

    Args:
        sigma: Bandwidth, in units of distance between unit rows: a number, `"sqrt"` (fitted once by `fit_sigma`),
            `"leave-one-out"` (likewise, with labels), `"median"`, `"local"` or `"learned"`; see
            `gloss_pyg.graph.bandwidth`.

    Shapes: `data.x [N, d]` to `edge_index [2, N (N - 1)]`, `edge_weight [N (N - 1)]`, row by row without the diagonal.

    Where `sigma` is so small that all weights of a document underflow, all weights are multiplied by one constant, and
    a document that still has none keeps its nearest neighbour at the smallest normal number (float64: 1e-100), with
    zero gradient.

    Raises:
        ConfigError: for a `sigma` that is neither a positive number nor a rule; if `"sqrt"` is used before its fit.
        DataError: for embeddings that are not a finite float matrix.

    `KNNGaussian` keeps the strongest of these edges; `DenseStudentT` has a heavier tail, `DenseCosine` none.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, section on graph construction.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> graph = DenseGaussian(sigma=1.0)(Data(x=torch.eye(3)))
        >>> graph.edge_weight.round(decimals=4)
        tensor([0.3679, 0.3679, 0.3679, 0.3679, 0.3679, 0.3679])
    """

    def __init__(self, sigma: float | SigmaRule = "sqrt") -> None:
        super().__init__()
        self.bandwidth = Bandwidth(sigma)

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges of all pairs and their weights."""
        edge_index = complete_edge_index(x.size(0), x.device)
        precision = self.bandwidth(x)
        edge_weight = mark_symmetric(edge_index, complete_weights(x, precision))
        note_matrix(edge_weight, lambda: _logarithms(x, precision), holes=False)
        return edge_index, edge_weight

    def attachment(self, x: Float[Tensor, "nodes dim"]) -> Attachment:
        """How to attach new documents to the graph of these embeddings: to all of them."""
        return Attachment(unit_rows(x.detach())[0], self.bandwidth(x).detach(), x.size(0))


def _logarithms(x: Tensor, precision: Tensor) -> Float[Tensor, "nodes nodes"]:
    distances = squared_distances(differentiable_unit_rows(x.double()))
    precise = precision.double()
    return -distances * (precise.square() if precise.dim() == 0 else precise[:, None] * precise)
