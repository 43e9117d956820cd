"""Cosine-similarity loss over all pairs of the batch."""

from typing import final

from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.graph.distances import differentiable_unit_rows
from gloss_pyg.losses.embedding import EmbeddingLoss, same_class


@final
class PairwiseCosine(EmbeddingLoss):
    r"""Cosines of 1 within a class and of 0 between classes, by least squares; one of the paper's rivals.

    .. math:: L = \frac{1}{n (n - 1)} \sum_{i \ne j} (\cos(x_i, x_j) - [y_i = y_j])^2

    Requires of a batch: two documents; else it is a zero with a gradient path.

    The paper calls it cosine similarity; it is `CosineSimilarityLoss` of sentence-transformers over all pairs of the
    batch, with the targets 1 and 0.

    Raises:
        DataError: see `EmbeddingLoss`.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, the losses that it compares with.

    Example:
        >>> import torch
        >>> float(PairwiseCosine()(torch.tensor([[1.0, 0.0], [0.0, 2.0], [0.0, 3.0]]), torch.tensor([0, 0, 0])))
        0.6666666865348816
    """

    def usable(self, labels: Int[Tensor, " documents"]) -> bool:
        """See the class."""
        return labels.numel() > 1

    def value(self, embeddings: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> Float[Tensor, ""]:
        """See the class."""
        rows = differentiable_unit_rows(embeddings)
        same = same_class(labels)
        errors = (rows @ rows.T - same.to(rows.dtype)).square()
        off_diagonal = errors - errors.diagonal().diag()
        return off_diagonal.sum() / (labels.numel() * (labels.numel() - 1))
