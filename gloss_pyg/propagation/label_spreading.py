"""Label spreading: labels diffuse over normalised weights, and labelled documents may be overruled."""

from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.smoothing import smooth
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver


@final
class LabelSpreading(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Labels diffuse and fade; for noisy labels, since a labelled document may be overruled by its neighbours.

    .. math:: F = (1 - a) (I - a S)^{-1} Y, \qquad S = D^{-1/2} W D^{-1/2}

    Args:
        alpha: `a`, the share that a document takes from its neighbours, above 0 and below 1 (the source: 0.99): near 1
            labels reach far.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"`, see `SolvedPropagation`, as for the
            others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be directed: a document takes from those with an edge to it, `D` is what it
    receives, and one that only sends counts with its component's mean degree.

    Requires: nothing; a document that no label reaches gets a zero row.

    `PersonalizedPageRank` is the same function of `1 - a`, with a teleport probability that can be learned.

    Raises:
        ConfigError: for `alpha` outside (0, 1); see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Zhou, Bousquet, Lal, Weston, Schölkopf, "Learning with Local and Global Consistency", NeurIPS 2003,
    section 2, the limit of the iteration.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> LabelSpreading(alpha=0.5, num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1]
        tensor([0.6340, 0.3660])
    """

    def __init__(
        self,
        alpha: float = 0.9,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        if not 0 < alpha < 1:
            raise ConfigError(f"LabelSpreading: alpha={alpha}, expected a number between 0 and 1, both excluded.")
        self.alpha = alpha

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - all rows are treated alike
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The labels, spread."""
        return smooth(self.matrix(edge_index, edge_weight, seeds.size(0)), seeds, self.alpha)
