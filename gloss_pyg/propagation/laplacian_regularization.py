"""Regularised regression on a graph: fit the seen labels, and vary little along edges."""

from dataclasses import replace
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.matrix import WeightMatrix
from gloss_pyg.propagation.solvers.sparse import Iteration


@final
class LaplacianRegularization(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to it
    r"""Least squares on the seen labels with a penalty on differences along edges; for noisy labels.

    .. math:: F = (M + g \tilde L^p)^{-1} M Y, \qquad \tilde L = L / \bar d, \quad L = D - W

    with the diagonal `M` of the mask: the minimum of `sum_{i seen} |F_i - Y_i|^2 + g tr(F^T \tilde L^p F)`. Weights are
    in units of `\bar d`, the mean degree of the document's connected component, so that a common factor of them changes
    nothing and graphs of one batch do not meet.

    Args:
        gamma: `g`, positive; as it falls to zero the seen labels are met exactly, which for `power=1` is the harmonic
            function.
        power: `p`. One: scores are weighted means of labels. More: labels curve instead of bending sharply at labelled
            documents, which few seeds on many documents call for; scores may then be negative, and go through a softmax
            with `temperature`.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or, with `power=1`, `"iterative"`; see
            `SolvedPropagation`, as for the others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.
        temperature: With `power` above 1; see `Propagation`.

    Shapes: see `Propagation`.

    Requires: a path to a labelled document, else a zero row; for `power` above 1 a symmetric graph.

    `HarmonicFunction` is the limit `g -> 0`; `AbsorbingWalk` penalises scores at unlabelled documents as well.

    Raises:
        ConfigError: for a `gamma` that is not positive, a `power` below 1, `solver="iterative"` or an asymmetric graph
            with `power` above 1; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Belkin, Matveeva, Niyogi, "Regularization and Semi-supervised Learning on Large Graphs", COLT 2004,
    section 3.1, without its constraint on the mean.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> LaplacianRegularization(num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1]
        tensor([0.7486, 0.2514])
    """

    def __init__(
        self,
        gamma: float = 0.01,
        power: int = 1,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
        temperature: float = 1.0,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes, temperature)
        if not 0 < gamma < float("inf"):
            raise ConfigError(f"LaplacianRegularization: gamma={gamma}, expected a positive number.")
        if power < 1 or power != int(power):
            raise ConfigError(f"LaplacianRegularization: power={power}, expected a whole number of at least 1.")
        if power > 1 and solver == "iterative":
            raise ConfigError(
                "LaplacianRegularization: messages do not converge for power > 1; use solver='conjugate_gradients'."
            )
        if power == 1 and temperature != 1:
            raise ConfigError("LaplacianRegularization: temperature is for power > 1; else no softmax is taken.")
        self.gamma = gamma
        self.power = int(power)
        self.signed = power > 1

    @property
    def iteration(self) -> Iteration:
        """See `SolvedPropagation`; a power of L has a power of its condition, so that the residual must be smaller."""
        usual = super().iteration
        return usual if self.power == 1 else replace(usual, double=1e-13)

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The minimum of the penalised sum of squares."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0), symmetric=self.power > 1)
        free = matrix.led_to(mask)
        if self.power == 1:
            exits = matrix.mean_degree * mask / self.gamma
            return matrix.solve_grounded(exits, exits[:, None] * seeds, free)
        gamma, power = self.gamma, self.power
        # Where no label is seen the system is singular, and any positive number gives the zero that is due.
        own = torch.where(free, mask.to(seeds.dtype), 1.0)[:, None]

        def operator(w: WeightMatrix, rows: Tensor, unit: Tensor) -> Tensor:
            smoothed = rows
            for _ in range(power):
                smoothed = (w.degree[:, None] * smoothed - w @ smoothed) / unit[:, None]
            return own.to(rows.dtype) * rows + gamma * smoothed

        unit = matrix.mean_degree
        diagonal = own.squeeze(1) + gamma * (matrix.degree / unit) ** power
        return matrix.solve(operator, seeds, unit, diagonal=diagonal)
