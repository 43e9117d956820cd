"""The harmonic function on a kernel that was made doubly stochastic first."""

from typing import ClassVar, final

from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.harmonic_function import harmonic
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.scaling import stochastic_scaling


@final
class SinkhornPropagation(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Scale the weights until all documents have the same degree, then propagate; against noise and uneven crowding.

    .. math:: Y_U = (I - K_{UU})^{-1} K_{UL} Y_L, \qquad
        K = \mathrm{diag}(f) (W + e D) \mathrm{diag}(f), \quad K 1 = 1, \quad f > 0

    with `D` the degrees. A document among many near ones and an outlier weigh the same in `K`, so that neither crowds
    nor noise of uneven strength (some texts longer, some embeddings surer than others) draw labels towards them.
    Labelled rows keep their labels.

    Args:
        self_weight: `e`, what each document is tied to itself with, as a share of its degree; from 1e-4 to 1. Weights
            without a diagonal cannot be made doubly stochastic on every graph (not on a star, say), with one they can;
            propagation does not see it otherwise. The source has 0, on complete graphs; 0.01 differs little from that.
        solver: `"auto"`, `"direct"` or `"conjugate_gradients"`, see `SolvedPropagation`, as for the others.
        tolerance: Of the solver that iterates.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`.

    Requires: symmetric weights; a path to a labelled document, without which a row is zero.

    Raises:
        ConfigError: for a `self_weight` out of range; for edges without a reverse of the same weight; see
            `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    `LabelPropagation` is the first step of the way: its two normalisations are one alternating scaling.

    Source: Sinkhorn & Knopp, "Concerning nonnegative matrices and doubly stochastic matrices", Pacific Journal of
    Mathematics 21, 1967; Landa, Coifman, Kluger, "Doubly Stochastic Normalization of the Gaussian Kernel Is Robust to
    Heteroskedastic Noise", SIAM Journal on Mathematics of Data Science 3, 2021, equation (4). How it is solved:
    `gloss_pyg.propagation.solvers.scaling`.

    Example:
        >>> import torch
        >>> edge_index = torch.tensor([[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]])  # a triangle, node 1 near node 0
        >>> edge_weight = torch.tensor([0.9, 0.1, 0.9, 0.2, 0.1, 0.2])
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> SinkhornPropagation(num_classes=2)(y, edge_index, mask, edge_weight)[1]
        tensor([0.5231, 0.4769])
    """

    absorbing = True
    solvers: ClassVar[tuple[str, ...]] = ("auto", "direct", "conjugate_gradients")

    def __init__(
        self,
        self_weight: float = 0.01,
        *,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        if not 1e-4 <= self_weight <= 1:
            raise ConfigError(
                f"SinkhornPropagation: self_weight={self_weight}, expected a share of the degree from 1e-4 to 1; "
                "without any some graphs have no doubly stochastic kernel."
            )
        self.self_weight = self_weight

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The harmonic function on the scaled weights."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0), symmetric=True)
        return harmonic(matrix.scaled(stochastic_scaling(matrix, self.self_weight)), seeds, mask)
