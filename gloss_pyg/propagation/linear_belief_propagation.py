"""Linearised belief propagation: which classes are neighbours of which, given or learned."""

from collections.abc import Sequence
from functools import partial
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.coupling import Coupling
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.conjugate_gradients import conjugate_gradients
from gloss_pyg.propagation.solvers.matrix import Solve, WeightMatrix
from gloss_pyg.propagation.solvers.sparse import Iteration


@final
class LinearBeliefPropagation(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to it
    r"""Beliefs about neighbours, class by class; where unlike documents are neighbours, or classes are confused.

    .. math:: B = E + A B H - D B H^2, \qquad A = D_W^{-1/2} W D_W^{-1/2}, \quad D_{ii} = \sum_j A_{ij}^2

    Seen labels `E` and beliefs `B` are deviations from equal probabilities: rows sum to zero. `H` says how much a
    neighbour of class `a` speaks for class `b`, as a deviation from `1 / C` too. The last term takes back what a
    document hears of itself from its neighbours. This is belief propagation to first order in `H`, in closed form.

    `A` has its eigenvalues in `[-1, 1]`, and with those of `H` inside it the system is positive definite. In the basis
    of eigenvectors of `H` classes do not mix, and each has a system of its own; for one number `h` all have the same.
    The gradient is that of the equation itself, and needs no eigenvectors.

    Args:
        coupling: `H`: a number `h` between -1 and 1 for `h (I - 1/C)`, neighbours tending to be of one class (positive)
            or of different ones (negative); or a symmetric matrix whose rows sum to 0, with eigenvalues between -1 and
            1. From a symmetric matrix of probabilities take `1 / C` off.
        learned: Whether `H` is a parameter, which starts at `coupling`; see `gloss_pyg.propagation.coupling`.
        solver: `"auto"`, `"direct"` or `"conjugate_gradients"`, see `SolvedPropagation`, as for the others. Systems of
            a matrix `H` are solved together by conjugate gradients in any case, a few steps since they are well
            conditioned: a factor for each class would take longer.
        tolerance: Of conjugate gradients.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids. Where `learned` it may be left to the training
            (`gloss_pyg.training.set_sizes`).
        temperature: Small makes probabilities sharp. Scores have both signs, and are divided by their root mean square
            in the component before the softmax, see `Propagation`.

    Shapes: see `Propagation`.

    Requires: a symmetric graph. A component without a label gets zero rows.

    `LabelSpreading` with `alpha = h` differs for homophily by the last term and the softmax only.

    Raises:
        ConfigError: for a coupling that is neither, or an asymmetric graph; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Gatterbauer, Günnemann, Koutra, Faloutsos, "Linearized and Single-Pass Belief Propagation", PVLDB 8(5),
    2015, equation (4), weighted edges as in its section 5.2; weights are normalised first, so that a common factor
    changes nothing and convergence does not depend on degrees.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> weight = torch.tensor([3.0, 3.0, 1.0, 1.0])
        >>> LinearBeliefPropagation(0.5, num_classes=2)(y, edge_index, mask, weight)[1]
        tensor([0.5840, 0.4160])
        >>> LinearBeliefPropagation(-0.5, num_classes=2)(y, edge_index, mask, weight)[1]
        tensor([0.4160, 0.5840])
    """

    solvers = ("auto", "direct", "conjugate_gradients")
    signed = True
    # A matrix is iterated for with every solver.
    remedy = "neighbours are coupled too strongly. Choose a coupling nearer 0, or raise max_iterations (solver='auto')."

    def __init__(
        self,
        coupling: float | Sequence[Sequence[float]] = 0.5,
        learned: bool = False,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        self.needs_num_classes = learned and num_classes is not None
        if not isinstance(coupling, int | float):
            if num_classes not in (None, len(coupling)):
                raise ConfigError(f"coupling has {len(coupling)} rows, and num_classes={num_classes}.")
            num_classes, self.needs_num_classes = len(coupling), True
        elif not 0 < abs(coupling) < 1:
            raise ConfigError(
                f"LinearBeliefPropagation: coupling={coupling}, expected a number between -1 and 1, and not 0, at "
                "which neighbours say nothing of each other."
            )
        super().__init__(solver, tolerance, max_iterations, num_classes, temperature)
        self.learned = learned
        self.coupling: Coupling | float
        if not isinstance(coupling, int | float):
            self.coupling = Coupling(coupling, learned=learned)
        elif learned and num_classes is not None:
            self.coupling = _alike_coupling(coupling, num_classes)
        else:
            self.coupling = float(coupling)

    @property
    def open_sizes(self) -> tuple[str, ...]:
        """See `Sized.open_sizes`."""
        return ("num_classes",) if self.learned and isinstance(self.coupling, float) else ()

    def set_sizes(self, dim: int, num_classes: int) -> None:
        """See `Sized.set_sizes`: make the parameter, if `num_classes` was left open."""
        super().set_sizes(dim, num_classes)
        if self.learned and isinstance(self.coupling, float):
            strength = self.__dict__.pop("coupling")  # a number gives way to a module
            self.coupling = _alike_coupling(strength, num_classes)
            self.num_classes, self.needs_num_classes = num_classes, True

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - seeds say it all
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """Beliefs, as deviations from equal probabilities."""
        weights = self.matrix(edge_index, edge_weight, seeds.size(0), symmetric=True)
        matrix = weights.scaled(torch.where(weights.degree > 0, weights.degree, 1.0).rsqrt())
        squares = matrix.with_values(matrix.values.square()).degree
        explicit = seeds - seeds.mean(dim=1, keepdim=True)
        diagonal = 1 + squares
        if isinstance(self.coupling, float):
            return matrix.solve(partial(_alike, strength=self.coupling), explicit, squares, diagonal=diagonal)
        coupling = self.coupling().to(seeds.dtype)
        prepare = partial(_in_eigenbasis, self.iteration)
        return matrix.solve(_mixing, explicit, squares, coupling, diagonal=diagonal, prepare=prepare)


def _alike_coupling(strength: float, num_classes: int) -> Coupling:
    """A learned coupling that starts at `h (I - 1/C)`."""
    start: list[list[float]] = (strength * (torch.eye(num_classes) - 1 / num_classes)).tolist()
    return Coupling(start, learned=True)


def _alike(matrix: WeightMatrix, rows: Tensor, squares: Tensor, strength: float | Tensor) -> Tensor:
    """`B - h A B + h^2 D B`, with a strength `h` for all columns or for each."""
    return rows - strength * (matrix @ rows) + squares[:, None] * (strength * strength * rows)


def _mixing(matrix: WeightMatrix, rows: Tensor, squares: Tensor, coupling: Tensor) -> Tensor:
    """`B - A B H + D B H^2`, symmetric where `H` is."""
    mixed = rows @ coupling
    return rows - matrix @ mixed + squares[:, None] * (mixed @ coupling)


def _in_eigenbasis(iteration: Iteration, matrix: WeightMatrix, squares: Tensor, coupling: Tensor) -> Solve:
    """Each eigenvector's column by itself, all at once."""
    strengths, basis = torch.linalg.eigh(coupling.double())

    def apply(rows: Tensor) -> Tensor:
        as_wide = matrix if rows.dtype == matrix.values.dtype else matrix.with_values(matrix.values.to(rows.dtype))
        return _alike(as_wide, rows, squares.to(rows.dtype), strengths.to(rows.dtype))

    def solve(right: Tensor) -> Tensor:
        turn = basis.to(right.dtype)
        solved = conjugate_gradients(
            apply,
            right @ turn,
            torch.ones_like(squares),
            tolerance=iteration.tolerance_for(right.dtype),
            max_iterations=iteration.max_iterations,
            complain=iteration.complain,
        )
        back: Tensor = solved @ turn.T
        return back

    return solve
