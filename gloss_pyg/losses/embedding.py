"""What losses over embeddings share: unlabelled documents left out, full precision, zero for an unusable batch."""

from abc import ABC, abstractmethod
from typing import final

import torch
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor, nn

from gloss_pyg.errors import DataError
from gloss_pyg.graph.precision import full_format, full_precision
from gloss_pyg.losses.checks import check_embeddings, class_ids


class EmbeddingLoss(nn.Module, ABC):
    """Base of the losses of `(embeddings, labels)` that compare documents of a batch; `GLoss` is called alike.

    Used alone by `Standalone`, or beside cross-entropy as the `graph_loss` of `HybridLoss`.

    Subclasses write `usable` and `value`; what they are given has labels only, is finite and in full precision. A batch
    that is not usable gives a zero with a gradient path. Where two documents coincide a loss may leave the gradient
    undefined; it is zero there.

    Shapes: `forward(embeddings [N, d], labels [N]) -> scalar`; negative labels mark unlabelled documents.

    Raises:
        DataError: for embeddings and labels that do not fit each other, embeddings that are not finite or too long for
            the loss to be finite.

    Example:
        >>> class Spread(EmbeddingLoss):
        ...     "Variance within each class."
        ...
        ...     def usable(self, labels):
        ...         return len(labels) > 1
        ...
        ...     def value(self, embeddings, labels):
        ...         return sum(embeddings[labels == own].var(0, correction=0).sum() for own in labels.unique())
        >>> float(Spread()(torch.tensor([[1.0], [3.0], [9.0]]), torch.tensor([0, 0, -100])))
        1.0
    """

    @abstractmethod
    def usable(self, labels: Int[Tensor, " documents"]) -> bool:
        """Whether a batch with these labels has anything to learn from."""

    @abstractmethod
    def value(self, embeddings: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> Float[Tensor, ""]:
        """The loss of a usable batch of labelled documents."""

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(
        self, embeddings: Float[Tensor, "documents dim"], labels: Integer[Tensor, " documents"]
    ) -> Float[Tensor, ""]:
        """The loss of a batch."""
        check_embeddings(embeddings)
        ids = class_ids(labels, embeddings)
        x = full_format(embeddings)
        _check_finite(x)
        rows, own = x[ids >= 0], ids[ids >= 0]
        if self.usable(own):
            if rows.requires_grad:
                rows.register_hook(torch.nan_to_num)
            with full_precision(x.device.type):
                value = self.value(rows, own)
            if bool(value.isfinite()):
                return value
            if has_both_pairs(own):  # without them libraries give NaN for "nothing to do"
                raise DataError(
                    f"{type(self).__name__} is {float(value.detach())} for {rows.size(0)} documents with embeddings of "
                    f"up to {float(rows.detach().abs().max()):.3g}. Usually training has diverged; lower the learning "
                    "rate, or train in bf16 in place of fp16."
                )
        return x.mul(0).sum()


def same_class(labels: Int[Tensor, " documents"]) -> Bool[Tensor, "documents documents"]:
    """Which pairs of different documents have one class."""
    return (labels[:, None] == labels).fill_diagonal_(0)


def has_both_pairs(labels: Int[Tensor, " documents"]) -> bool:
    """Whether two documents have one class, and two have different ones."""
    sizes = labels.unique(return_counts=True)[1]
    return sizes.numel() > 1 and bool((sizes > 1).any())


def _check_finite(x: Tensor) -> None:
    if not bool(x.isfinite().all()):
        bad = (~x.isfinite()).any(dim=1).nonzero().squeeze(1)
        raise DataError(
            f"Embeddings hold NaN or infinity in {bad.numel()} of {x.size(0)} rows (the first is row {int(bad[0])}). "
            "Usually the encoder has diverged: lower the learning rate, clip gradients, or train in bf16 in place of "
            "fp16."
        )
