"""The complete graph with Student-t weights: a kernel with a heavy tail."""

import math
from typing import final

from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.bandwidth import Bandwidth, SigmaRule
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.distances import differentiable_unit_rows, squared_distances
from gloss_pyg.graph.edges import complete_edge_index, mark_symmetric
from gloss_pyg.graph.logarithms import weights_from_logarithms


@final
@functional_transform("dense_student_t")
class DenseStudentT(GraphRule):
    r"""Connect every pair with a weight that falls as a power of the distance; when a Gaussian loses far documents.

    .. math:: W_{ij} = \left(1 + \frac{\|x_i - x_j\|^2}{\nu \sigma^2}\right)^{-\frac{\nu + 1}{2}}, \quad W_{ii} = 0,
        \quad x_i = \frac{e_i}{\|e_i\|}

    The tail never underflows at usual bandwidths, so that a wrongly placed document still feels its class from afar,
    and a misjudged `sigma` harms less than with `DenseGaussian`, which this becomes as `nu` grows.

    Args:
        sigma: Scale, as in `DenseGaussian`: a number, `"sqrt"`, `"median"`, `"local"` (`sigma_i sigma_j / 2` in the
            place of `sigma^2`) or `"learned"`. Default 1, with `nu = 1` the `1 / (1 + d^2)` of t-SNE.
        nu: Degrees of freedom, from 0.01 to 1e6; the smaller, the heavier the tail. Default 1.

    Shapes: `data.x [N, d]` to `edge_index [2, N (N - 1)]`, `edge_weight [N (N - 1)]`, row by row without the diagonal.

    Raises:
        ConfigError: for `nu` outside its range; for `sigma` as in `DenseGaussian`.
        DataError: for embeddings that are not a finite float matrix.

    `Compose([DenseStudentT(), TopK(k)])` keeps the strongest edges; without that many classes drown in the tail.

    Source: van der Maaten & Hinton, "Visualizing Data using t-SNE", JMLR 9, 2008, equation 4 (`nu = 1`); van der
    Maaten, "Learning a Parametric Embedding by Preserving Local Structure", AISTATS 2009 (`nu`).

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> graph = DenseStudentT()(Data(x=torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])))
        >>> graph.edge_weight.round(decimals=4)  # squared distances 2, 4, 2
        tensor([0.3333, 0.2000, 0.3333, 0.3333, 0.2000, 0.3333])
    """

    def __init__(self, sigma: float | SigmaRule = 1.0, nu: float = 1.0) -> None:
        super().__init__()
        self.bandwidth = Bandwidth(sigma)
        if isinstance(nu, bool) or not 0.01 <= nu <= 1e6:
            raise ConfigError(f"DenseStudentT: nu={nu}, expected degrees of freedom from 0.01 to 1e6 (t-SNE has 1).")
        self.nu = nu

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges of all pairs and their weights."""
        distances = squared_distances(differentiable_unit_rows(x.double()))
        precision = self.bandwidth(x).double() * math.sqrt(2 / self.nu)  # p_i p_j is 1 / (2 sigma^2)
        scale = precision.square() if precision.dim() == 0 else precision[:, None] * precision
        logarithms = distances.mul(scale).log1p().mul(-(self.nu + 1) / 2)
        edge_index = complete_edge_index(x.size(0), x.device)
        return edge_index, mark_symmetric(edge_index, weights_from_logarithms(logarithms, x.dtype))

    def extra_repr(self) -> str:
        """The degrees of freedom."""
        return f"nu={self.nu:g}"
