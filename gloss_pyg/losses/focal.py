"""Focal loss: cross-entropy that looks away from what is already right."""

import math
from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses.base import TrainingLoss
from gloss_pyg.losses.checks import check_finite, check_logits, class_ids, is_number
from gloss_pyg.losses.class_weights import class_weight_vector, weighted_mean


@final
class FocalLoss(TrainingLoss):
    r"""Cross-entropy weighted by how wrong a document still is; a control for classes of very different sizes.

    .. math:: L = -\frac{\sum_i w_{y_i} (1 - p_i)^\gamma \log p_i}{\sum_i w_{y_i}}, \quad
        p_i = \mathrm{softmax}(z_i)_{y_i}

    Alone, or as the `classification_loss` of `HybridLoss`. With `gamma=0` it is `ClassificationLoss`. Unlabelled
    documents (negative labels) are left out; with none labelled it is zero with a gradient path.

    Args:
        gamma: `gamma`, at least 0; 2 is the source's.
        class_weights: `w` (the source's alpha), a weight for each class; all 1 by default.

    Shapes: `forward(embeddings, logits [N, C], labels [N]) -> scalar`, as for `ClassificationLoss`.

    Raises:
        ConfigError: for a gamma out of range, and for weights that are negative or not finite.
        DataError: for labels, logits and weights that do not fit each other, or logits that make the loss infinite.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, arXiv 1708.02002, equation 5; the mean over
    documents is ours (there, over the boxes that hold something).

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
        >>> round(float(FocalLoss(gamma=2)(torch.zeros(2, 3), logits, torch.tensor([0, -100]))), 4)
        0.0018
    """

    class_weights: Tensor | None

    def __init__(self, gamma: float = 2.0, class_weights: Sequence[float] | None = None) -> None:
        super().__init__()
        if not is_number(gamma) or not 0 <= gamma < math.inf:
            raise ConfigError(f"FocalLoss: gamma={gamma!r}, expected a finite number of at least 0, usually 2.")
        self.gamma = gamma
        self.register_buffer("class_weights", class_weight_vector(class_weights), persistent=False)

    def parts(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> dict[str, Tensor]:
        """The one part, by name."""
        ids = class_ids(labels, embeddings)
        check_logits(logits, ids, self.class_weights)
        wide = logits if logits.dtype == torch.float64 else logits.float()
        weights = None if self.class_weights is None else self.class_weights.to(wide.dtype)
        labelled = ids >= 0
        own = wide[labelled].log_softmax(dim=1).gather(1, ids[labelled][:, None]).squeeze(1)
        # 1 - p without cancellation; above 0, since a power below 1 has no gradient there.
        wrong = (-torch.expm1(own)).clamp(min=torch.finfo(wide.dtype).tiny)
        terms = -wrong.pow(self.gamma) * own
        total = (terms if weights is None else weights[ids[labelled]] * terms).sum()
        check_finite(total, wide)
        return {"classification_loss": weighted_mean(total, ids, weights)}

    def total(self, parts: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The one part."""
        return parts["classification_loss"]
