"""Modified adsorption: each document decides by its neighbourhood how much of a label to take in, pass on or drop."""

import math
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.matrix import WeightMatrix

# Entropy, in nats, that the neighbourhood of a labelled document counts for at least: about that of two neighbours of
# which one has 0.14 % of the weight.
LEAST_ENTROPY = 0.01


@final
class ModifiedAdsorption(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Labels are injected, passed on and abandoned, by a document's neighbourhood; for graphs with hubs.

    From the entropy `H_v` (in nats) of `W_uv / d_v` over the neighbours `u` of a document `v`,

    .. math::
        c_v = \frac{\log \beta}{\log(\beta + e^{H_v})}, \quad
        j_v = (1 - c_v) \sqrt{\max(H_v, 0.01)} \text{ if labelled, else } 0, \quad z_v = \max(c_v + j_v, 1),

    its probabilities are `p^cont_v = c_v / z_v` of passing labels on and `p^inj_v = j_v / z_v` of keeping to its own
    label: a document with many equal neighbours passes little on. Scores are the minimum of the paper's objective,

    .. math::
        \left(\mu_1 P^{inj} + \mu_2 L' + \mu_3 I\right) F = \mu_1 P^{inj} Y, \qquad
        W'_{uv} = \left(p^{cont}_u + p^{cont}_v\right) W_{uv} / \bar d,

    with the Laplacian `L'` of `W'` and the mean degree `\bar d` of the document's connected component, so that a common
    factor of the weights changes nothing and graphs of one batch do not meet. The source's dummy label, which takes
    what is abandoned, is a column more of the same system: it is no class and is left out, so that probabilities are
    those given that a label was found.

    Args:
        mu1: Weight of keeping to seen labels, positive.
        mu2: Weight of agreeing with neighbours, positive.
        mu3: Weight of having no label, positive: labels fade where it is large against `mu2`.
        beta: `\beta`, above 1: large numbers pass on more.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"` (the source's iteration), see
            `SolvedPropagation`, as for the others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`.

    Requires: a symmetric graph; a document that no label reaches gets a zero row.

    `AbsorbingWalk` is the same with equal probabilities for all documents.

    Raises:
        ConfigError: for numbers outside their range, or an asymmetric graph; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Talukdar & Crammer, "New Regularized Algorithms for Transductive Learning", ECML PKDD 2009, algorithm 1 and
    section 3. The least entropy is ours: by the formula a labelled document with a single neighbour would never inject
    its label (the authors' code makes an exception there, by a jump that no gradient can follow; it also takes `H` in
    bits in the place of `e^H`).

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> ModifiedAdsorption(num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1]
        tensor([0.7196, 0.2804])
    """

    def __init__(
        self,
        mu1: float = 1.0,
        mu2: float = 0.01,
        mu3: float = 0.01,
        beta: float = 2.0,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        for name, value, least in (("mu1", mu1, 0), ("mu2", mu2, 0), ("mu3", mu3, 0), ("beta", beta, 1)):
            if not least < value < float("inf"):
                raise ConfigError(f"ModifiedAdsorption: {name}={value}, expected a number above {least}.")
        self.mu1, self.mu2, self.mu3, self.beta = mu1, mu2, mu3, beta

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - a seen row without a label injects nothing
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The minimum of the objective, without the dummy label."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0), symmetric=True)
        onward, injected = self._probabilities(matrix, (seeds.detach() > 0).any(dim=1))
        passed = matrix.map_edges(lambda weight, target, source: weight * (target(onward) + source(onward)))
        # In units of the weights instead of dividing those: the same solution.
        held = self.mu1 / self.mu2 * matrix.mean_degree * injected
        return passed.solve_grounded(held + self.mu3 / self.mu2 * matrix.mean_degree, held[:, None] * seeds)

    def _probabilities(self, matrix: WeightMatrix, labelled: Tensor) -> tuple[Tensor, Tensor]:
        """Of passing labels on, and of injecting one's own."""
        entropy = _entropy(matrix)
        onward = math.log(self.beta) / (self.beta + entropy.exp()).log()
        injected = labelled * (1 - onward) * entropy.clamp(min=LEAST_ENTROPY).sqrt()
        size = (onward + injected).clamp(min=1)
        return onward / size, injected / size


def _entropy(matrix: WeightMatrix) -> Float[Tensor, " nodes"]:
    """Of each node's weights divided by their sum; zero without edges.

    `dH/dw_ij = -(log p_ij + H_i) / d_i` grows beyond bounds as a weight falls to zero; at zero it is taken for zero.
    """
    degree = torch.where(matrix.degree > 0, matrix.degree, 1.0)
    shares = matrix.map_edges(lambda weight, target, source: weight / target(degree))  # noqa: ARG005
    surprise = shares.with_values(-shares.values * torch.where(shares.values > 0, shares.values, 1.0).log())
    return surprise.degree
