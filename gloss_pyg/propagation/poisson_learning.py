"""Poisson learning: labels as sources and sinks of a flow, for very few labels."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch_geometric.utils import scatter

from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.matrix import WeightMatrix


@final
class PoissonLearning(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Seen labels are sources of a flow, and scores its potential; for very few labels, a handful a class or one.

    .. math:: L u = \sum_{j \text{ seen}} (y_j - \bar y) \delta_j, \qquad \sum_i d_i u_i = 0, \quad L = D - W

    With few labels the harmonic function is nearly constant, with spikes at the labelled documents; here labels are not
    held but injected, and what tells classes apart reaches far. The mean `\bar y` of the seen labels is taken off, in
    each connected component by itself, since nothing can flow out of one; the last condition, for each component too,
    fixes the constant that the equation leaves open.

    Args:
        solver: `"auto"`, `"direct"` or `"conjugate_gradients"`, see `SolvedPropagation`, as for the others.
        tolerance: Of conjugate gradients.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.
        temperature: Small makes probabilities sharp. Scores have both signs, and are divided by their root mean square
            in the component before the softmax, see `Propagation`.

    Shapes: see `Propagation`.

    Requires: a symmetric graph, and seen labels of two classes in a component to tell classes apart there: with one
    class, or one labelled document, all scores are zero and all classes equally probable. A component without a label
    gets zero rows.

    `LaplacianRegularization` with `power=2` is another way out of the spikes.

    Raises:
        ConfigError: for an asymmetric graph; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Calder, Cook, Thorpe, Slepčev, "Poisson Learning: Graph Based Semi-Supervised Learning at Very Low Label
    Rates", ICML 2020, equation (2.7), without its correction for unequal classes.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> PoissonLearning(num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))
        tensor([[0.7494, 0.2506],
                [0.5000, 0.5000],
                [0.0360, 0.9640]])
    """

    solvers = ("auto", "direct", "conjugate_gradients")
    signed = True

    def __init__(
        self,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes, temperature)

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - a seen row without a label is no source
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The potential of the flow from label to label."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0), symmetric=True)
        if not seeds.numel():
            return seeds
        labelled = (seeds.detach() > 0).any(dim=1, keepdim=True).to(seeds.dtype)
        sums = matrix.by_component(torch.cat([seeds, labelled], dim=1))
        sources = labelled * (seeds - sums[:, :-1] / sums[:, -1:].clamp(min=1))
        # One node of each component is held at zero, and the constant put right afterwards.
        potential = matrix.solve_grounded(_grounds(matrix), sources)
        degree = matrix.degree[:, None]
        moments = matrix.by_component(torch.cat([degree * potential, degree], dim=1))
        return potential - moments[:, :-1] / torch.where(moments[:, -1:] > 0, moments[:, -1:], 1.0)


def _grounds(matrix: WeightMatrix) -> Float[Tensor, " nodes"]:
    """An exit at the node of largest degree of each component, as large as that.

    Sources sum to zero there, so that nothing leaves: the solution is zero at that node, and the system definite.
    """
    degree, component = matrix.degree.detach(), matrix.component
    largest = scatter(degree, component, reduce="max")
    place = torch.arange(degree.numel(), device=degree.device)
    first = scatter(place.where(degree == largest[component], degree.numel()), component, reduce="min")
    return torch.zeros_like(degree).index_copy(0, first, torch.where(largest > 0, largest, 1.0))
