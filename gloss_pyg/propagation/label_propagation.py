"""Label propagation in closed form or by messages: the paper's propagation, and the default."""

from dataclasses import replace
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph.edges import is_symmetric
from gloss_pyg.graph.faint import widened
from gloss_pyg.graph.reach import is_connected, reached
from gloss_pyg.propagation.harmonic_function import harmonic
from gloss_pyg.propagation.rows import rows_to_one
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.absorbing import absorbing_walk
from gloss_pyg.propagation.solvers.choose import choose_solver, weight_matrix
from gloss_pyg.propagation.solvers.precision import is_faint, widened_weights
from gloss_pyg.propagation.transition import transition_weights

# Conductances divide by sums of weights twice, and their gradient by the square: from here on in float64.
INVERTIBLE = (1e-9, 1e9)


@final
class LabelPropagation(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""A hidden document gets the label at which a random walk from it first arrives; the default.

    .. math:: Y_U = (I - T_{UU})^{-1} T_{UL} Y_L

    with the published transition `T`: `A = D^-1/2 W D^-1/2`, columns divided by their sums, then rows by theirs
    (`gloss_pyg.propagation.transition`). Row `i` of the result is the probability of each label's being the first
    labelled one on a walk from `i`. Labelled rows keep their labels.

    Because of the two normalisations this is the harmonic function of Zhu, Ghahramani & Lafferty not on `W` but on the
    conductances `q_i W_ij q_j`, `q = 1 / (W d^-1/2)`, which take weight from documents in crowded regions;
    probabilities differ from the harmonic ones by up to 0.1 (derivation: `gloss_pyg.propagation.solvers.absorbing`).

    Args:
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"`, see `SolvedPropagation`, as for the
            others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
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

    absorbing = True
    scores_are_probabilities = True

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """Arrival probabilities of hidden documents, labels of the others."""
        symmetric = is_symmetric(edge_index, edge_weight, seeds.size(0))
        solver = choose_solver(self.solver, edge_index, edge_weight, seeds.size(0), symmetric=symmetric)
        if solver == "conjugate_gradients":
            return self._on_conductances(seeds, edge_index, edge_weight, mask)
        if solver == "direct" and symmetric:
            hidden = self._solvable(edge_index, edge_weight, mask)
            return absorbing_walk(edge_index, edge_weight, seeds, hidden) if hidden.numel() else rows_to_one(seeds)
        return self._on_transitions(seeds, edge_index, edge_weight, mask, solver)

    def _on_conductances(self, seeds: Tensor, edge_index: Tensor, edge_weight: Tensor, mask: Tensor) -> Tensor:
        """The harmonic function on `q_i W_ij q_j`, see `gloss_pyg.propagation.solvers.absorbing`."""
        dtype = seeds.dtype
        if is_faint(edge_weight, INVERTIBLE):
            edge_weight, seeds = widened_weights(edge_index, edge_weight), seeds.double()
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0))
        isolated = matrix.degree <= 0
        root = torch.where(isolated, 1.0, matrix.degree).rsqrt()
        received = (matrix @ root[:, None]).squeeze(1)
        found = harmonic(matrix.scaled(torch.where(isolated, 1.0, received).reciprocal()), seeds, mask)
        # Rows sum to one but for the residual; where they hold little more than that, their gradient is noise.
        found = found.clamp(min=0)  # the solver's last digits may lie below
        return rows_to_one(found, known_above=1e-12 if found.dtype == torch.float64 else 1e-6).to(dtype)

    def _solvable(self, edge_index: Tensor, edge_weight: Tensor, mask: Tensor) -> Tensor:
        """Hidden documents that a label can reach; for the others the system is singular."""
        if is_connected(edge_index, edge_weight, mask.size(0)):
            hidden = (~mask).nonzero().squeeze(1)
            return hidden if hidden.size(0) < mask.size(0) else hidden[:0]
        found = reached(mask[:, None], mask, edge_index, edge_weight, absorbing=True).squeeze(1)
        return (found & ~mask).nonzero().squeeze(1)

    def _on_transitions(
        self, seeds: Tensor, edge_index: Tensor, edge_weight: Tensor, mask: Tensor, solver: str
    ) -> Tensor:
        """The formula as it stands, for one-way edges and for messages; in float64, where nothing is out of range."""
        steps = transition_weights(edge_index, widened(edge_weight), seeds.size(0))
        iteration = replace(self.iteration, tolerance=self.iteration.tolerance_for(seeds.dtype))
        matrix = weight_matrix(edge_index, steps, seeds.size(0), solver, iteration, symmetric=False)
        hidden = ~mask & matrix.led_to(mask)
        # A walk ends at what is no such document: at a label, or where one-way edges never lead back to one.
        ends = matrix @ torch.cat([seeds.double(), (~hidden).double()[:, None]], dim=1)
        found = matrix.solve_grounded(ends[:, -1], ends[:, :-1], hidden).clamp(min=0)  # the last digits may lie below
        return rows_to_one(seeds + found.to(seeds.dtype))
