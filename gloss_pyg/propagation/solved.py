"""The base of layers whose result is the solution of a linear system."""

import warnings
from abc import ABC
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError, NumericalWarning
from gloss_pyg.graph.edges import is_symmetric
from gloss_pyg.propagation.base import Propagation
from gloss_pyg.propagation.solvers.choose import SOLVERS, Solver, weight_matrix
from gloss_pyg.propagation.solvers.far_rows import say_lost
from gloss_pyg.propagation.solvers.matrix import WeightMatrix
from gloss_pyg.propagation.solvers.sparse import Iteration

MAX_ITERATIONS = 1000


class SolvedPropagation(Propagation, ABC):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    """Base of the layers that solve a system; `self.matrix(...)` gives them the graph as a `WeightMatrix`.

    Args:
        solver: `"direct"` factors the system, dense: exact, for batches up to a few thousand documents.
            `"conjugate_gradients"` works on the edges of a large symmetric graph. `"iterative"` passes messages until
            nothing changes: for large directed graphs. `"auto"` picks by size, sparsity and symmetry.
        tolerance: Of the two that iterate: relative residual of each class (messages: largest estimated error); by
            default 1e-6, in float64 1e-12.
        max_iterations: Of the same; by default 1000. Where it ends before the tolerance is met, a warning says how far
            it got.
        num_classes: Needed where labels come as class ids.
        temperature: Of layers with signed scores, see `Propagation`.

    Raises:
        ConfigError: for a solver that the layer does not have, or iterative settings beside the direct one.
    """

    solvers: ClassVar[tuple[str, ...]] = SOLVERS
    # What to do where an iteration ends before its tolerance is met.
    remedy: str = (
        "some documents are tied to labelled ones only weakly. Use solver='direct', raise max_iterations, or choose a "
        "larger sigma."
    )

    def __init__(
        self,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(num_classes, temperature)
        name = type(self).__name__
        if solver not in self.solvers:
            raise ConfigError(f"{name}: solver={solver!r}, expected one of {', '.join(self.solvers)}.")
        if solver == "direct" and (tolerance is not None or max_iterations is not None):
            raise ConfigError(f"{name}: tolerance and max_iterations are for solvers that iterate, not for 'direct'.")
        if tolerance is not None and not 0 < tolerance < 1:
            raise ConfigError(f"{name}: tolerance={tolerance}, expected a number between 0 and 1.")
        if max_iterations is not None and max_iterations < 1:
            raise ConfigError(f"{name}: max_iterations={max_iterations}, expected at least 1.")
        self.solver = solver
        self.tolerance = tolerance
        self.max_iterations = max_iterations
        self._complained = False

    @property
    def resolution(self) -> float:  # type: ignore[override]  # of a solver, and not to be set
        """See `Propagation`: the residual at which a solver stops that is asked for by name and iterates, else 0."""
        iterates = self.solver in ("conjugate_gradients", "iterative")
        return self.iteration.tolerance_for(torch.float32) if iterates else 0.0

    @property
    def iteration(self) -> Iteration:
        """How this layer iterates, if it does."""
        return Iteration(self.solver, self.tolerance, self.max_iterations or MAX_ITERATIONS, self._complain, self._lose)

    def matrix(
        self,
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        num_nodes: int,
        *,
        symmetric: bool = False,
    ) -> WeightMatrix:
        """The graph's weights as a matrix that solves by this layer's solver.

        Raises:
            ConfigError: where it must be `symmetric` and is not.
        """
        is_so = is_symmetric(edge_index, edge_weight, num_nodes)
        # Before a solver is chosen: one that needs a symmetric graph would advise others, which do not help here.
        if symmetric and not is_so:
            raise ConfigError(
                f"{type(self).__name__} is defined for symmetric graphs, and here an edge has no reverse of the same "
                "weight. Use PyG's ToUndirected(reduce='mean'), or a layer that follows one-way edges, as "
                "HarmonicFunction does."
            )
        return weight_matrix(edge_index, edge_weight, num_nodes, self.solver, self.iteration, symmetric=is_so)

    def _complain(self, error: float) -> None:
        if self._complained:
            return
        self._complained = True
        warnings.warn(
            f"{type(self).__name__} stopped after max_iterations={self.iteration.max_iterations} with a relative error "
            f"of {error:.1e}: {self.remedy} (Said once.)",
            NumericalWarning,
            stacklevel=2,
        )

    def _lose(self, numbers: list[int]) -> None:
        if not self._complained:
            self._complained = True
            say_lost(numbers, type(self).__name__)
