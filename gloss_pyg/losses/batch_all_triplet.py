"""Triplet loss over all triplets of the batch."""

from typing import final

from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.losses.checks import check_positive
from gloss_pyg.losses.embedding import EmbeddingLoss, has_both_pairs
from gloss_pyg.losses.library import METRIC_LEARNING


@final
class BatchAllTriplet(EmbeddingLoss):
    r"""Documents of a class nearer than those of another by a margin, over all triplets; one of the paper's rivals.

    .. math:: L = \frac{1}{|T^+|} \sum_{(a, p, n)} \max(0, \|x_a - x_p\| - \|x_a - x_n\| + m)

    over all anchors `a`, `p` of their class and `n` of another; `T^+` are the triplets that cost something. Euclidean
    distances of the embeddings as they are, so that the margin is in their units.

    Args:
        margin: `m`, above 0. The published 5 is far for encoders whose embeddings have unit length (offline's MiniLM
            as sentence-transformers normalises it); our encoder does not normalise them.

    Requires of a batch: two documents of one class and one of another; else it is a zero with a gradient path. Time and
    memory grow with the number of triplets.

    Computed by `TripletMarginLoss` of pytorch-metric-learning (extra `metric`); equal to `BatchAllTripletLoss` of
    sentence-transformers.

    Raises:
        ConfigError: for a margin that is not positive.
        MissingExtraError: if pytorch-metric-learning is not installed.
        DataError: see `EmbeddingLoss`.

    Source: Hermans, Beyer, Leibe, "In Defense of the Triplet Loss for Person Re-Identification", arXiv 1703.07737,
    "batch all", the mean over triplets that are not zero.

    Example:
        >>> import torch
        >>> float(BatchAllTriplet(margin=5)(torch.tensor([[0.0], [1.0], [4.0]]), torch.tensor([0, 0, 1])))
        2.5
    """

    def __init__(self, margin: float = 5.0) -> None:
        super().__init__()
        self.margin = check_positive(self, "margin", margin)
        # The library's distance would bring all rows to unit length, where no margin of 5 can be kept.
        distance = METRIC_LEARNING.module("distances").LpDistance(normalize_embeddings=False)
        self.loss = METRIC_LEARNING.module("losses").TripletMarginLoss(margin=margin, distance=distance)

    def usable(self, labels: Int[Tensor, " documents"]) -> bool:
        """See the class."""
        return has_both_pairs(labels)

    def value(self, embeddings: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> Float[Tensor, ""]:
        """See the class."""
        # Distances stay when rows are moved, and cancel less about their mean.
        found: Tensor = self.loss(embeddings - embeddings.detach().mean(dim=0), labels)
        return found
