"""Personalized PageRank: label spreading whose reach can be learned."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.smoothing import smooth
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver


@final
class PersonalizedPageRank(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Labels walk over the graph and may stop at every step; where training is to find how far they reach.

    .. math:: F = a (I - (1 - a) A)^{-1} Y, \qquad A = D^{-1/2} W D^{-1/2}

    Args:
        teleport: `a`, the probability of stopping at each step, above 0 and below 1 (APPNP: 0.1 to 0.2); a label
            travels `1 / a` edges in the mean.
        learned: Whether `a` is a parameter, which starts at `teleport`. It is the sigmoid of one number, so that it
            reaches neither end.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"`, see `SolvedPropagation`, as for the
            others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be directed: a document takes from those with an edge to it, `D` is what it
    receives, and one that only sends counts with its component's mean degree.

    Requires: nothing; a document that no label reaches gets a zero row.

    `LabelSpreading` is the same function of `1 - a`. `HeatKernel` weighs walks by another law of their length, which
    has less of the very short and the very long ones.

    Raises:
        ConfigError: for `teleport` outside (0, 1); see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Page, Brin, Motwani, Winograd, "The PageRank Citation Ranking", Stanford 1999; Gasteiger, Bojchevski,
    Günnemann, "Predict then Propagate", ICLR 2019, equation (3), without self-loops.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> layer = PersonalizedPageRank(teleport=0.5, learned=True, num_classes=2)
        >>> layer(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1].detach()
        tensor([0.6340, 0.3660])
    """

    def __init__(
        self,
        teleport: float = 0.1,
        learned: bool = False,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        if not 0 < teleport < 1:
            raise ConfigError(
                f"PersonalizedPageRank: teleport={teleport}, expected a number between 0 and 1, both excluded."
            )
        self.learned = learned
        if learned:
            self.log_odds = torch.nn.Parameter(torch.logit(torch.tensor(float(teleport))))
        else:
            self._teleport = float(teleport)

    @property
    def teleport(self) -> float:
        """The probability of stopping at each step, as given or as learned so far."""
        return float(torch.sigmoid(self.log_odds.detach().double())) if self.learned else self._teleport

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - all rows are treated alike
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The labels where their walks stop."""
        # In float64, in which the sigmoid does not round to one; a single number does not widen the others.
        damping = torch.sigmoid(-self.log_odds.double()) if self.learned else 1 - self._teleport
        return smooth(self.matrix(edge_index, edge_weight, seeds.size(0)), seeds, damping)
