"""The harmonic function: each hidden document the weighted mean of its neighbours."""

from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph.faint import widened
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.matrix import WeightMatrix


@final
class HarmonicFunction(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""A hidden document is the mean of its neighbours, weighted by their edges; the classic of the family.

    .. math:: Y_U = L_{UU}^{-1} W_{UL} Y_L, \qquad L = D - W

    Row `i` is the probability that a random walk from `i`, stepping to neighbours in proportion to their weights, first
    meets a labelled document of each class. Labelled rows keep their labels.

    With `class_mass_normalisation` each class's column over the hidden documents is then scaled to the class's share of
    the seen labels,

    .. math:: Y_{ic} \leftarrow Y_{ic} \frac{q_c}{\sum_{j \in U} Y_{jc}},

    which corrects for few seeds whose neighbourhoods are unequally crowded. The shares `q` come from the labels that
    are seen, with one added to each class; each connected component is normalised by itself.

    Args:
        class_mass_normalisation: See above; it takes all documents as one set, so that a document's probability depends
            on which others are in the batch.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"`, see `SolvedPropagation`, as for the
            others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be directed; neighbours are then those with an edge to the document.

    Requires: a path to a labelled document; a document without one gets a zero row.

    `LabelPropagation` is the same on weights that were normalised twice, which takes weight from crowded regions.

    Raises:
        ConfigError: see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Zhu, Ghahramani, Lafferty, "Semi-Supervised Learning Using Gaussian Fields and Harmonic Functions", ICML
    2003, equations (5) and (9).

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> HarmonicFunction(num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1]
        tensor([0.7500, 0.2500])
    """

    absorbing = True

    def __init__(
        self,
        *,
        class_mass_normalisation: bool = False,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        self.class_mass_normalisation = class_mass_normalisation

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The harmonic function, class masses normalised where asked for."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0))
        found = harmonic(matrix, seeds, mask)
        if not self.class_mass_normalisation or not found.numel():
            return found
        found = widened(found)  # the mass of a class that is barely reached is tiny, and divides
        mass = matrix.by_component(found.masked_fill(mask[:, None], 0))
        share = matrix.by_component(seeds).double() + 1
        return torch.where(mask[:, None], seeds.double(), found * share / torch.where(mass > 0, mass, 1.0))


def harmonic(
    matrix: WeightMatrix, seeds: Float[Tensor, "nodes classes"], mask: Bool[Tensor, " nodes"]
) -> Float[Tensor, "nodes classes"]:
    """Rows of hidden nodes that are the weighted means of their neighbours' rows; `seeds` where the mask is true.

    A hidden node that no seed leads to has a zero row.
    """
    free = ~mask & matrix.led_to(mask)
    received = matrix @ torch.cat([seeds, mask.to(seeds.dtype)[:, None]], dim=1)
    return seeds + matrix.solve_grounded(received[:, -1], received[:, :-1], free)
