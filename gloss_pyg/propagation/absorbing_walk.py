"""Partially absorbing random walks: a walk may end at every document, the sooner the weaker its edges."""

from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver


@final
class AbsorbingWalk(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""A walk is absorbed at each document with a probability that falls with its degree; for clusters of unequal size.

    .. math:: F = (\Lambda + \tilde L)^{-1} \Lambda Y, \qquad \tilde L = L / \bar d, \quad L = D - W, \quad
        \Lambda = \lambda I

    Row `i` holds the probabilities that a walk from `i` is absorbed at seeds of each class: at a document of degree `d`
    it ends with probability `lambda / (lambda + d)`, else it goes on in proportion to weights. Equal rates
    make the walk stay in its cluster, whatever the degrees in it: rows of a dense cluster are nearly constant, and fall
    steeply where a walk has to cross a sparse cut.

    Degrees are in units of `\bar d`, the mean degree of the document's connected component, so that a common factor of
    the weights changes nothing and graphs of one batch do not meet.

    Args:
        rate: `lambda`, positive. Small: labels reach far, and within a cluster rows come near the shares of the seeds.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"`, see `SolvedPropagation`, as for the
            others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be directed: the walk steps against the edges, to documents that have one to
    where it is, and degrees are what a document receives.

    Requires: nothing; a document that no label reaches gets a zero row.

    `LabelSpreading` is the same with absorption in proportion to degrees; `LaplacianRegularization` absorbs at labelled
    documents only.

    Raises:
        ConfigError: for a `rate` that is not positive; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Wu, Li, So, Wright, Chang, "Learning with Partially Absorbing Random Walks", NeurIPS 2012, section 2; its
    choice of equal rates: section 3.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> AbsorbingWalk(num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1]
        tensor([0.5377, 0.4623])
    """

    def __init__(
        self,
        rate: float = 0.1,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        if not 0 < rate < float("inf"):
            raise ConfigError(f"AbsorbingWalk: rate={rate}, expected a positive number.")
        self.rate = rate

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - all rows are treated alike
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The probabilities of absorption at seeds."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0))
        exits = self.rate * matrix.mean_degree
        return matrix.solve_grounded(exits, exits[:, None] * seeds)
