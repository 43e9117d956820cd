"""Supervised contrastive loss: classes pulled together against all other documents of the batch."""

from typing import final

from jaxtyping import Float, Int
from torch import Tensor

from gloss_pyg.graph.distances import differentiable_unit_rows
from gloss_pyg.losses.checks import check_positive
from gloss_pyg.losses.embedding import EmbeddingLoss, has_both_pairs, same_class
from gloss_pyg.losses.library import METRIC_LEARNING


@final
class SupervisedContrastive(EmbeddingLoss):
    r"""Each document's own class against the whole batch, by softmax of cosines; the paper's strongest rival.

    .. math:: L = -\frac{1}{|A|} \sum_{i \in A} \frac{1}{|P(i)|} \sum_{p \in P(i)}
        \log \frac{\exp(\cos_{ip} / \tau)}{\sum_{a \ne i} \exp(\cos_{ia} / \tau)}

    `P(i)` are the other documents of the class of `i`, `A` the documents that have some. One view of each document:
    dropout makes it another one at each step.

    Args:
        temperature: `tau`, above 0; low values look at the hardest documents only. The source's best is 0.1, the
            G-Loss paper searches 0.01 to 1.

    Requires of a batch: two documents of one class and one of another; else it is a zero with a gradient path.

    Computed by `SupConLoss` of pytorch-metric-learning (extra `metric`), whose own mean also leaves out documents whose
    term has come down to zero; ours does not.

    Raises:
        ConfigError: for a temperature that is not positive.
        MissingExtraError: if pytorch-metric-learning is not installed.
        DataError: see `EmbeddingLoss`.

    Source: Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, arXiv 2004.11362, equation 2.

    Example:
        >>> import torch
        >>> embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
        >>> round(float(SupervisedContrastive(temperature=1.0)(embeddings, torch.tensor([0, 0, 1]))), 4)
        0.3133
    """

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__()
        self.temperature = check_positive(self, "temperature", temperature)
        from_library = METRIC_LEARNING.module("losses"), METRIC_LEARNING.module("reducers")
        self.loss = from_library[0].SupConLoss(temperature, reducer=from_library[1].MeanReducer())

    def usable(self, labels: Int[Tensor, " documents"]) -> bool:
        """See the class."""
        return has_both_pairs(labels)

    def value(self, embeddings: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> Float[Tensor, ""]:
        """See the class."""
        rows = differentiable_unit_rows(embeddings)  # rows of any length; the library's own would vanish or overflow
        same = same_class(labels)
        anchors = same.any(dim=1)
        others = labels[anchors][:, None] != labels
        pairs = (*same[anchors].nonzero(as_tuple=True), *others.nonzero(as_tuple=True))
        found: Tensor = self.loss(rows[anchors], labels[anchors], pairs, ref_emb=rows, ref_labels=labels)
        return found
