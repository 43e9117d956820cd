"""Correct another model's prediction by the errors that it makes on labelled documents, then smooth it."""

from typing import Literal, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.smoothing import smooth
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver
from gloss_pyg.propagation.solvers.matrix import WeightMatrix

# As in the published code, which sets larger factors to 1.
LARGEST_FACTOR = 1000.0


@final
class CorrectAndSmooth(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Spread a classifier's errors and then its corrected prediction; where a classifier is there to be improved on.

    .. math::
        E_i &= Y_i - B_i \;(i \in L), \; 0 \;\text{else}; \qquad
        \hat E = (1 - a_1) (I - a_1 S)^{-1} E, \quad S = D^{-1/2} W D^{-1/2} \\
        H_i &= Y_i \;(i \in L), \; \max(0, \; B_i + s_i \hat E_i) \;\text{else}; \qquad
        F = (1 - a_2) (I - a_2 S)^{-1} H

    with `B` the base prediction, `L` the documents whose labels are seen, and `s_i` either one number or (`"auto"`)
    what gives each document's correction the mean size of the seen errors,

    .. math:: s_i = \frac{1}{|L|} \sum_{j \in L} \|E_j\|_1 \; / \; \|\hat E_i\|_1.

    In a graph of several components the mean is taken in each, and `s_i` is at most 1000. The source leaves negative
    entries of the corrected prediction as they are; here they are cut, since rows become probabilities. (The source's
    "FDiff-scale" holds the errors of labelled documents fixed while they spread; a number for `s` here does not.)

    Args:
        correct_alpha: `a_1`, how far errors spread, above 0 and below 1.
        smooth_alpha: `a_2`, the same for predictions.
        scale: `"auto"`, or a number not below 0 for all documents; 0 leaves out the correction.
        solver: `"auto"`, `"direct"`, `"conjugate_gradients"` or `"iterative"`, see `SolvedPropagation`, as for the
            others.
        tolerance: Of the solvers that iterate.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`; `base [N, C]` holds class probabilities of the other model, those of labelled documents
    included. `HybridLoss` hands over its classifier's, detached, so that the layer does not train it.
    Weights may be directed, as those of `LabelSpreading`.

    Requires: nothing; in a component without a label the smoothed base prediction answers.

    Raises:
        ConfigError: without `base`; for numbers out of range; see `SolvedPropagation`.
        DataError: for input that does not fit, see `Propagation`.

    `LabelSpreading` is the second step with zero in place of the base prediction.

    Source: Huang, He, Singh, Lim, Benson, "Combining Label Propagation and Simple Models Out-performs Graph Neural
    Networks", ICLR 2021, sections 2.2 ("autoscale") and 2.3.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2
        >>> y, mask = torch.tensor([1, -100, 1]), torch.tensor([True, False, True])
        >>> base = torch.tensor([[0.6, 0.4], [0.6, 0.4], [0.3, 0.7]])  # wrong about document 0
        >>> layer = CorrectAndSmooth(smooth_alpha=0.1, num_classes=2)
        >>> layer(y, edge_index, mask, torch.ones(4), base=base)[1]
        tensor([0.1314, 0.8686])
    """

    needs_base = True

    def __init__(
        self,
        correct_alpha: float = 0.8,
        smooth_alpha: float = 0.8,
        scale: float | Literal["auto"] = "auto",
        *,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        for name, alpha in (("correct_alpha", correct_alpha), ("smooth_alpha", smooth_alpha)):
            if not 0 < alpha < 1:
                raise ConfigError(
                    f"CorrectAndSmooth: {name}={alpha}, expected a number between 0 and 1, both excluded."
                )
        if scale != "auto" and not 0 <= scale < float("inf"):
            raise ConfigError(f"CorrectAndSmooth: scale={scale!r}, expected 'auto' or a number not below 0.")
        self.correct_alpha = correct_alpha
        self.smooth_alpha = smooth_alpha
        self.scale = scale

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
        base: Float[Tensor, "nodes classes"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """The corrected and smoothed prediction."""
        assert base is not None  # `Propagation.forward` has seen to it
        matrix = self.matrix(edge_index, edge_weight, seeds.size(0))
        labelled = (mask & (seeds > 0).any(dim=1))[:, None]  # a row that is seen but empty has no label to compare with
        errors = torch.where(labelled, seeds - base, 0.0)
        spread = smooth(matrix, errors, self.correct_alpha)
        factor = _factor(matrix, errors, spread, labelled) if self.scale == "auto" else self.scale
        corrected = (base + factor * spread).clamp(min=0)
        return smooth(matrix, torch.where(labelled, seeds, corrected), self.smooth_alpha)


def _factor(matrix: WeightMatrix, errors: Tensor, spread: Tensor, labelled: Tensor) -> Float[Tensor, "nodes 1"]:
    """`s` of the class's formula."""
    if not errors.numel():
        return errors.sum(dim=1, keepdim=True)
    sizes = matrix.by_component(torch.cat([errors.abs().sum(dim=1, keepdim=True), labelled.to(errors.dtype)], dim=1))
    mean = sizes[:, :1] / sizes[:, 1:].clamp(min=1)
    size = spread.abs().sum(dim=1, keepdim=True)
    large = size * LARGEST_FACTOR > mean
    return torch.where(large, mean / torch.where(large, size, 1.0), LARGEST_FACTOR)
