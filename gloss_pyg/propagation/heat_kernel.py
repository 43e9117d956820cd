"""The heat kernel: labels diffuse like heat for a fixed time."""

import math
import warnings
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError, NumericalWarning
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.exponential import exponential
from gloss_pyg.propagation.solvers.matrix import WeightMatrix


@final
class HeatKernel(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Labels diffuse like heat for a time `t`; for labels that reach just so far, which can be learned.

    .. math:: F = e^{-t L} Y, \qquad L = I - D^{-1/2} W D^{-1/2}

    A label takes a number of steps that has the Poisson distribution of mean `t`: about `t`, within a few `\sqrt t`.

    Computed as a series of products that stops where no entry changes any more; it holds for rows that are far from all
    labels as well (derivation: `gloss_pyg.propagation.solvers.exponential`). The number of products grows with `t`,
    about 20 for `t = 5` in float32.

    Args:
        time: `t`, positive (the second source: 1 to 10).
        learned: Whether `t` is a parameter, which starts at `time`. Its logarithm is learned: it stays positive.
        solver: `"direct"` keeps the weights as a whole matrix, `"iterative"` by edges; `"auto"` picks by size and
            density. All compute the same series.
        tolerance: Of `"auto"` and `"iterative"`: largest relative error of an entry; by default 1e-6, in float64 1e-12.
        max_iterations: Of the same: products at most; by default 1000.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be directed; degrees are then those of what a document receives.

    Requires: nothing; a document that no label reaches gets a zero row. Scores fall with the distance `k` as
    `t^k / k!`, faster than any power, so that at `t = 5` labels reach about 50 edges in float32, and 200 in float64;
    documents beyond have zero rows, which a warning counts.

    `PersonalizedPageRank` weighs walks by a power of their length instead, which has more of the very short and of
    the very long ones.

    Raises:
        ConfigError: for a `time` that is not positive; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    Source: Kondor & Lafferty, "Diffusion Kernels on Graphs and Other Discrete Structures", ICML 2002, equation (9);
    Gasteiger, Weissenberger, Günnemann, "Diffusion Improves Graph Learning", NeurIPS 2019, section 2.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> HeatKernel(time=1.0, num_classes=2)(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1]
        tensor([0.6340, 0.3660])
    """

    solvers = ("auto", "direct", "iterative")
    remedy = (
        "a long time takes as many products. Choose a shorter one, or give max_iterations (not beside solver='direct')."
    )

    def __init__(
        self,
        time: float = 5.0,
        learned: bool = False,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        if not 0 < time < float("inf"):
            raise ConfigError(f"HeatKernel: time={time}, expected a positive number.")
        self.learned = learned
        if learned:
            self.log_time = torch.nn.Parameter(torch.tensor(math.log(time)))
        else:
            self._time = float(time)

    @property
    def time(self) -> float:
        """How long labels diffuse, as given or as learned so far."""
        return float(self.log_time.detach().double().exp()) if self.learned else self._time

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - all rows are treated alike
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """The labels, diffused."""
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0))
        # A document may receive nothing and yet send, where edges lead one way.
        least = 1.0 if matrix.symmetric else matrix.mean_degree
        root = torch.where(matrix.degree > 0, matrix.degree, least).rsqrt()
        found = exponential(
            matrix.scaled(root),
            seeds,
            self.log_time.double().exp() if self.learned else torch.tensor(self._time, dtype=torch.float64),
            tolerance=self.iteration.tolerance_for(seeds.dtype),
            max_terms=self.iteration.max_iterations,
            complain=self._complain,
        )
        self._count_unreached(matrix, seeds, found.detach())
        return found

    def _count_unreached(self, matrix: WeightMatrix, seeds: Tensor, found: Tensor) -> None:
        missed = ~found.any(dim=1)
        if self._complained or not bool(missed.any()):
            return
        count = int((missed & matrix.led_to((seeds > 0).any(dim=1))).sum())
        if count:
            self._complained = True
            warnings.warn(
                f"HeatKernel: {count} documents are further from all labels than time={self.time:g} carries numbers of "
                f"{str(found.dtype).removeprefix('torch.')}. Their rows are zero. Choose a longer time, or "
                "PersonalizedPageRank, which reaches further. (Said once.)",
                NumericalWarning,
                stacklevel=2,
            )
