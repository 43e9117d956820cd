"""Label propagation in closed form or by messages: the paper's propagation, and the default."""

import warnings
from typing import ClassVar, Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError, NumericalWarning
from gloss_pyg.graph.edges import is_symmetric
from gloss_pyg.graph.reach import is_connected, reached
from gloss_pyg.propagation.base import Propagation, rows_to_one
from gloss_pyg.propagation.solvers.absorbing import absorbing_walk
from gloss_pyg.propagation.solvers.fixed_point import fixed_point
from gloss_pyg.propagation.solvers.precision import Widen
from gloss_pyg.propagation.transition import transition_weights

# Below this a pivot of `I - T_UU`, whose diagonal is one, has fewer than four digits left in float64.
SMALLEST_LU_PIVOT = 1e-12


@final
class LabelPropagation(Propagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""A hidden document gets the label at which a random walk from it first arrives; the default.

    .. math:: Y_U = (I - T_{UU})^{-1} T_{UL} Y_L

    with the published transition `T`: `A = D^-1/2 W D^-1/2`, columns divided by their sums, then rows by theirs
    (`gloss_pyg.propagation.transition`). Row `i` of the result is the probability of each label's being the first
    labelled one on a walk from `i`. Labelled rows keep their labels.

    Because of the two normalisations this is the harmonic function of Zhu, Ghahramani & Lafferty not on `W` but on the
    conductances `q_i W_ij q_j`, `q = 1 / (W d^-1/2)`, which take weight from documents in crowded regions;
    probabilities differ from the harmonic ones by up to 0.1 (derivation: `gloss_pyg.propagation.solvers.absorbing`).

    Args:
        solver: `"direct"` factors the hidden block, dense: exact, for batches up to a few thousand documents.
            `"iterative"` passes messages until the result stands still: for large sparse graphs; slow where a walk
            takes long to meet a label.
        tolerance: Of the iterative solver: largest estimated error of a probability; by default 1e-6, in float64
            1e-12.
        max_iterations: Of the iterative solver; by default 1000. Where it ends before the tolerance is met, a warning
            says how far it got.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be asymmetric: the direct solver then uses an LU factorisation.

    Requires: a path to a labelled document; a document without one gets a zero row.

    Raises:
        ConfigError: for an unknown solver, or iterative settings beside the direct one.
        DataError: for input that does not fit, see `Propagation`.

    Source: Zhu & Ghahramani, "Learning from labeled and unlabeled data with label propagation", CMU-CALD-02-107, 2002;
    Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853.

    Example:
        >>> edge_index = torch.tensor([[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]])  # a triangle, node 1 near node 0
        >>> edge_weight = torch.tensor([0.9, 0.1, 0.9, 0.2, 0.1, 0.2])
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> LabelPropagation(num_classes=2)(y, edge_index, mask, edge_weight)[1]
        tensor([0.5569, 0.4431])
    """

    absorbing: ClassVar[bool] = True
    scores_are_probabilities: ClassVar[bool] = True

    def __init__(
        self,
        solver: Literal["direct", "iterative"] = "direct",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(num_classes)
        if solver not in ("direct", "iterative"):
            raise ConfigError(f"LabelPropagation: solver={solver!r}, expected 'direct' or 'iterative'.")
        if solver == "direct" and (tolerance is not None or max_iterations is not None):
            raise ConfigError("LabelPropagation: tolerance and max_iterations are for solver='iterative'.")
        if tolerance is not None and not 0 < tolerance < 1:
            raise ConfigError(f"LabelPropagation: tolerance={tolerance}, expected a number between 0 and 1.")
        if max_iterations is not None and max_iterations < 1:
            raise ConfigError(f"LabelPropagation: max_iterations={max_iterations}, expected at least 1.")
        self.solver = solver
        self.tolerance = tolerance
        self.max_iterations = max_iterations or 1000
        self._complained = False

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """Arrival probabilities of hidden documents, labels of the others."""
        if self.solver == "iterative":
            return rows_to_one(self._by_messages(seeds, edge_index, edge_weight, mask))
        hidden = self._solvable(edge_index, edge_weight, mask)
        if hidden.numel() and is_symmetric(edge_index, edge_weight, seeds.size(0)):
            return absorbing_walk(edge_index, edge_weight, seeds, hidden)
        return rows_to_one(self._by_elimination(seeds, edge_index, edge_weight, hidden) if hidden.numel() else seeds)

    def _solvable(self, edge_index: Tensor, edge_weight: Tensor, mask: Tensor) -> Tensor:
        """Hidden documents that a label can reach; for the others the system is singular."""
        if is_connected(edge_index, edge_weight, mask.size(0)):
            hidden = (~mask).nonzero().squeeze(1)
            return hidden if hidden.size(0) < mask.size(0) else hidden[:0]
        found = reached(mask[:, None], mask, edge_index, edge_weight, absorbing=True).squeeze(1)
        return (found & ~mask).nonzero().squeeze(1)

    def _by_messages(self, seeds: Tensor, edge_index: Tensor, edge_weight: Tensor, mask: Tensor) -> Tensor:
        steps = transition_weights(edge_index, _wide(edge_weight), seeds.size(0))
        into_hidden = ~mask[edge_index[1]]
        from_seed = mask[edge_index[0]]
        inflow = self._send(edge_index[:, into_hidden & from_seed], seeds.double(), steps[into_hidden & from_seed])
        between = into_hidden & ~from_seed
        solved = fixed_point(
            self._send,
            edge_index[:, between],
            steps[between],
            inflow,
            dtype=seeds.dtype,
            tolerance=self.tolerance or (1e-12 if seeds.dtype == torch.float64 else 1e-6),
            max_iterations=self.max_iterations,
            complain=self._complain,
        )
        return seeds + solved

    def _by_elimination(self, seeds: Tensor, edge_index: Tensor, edge_weight: Tensor, hidden: Tensor) -> Tensor:
        """For asymmetric weights: LU factors of `I - T_UU`; zero rows and a warning where it is singular."""
        n = seeds.size(0)
        steps = transition_weights(edge_index, _wide(edge_weight), n)
        transition = steps.new_zeros(n, n).index_put((edge_index[1], edge_index[0]), steps, accumulate=True)[hidden]
        system = torch.eye(hidden.numel(), dtype=steps.dtype, device=steps.device) - transition[:, hidden]
        factors, pivots, _ = torch.linalg.lu_factor_ex(system)
        if not float(factors.detach().diagonal().abs().min()) > SMALLEST_LU_PIVOT:
            warnings.warn(
                f"Label propagation over directed edges could not be solved for {hidden.numel()} hidden documents: "
                "some are tied to labelled ones by less than float64 can tell. Their rows are zero. Make the graph "
                "symmetric, or use a larger sigma.",
                NumericalWarning,
                stacklevel=2,
            )
            return seeds
        solved = torch.linalg.lu_solve(factors, pivots, transition @ seeds.double())
        return seeds.index_copy(0, hidden, solved.to(seeds.dtype))

    def _send(self, edge_index: Tensor, rows: Tensor, weight: Tensor) -> Tensor:
        received: Tensor = self.propagate(edge_index, x=rows, edge_weight=weight)
        return received

    def _complain(self, error: float) -> None:
        if self._complained:
            return
        self._complained = True
        warnings.warn(
            f"Label propagation stopped after max_iterations={self.max_iterations} with an estimated error of "
            f"{error:.1e}: some documents are tied to labelled ones only weakly. Use solver='direct', raise "
            "max_iterations, or choose a larger sigma. (Said once.)",
            NumericalWarning,
            stacklevel=2,
        )


def _wide(edge_weight: Tensor) -> Tensor:
    """Weights in float64: dividing by small sums of them, the gradient leaves float32's range."""
    if edge_weight.dtype == torch.float64:
        return edge_weight
    wide: Tensor = Widen.apply(edge_weight)  # type: ignore[no-untyped-call]
    return wide
