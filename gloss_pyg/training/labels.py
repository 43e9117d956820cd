"""What losses over unlabelled documents must know of the training labels before the first step."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from gloss_pyg.losses import UnlabelledLoss


def fit_labels(
    loss: nn.Module, labels: Sequence[int] | NDArray[np.int64] | Tensor, num_classes: int | None = None
) -> None:
    """Tell every loss over unlabelled documents the training labels: class shares, and how many have none.

    For a training script of your own, once before the first step; our commands do it.

    Args:
        loss: A loss with any number of `AgreementLoss` and the like in it.
        labels: Class ids of the training documents, `[n]`, negative where there is none.
        num_classes: Number of classes; by default one more than the largest label.

    Raises:
        DataError: where no document has a label.

    Example:
        >>> from gloss_pyg.losses import HybridLoss, SelfTraining
        >>> loss = HybridLoss(unlabelled_loss=SelfTraining())
        >>> fit_labels(loss, [0, 0, 0, 1, -1, -1])
        >>> loss.unlabelled_loss.shares.tolist()
        [0.75, 0.25]
    """
    for part in loss.modules():
        if isinstance(part, UnlabelledLoss):
            part.fit_labels(labels, num_classes)
