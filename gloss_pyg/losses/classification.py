"""Cross-entropy that stays finite when a batch has no label."""

from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer
from torch import Tensor

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses.base import TrainingLoss
from gloss_pyg.losses.checks import check_finite, check_logits, class_ids, is_number
from gloss_pyg.losses.class_weights import class_weight_vector, weighted_mean


@final
class ClassificationLoss(TrainingLoss):
    r"""Weighted cross-entropy over the labelled documents of a batch; alone, the comparison's plain fine-tuning.

    .. math:: L_{CE} = -\frac{\sum_i w_{y_i} \log \mathrm{softmax}(z_i)_{y_i}}{\sum_i w_{y_i}}

    Unlabelled documents (negative labels) are left out; with none labelled it is zero with a gradient path, where
    torch's own gives NaN. Logits are computed in float32.

    Args:
        class_weights: `w`, a weight for each class, in the order of class ids; all 1 by default.
        label_smoothing: Share of each label that is spread over all classes alike, from 0 to below 1, as torch's
            cross-entropy does it; 0.1 is usual. A control for other regularisers of the classifier.

    Shapes: `forward(embeddings, logits [N, C], labels [N]) -> scalar`; nothing is read of the embeddings but how
    many there are; they are there so that all losses are called alike.

    Raises:
        ConfigError: for weights that are negative or not finite, and for a smoothing out of range.
        DataError: for labels, logits and weights that do not fit each other, or logits that make the loss infinite.

    Source: class weights as in Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, the protocol; label smoothing of Szegedy,
    Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture", CVPR 2016.

    Example:
        >>> logits = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
        >>> round(float(ClassificationLoss()(torch.zeros(2, 3), logits, torch.tensor([0, -100]))), 4)
        0.1269
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: Sequence[float] | None = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not is_number(label_smoothing) or not 0 <= label_smoothing < 1:
            raise ConfigError(f"label_smoothing={label_smoothing!r}: expected a share from 0 to below 1, usually 0.1.")
        self.label_smoothing = label_smoothing
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
        targets = torch.where(ids >= 0, ids, -100)
        wide = logits if logits.dtype == torch.float64 else logits.float()
        weights = None if self.class_weights is None else self.class_weights.to(wide.dtype)
        total = F.cross_entropy(
            wide, targets, weight=weights, ignore_index=-100, reduction="sum", label_smoothing=self.label_smoothing
        )
        check_finite(total, wide)
        return {"classification_loss": weighted_mean(total, ids, weights)}

    def total(self, parts: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The one part."""
        return parts["classification_loss"]
