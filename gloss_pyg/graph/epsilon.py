"""The epsilon-ball graph with Gaussian weights."""

from typing import final

from jaxtyping import Float, Int
from torch import Tensor
from torch_geometric.data.datapipes import functional_transform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.bandwidth import Bandwidth, SigmaRule
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.distances import unit_rows
from gloss_pyg.graph.neighbours import near_pairs
from gloss_pyg.graph.pairs import weigh_pairs


@final
@functional_transform("epsilon_gaussian")
class EpsilonGaussian(GraphRule):
    r"""Connect documents nearer than `epsilon`; when a distance is known beyond which documents have nothing in common.

    .. math:: W_{ij} = \exp\left(-\frac{\|x_i - x_j\|^2}{2\sigma^2}\right)
        \text{ if } \|x_i - x_j\| < \varepsilon, \text{ else } 0, \quad x_i = \frac{e_i}{\|e_i\|}

    Which pairs are near has no gradient, their weights have. Crowded regions get many edges and sparse ones few, where
    `KNNGaussian` gives each document as many.

    Args:
        epsilon: Distance between unit rows, above 0 and at most 2 (opposite rows). Default 1, which is a cosine of 1/2
            (`epsilon = sqrt(2 - 2 cos)`); plain BERT's first tokens are much nearer to each other and need less.
        sigma: Bandwidth, as in `DenseGaussian`.

    Shapes: `data.x [N, d]` to `edge_index [2, E]`, `edge_weight [E]`, sorted by target, then source.

    A document with no other within `epsilon` has no edge: propagation gives it a zero row and the loss does not count
    it. Where many are so, raise `epsilon`.

    Raises:
        ConfigError: if `epsilon` is not above 0 and at most 2; for `sigma` as in `DenseGaussian`.
        DataError: for embeddings that are not a finite float matrix.

    Source: Belkin & Niyogi, "Laplacian Eigenmaps for Dimensionality Reduction and Data Representation", Neural
    Computation 15, 2003, section 2.1, step 1(a), with the heat kernel of step 2.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> rule = EpsilonGaussian(epsilon=0.5, sigma=1.0)
        >>> rule(Data(x=torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]))).edge_index.tolist()
        [[1, 0], [0, 1]]
    """

    def __init__(self, epsilon: float = 1.0, sigma: float | SigmaRule = "sqrt") -> None:
        super().__init__()
        self.bandwidth = Bandwidth(sigma)
        if isinstance(epsilon, bool) or not 0 < epsilon <= 2:
            raise ConfigError(
                f"EpsilonGaussian: epsilon={epsilon}, expected a distance above 0 and at most 2, the largest between "
                "unit rows; DenseGaussian connects all."
            )
        self.epsilon = epsilon

    def edges(self, x: Float[Tensor, "nodes dim"]) -> tuple[Int[Tensor, "2 edges"], Float[Tensor, " edges"]]:
        """Edges between near documents, both directions, and their weights."""
        return weigh_pairs(x, self.bandwidth(x), near_pairs(unit_rows(x.detach())[0], self.epsilon))

    def extra_repr(self) -> str:
        """The distance."""
        return f"epsilon={self.epsilon:g}"
