"""What is asked of the propagated probabilities of hidden documents: the graph loss's formula.

| objective | formula | what it is |
|---|---|---|
| `NegativeLogProbability` | `-mean log max(p[y], tiny)`, documents that count | the published equation, the default |
| `PublishedCode` | weighted cross-entropy, `p` as logits, divided by `|U|` again | what the published code computes |

A document *counts* when a seed of its class can reach it in the graph.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import final

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from gloss_pyg.losses.class_weights import class_weight_vector


class Objective(nn.Module, ABC):
    """Base of the formulas: probabilities, labels, hidden and counting documents to a scalar.

    `GLoss` calls it only where at least one document counts; with none it gives zero itself.

    Example:
        >>> class ShareWrong(Objective):
        ...     "One minus the probability of the right class."
        ...
        ...     def forward(self, probabilities, labels, hidden, counted):
        ...         own = probabilities.gather(1, labels.clamp(min=0)[:, None]).squeeze(1)
        ...         return (1 - own)[counted].mean()
        >>> everyone = torch.tensor([True, True])
        >>> float(ShareWrong()(torch.tensor([[0.5, 0.5], [0.25, 0.75]]), torch.tensor([0, 1]), everyone, everyone))
        0.375
    """

    @abstractmethod
    def forward(
        self,
        probabilities: Float[Tensor, "documents classes"],
        labels: Int[Tensor, " documents"],
        hidden: Bool[Tensor, " documents"],
        counted: Bool[Tensor, " documents"],
    ) -> Float[Tensor, ""]:
        """The loss of the batch."""


@final
class NegativeLogProbability(Objective):
    r"""The published equation; the default.

    .. math:: L_G = -\frac{1}{|V|} \sum_{i \in V} \log \max(Y_{i, y_i}, \mathrm{tiny})

    over the documents `V` that count; `tiny` is the smallest normal float32, so that a class that is reachable but
    whose probability underflows costs 87.3 and has no gradient.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, the graph loss.

    Example:
        >>> p = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
        >>> everyone = torch.tensor([True, True])
        >>> round(float(NegativeLogProbability()(p, torch.tensor([0, 1]), everyone, everyone)), 4)
        0.4904
    """

    def forward(
        self,
        probabilities: Float[Tensor, "documents classes"],
        labels: Int[Tensor, " documents"],
        hidden: Bool[Tensor, " documents"],  # noqa: ARG002 - the other objective reads it
        counted: Bool[Tensor, " documents"],
    ) -> Float[Tensor, ""]:
        """See the class."""
        tiny = torch.finfo(torch.float32).tiny
        own = probabilities.gather(1, labels.clamp(min=0)[:, None])  # first: logarithms of all classes would cost more
        return F.nll_loss(F.threshold(own, tiny, tiny).log(), counted.long() - 1, ignore_index=-1)


@final
class PublishedCode(Objective):
    r"""What the published code computes in place of its equation; to reproduce or to study it.

    .. math:: L = \frac{1}{|U|} \cdot \frac{\sum_{i \in U} w_{y_i} \, \mathrm{CE}(Y_i, y_i)}{\sum_{i \in U} w_{y_i}}

    The propagated *probabilities* are taken as logits, so the loss is bounded and its gradient small: `lambda` 0.7 to
    0.9 weighs much less there than the equation says. The integrated pipeline divides the mean by the number of
    hidden documents `|U|` once more; the standalone one does not.

    Args:
        class_weights: `w`, one for each class (the published pipelines take scikit-learn's "balanced" ones of the
            training labels); all 1 by default.
        divide_again: The second division by `|U|`.

    Raises:
        ConfigError: for weights that are negative or not finite.

    Source: the public code of Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853.

    Example:
        >>> p = torch.tensor([[0.5, 0.5], [0.25, 0.75]])
        >>> everyone = torch.tensor([True, True])
        >>> round(float(PublishedCode()(p, torch.tensor([0, 1]), everyone, everyone)), 4)
        0.2918
    """

    class_weights: Tensor | None

    def __init__(self, class_weights: Sequence[float] | None = None, *, divide_again: bool = True) -> None:
        super().__init__()
        self.register_buffer("class_weights", class_weight_vector(class_weights), persistent=False)
        self.divide_again = divide_again

    def forward(
        self,
        probabilities: Float[Tensor, "documents classes"],
        labels: Int[Tensor, " documents"],
        hidden: Bool[Tensor, " documents"],
        counted: Bool[Tensor, " documents"],  # noqa: ARG002 - the published code counts all
    ) -> Float[Tensor, ""]:
        """See the class."""
        weights = None if self.class_weights is None else self.class_weights.to(probabilities.dtype)
        total = F.cross_entropy(probabilities[hidden], labels[hidden], weight=weights, reduction="sum")
        mass = hidden.sum() if weights is None else weights[labels[hidden]].sum()
        mean = total / mass.clamp(min=torch.finfo(probabilities.dtype).tiny)
        return mean / hidden.sum() if self.divide_again else mean
