"""The complete graph of documents at less than a right angle, weighted by a power of their cosine."""

import math
from typing import final

from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.distances import differentiable_unit_rows
from gloss_pyg.graph.edges import complete_edge_index, mark_symmetric
from gloss_pyg.graph.logarithms import weights_from_logarithms


@final
@functional_transform("dense_cosine")
class DenseCosine(GraphRule):
    r"""Connect documents by the cosine of their embeddings; for encoders that were trained with cosines.

    .. math:: W_{ij} = \max\left(0, \frac{e_i \cdot e_j}{\|e_i\| \|e_j\|}\right)^p, \quad W_{ii} = 0

    Nothing is to be fitted: encoders such as those of sentence-transformers put unrelated documents at cosines near 0,
    which no weight and no gradient then ties. Encoders whose embeddings all point one way (a plain BERT's first token:
    cosines of 0.8 and more) need a high power, or `DenseGaussian`, whose bandwidth is fitted.

    Args:
        power: `p`, from 1 to 1000; the higher, the more a document listens to its nearest only. Default 3 (source).

    Shapes: `data.x [N, d]` to `edge_index [2, N (N - 1)]`, `edge_weight [N (N - 1)]`, row by row without the diagonal;
    pairs at a right angle or more are there with weight zero.

    A document whose cosines are all zero or negative, or whose embedding is zero, has no edge: propagation gives it a
    zero row and the loss does not count it. One whose weights merely underflow is saved as in `DenseGaussian`.

    Raises:
        ConfigError: for a power outside 1 to 1000.
        DataError: for embeddings that are not a finite float matrix.

    On unit rows `cos = 1 - d^2 / 2`: near by it is `DenseGaussian` with `sigma = 1 / sqrt(p)`, further away it ends.

    Source: Iscen, Tolias, Avrithis, Chum, "Label Propagation for Deep Semi-supervised Learning", CVPR 2019, section 4.2
    (affinities `[v_i . v_j]_+^gamma`, `gamma = 3`, there on nearest neighbours: `Compose([DenseCosine(), TopK(k)])`).

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> graph = DenseCosine(power=1.0)(Data(x=torch.tensor([[1.0, 0.0], [3.0, 4.0], [-1.0, 1.0]])))
        >>> graph.edge_weight.round(decimals=4)  # 0-1, 0-2, 1-0, 1-2, 2-0, 2-1
        tensor([0.6000, 0.0000, 0.6000, 0.1414, 0.0000, 0.1414])
    """

    def __init__(self, power: float = 3.0) -> None:
        super().__init__()
        if isinstance(power, bool) or not 1 <= power <= 1000:
            raise ConfigError(
                f"DenseCosine: power={power}, expected 1 to 1000; below 1 the gradient at a right angle is infinite."
            )
        self.power = power

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges of all pairs and their weights."""
        rows = differentiable_unit_rows(x.double())  # a cosine near 1 in float32 has no digits left of its difference
        cosines = rows @ rows.T
        logarithms = cosines.clamp(min=SMALLEST_COSINE).log().mul(self.power)
        edge_index = complete_edge_index(x.size(0), x.device)
        weight = weights_from_logarithms(logarithms.masked_fill(cosines <= SMALLEST_COSINE, -math.inf), x.dtype)
        return edge_index, mark_symmetric(edge_index, weight)

    def extra_repr(self) -> str:
        """The power."""
        return f"power={self.power:g}"


# Cosines of orthogonal rows come out of float64 sums like this; they are no edges.
SMALLEST_COSINE = 1e-15
