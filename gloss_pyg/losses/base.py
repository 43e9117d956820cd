"""What a loss must offer to be trained with: named parts, and their total."""

from abc import ABC, abstractmethod
from typing import final

from jaxtyping import Float, Integer
from torch import Tensor, nn


class TrainingLoss(nn.Module, ABC):
    """Base of the losses over embeddings, logits and labels of a batch.

    Training computes the parts once, logs each by its name, and follows the gradient of their total.

    Example:
        >>> import torch
        >>> class Squares(TrainingLoss):
        ...     "Pull logits to zero."
        ...
        ...     def parts(self, embeddings, logits, labels):
        ...         return {"squares": logits.square().mean()}
        ...
        ...     def total(self, parts):
        ...         return parts["squares"]
        >>> float(Squares()(torch.zeros(2, 3), torch.ones(2, 2), torch.tensor([0, 1])))
        1.0
    """

    @abstractmethod
    def parts(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> dict[str, Tensor]:
        """The terms of the loss by name, scalars, not yet weighted."""

    @abstractmethod
    def total(self, parts: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The weighted sum of the parts."""

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> Float[Tensor, ""]:
        """The total of the parts of this batch."""
        return self.total(self.parts(embeddings, logits, labels))
