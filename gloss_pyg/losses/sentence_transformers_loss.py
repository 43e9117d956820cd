"""Losses of sentence-transformers that can be computed from embeddings and class labels."""

from typing import Any, final

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses.embedding import EmbeddingLoss, has_both_pairs
from gloss_pyg.losses.library import SENTENCE_TRANSFORMERS, Arguments, check_spec

# Those that take documents and their classes, and those that take pairs of documents with the label 1 or 0.
_OF_CLASSES = (
    "BatchAllTripletLoss",
    "BatchHardTripletLoss",
    "BatchHardSoftMarginTripletLoss",
    "BatchSemiHardTripletLoss",
)
_OF_PAIRS = ("ContrastiveLoss", "OnlineContrastiveLoss", "CosineSimilarityLoss")


@final
class SentenceTransformersLoss(EmbeddingLoss):
    """A loss of sentence-transformers (extra `st`) on our embeddings, for those who come from there.

    Losses of classes get the batch as it is: `BatchAllTripletLoss`, `BatchHardTripletLoss`,
    `BatchHardSoftMarginTripletLoss`, `BatchSemiHardTripletLoss`. Losses of pairs get all pairs of the batch, labelled 1
    for one class and 0 for two: `ContrastiveLoss`, `OnlineContrastiveLoss`, `CosineSimilarityLoss`. The others need
    what a batch of classified documents does not have: a teacher, triplets, a decoder.

    Args:
        loss: Class path of the loss, or its name alone; in Python also an object, made with `model=None`.
        arguments: What it is made with, without its `model`.

    Requires of a batch: two documents of one class and one of another, for losses of pairs two documents; else it is a
    zero with a gradient path.

    Raises:
        ConfigError: for a loss of another kind, and for arguments that it does not have.
        MissingExtraError: if sentence-transformers is not installed.
        DataError: see `EmbeddingLoss`.

    Source: Reimers, Gurevych, "Sentence-BERT", EMNLP 2019, arXiv 1908.10084, and its library.

    Example:
        >>> loss = SentenceTransformersLoss("BatchHardTripletLoss", {"margin": 1.0})
        >>> float(loss(torch.tensor([[0.0], [3.0], [4.0]]), torch.tensor([0, 0, 1])))
        1.0
    """

    def __init__(self, loss: str | nn.Module, arguments: Arguments | None = None) -> None:
        super().__init__()
        check_spec(self, loss, arguments)
        self.loss = loss
        self.arguments = arguments
        cls = type(loss) if isinstance(loss, nn.Module) else SENTENCE_TRANSFORMERS.find(loss)
        kinds = {base.__name__ for base in cls.__mro__}
        if not kinds & {*_OF_CLASSES, *_OF_PAIRS}:
            raise ConfigError(
                f"SentenceTransformersLoss: {cls.__name__} cannot be computed from embeddings and class labels alone; "
                f"take one of {', '.join((*_OF_CLASSES, *_OF_PAIRS))}."
            )
        self.of_pairs = bool(kinds & set(_OF_PAIRS))
        if not isinstance(loss, nn.Module):
            self.made = SENTENCE_TRANSFORMERS.make(cls, {"model": None} | (arguments or {}))
        if next(self.parameters(), None) is not None:
            raise ConfigError(
                f"SentenceTransformersLoss: this {cls.__name__} holds a model of its own, which would not be the one "
                "that is trained; make it with model=None."
            )

    def usable(self, labels: Int[Tensor, " documents"]) -> bool:
        """See the class."""
        return labels.numel() > 1 if self.of_pairs else has_both_pairs(labels)

    def value(self, embeddings: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> Float[Tensor, ""]:
        """See the class."""
        loss: Any = self.loss if isinstance(self.loss, nn.Module) else self.made
        found: Tensor
        if self.of_pairs:
            left, right = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
            targets = (labels[left] == labels[right]).to(embeddings.dtype)
            found = loss.compute_loss_from_embeddings([embeddings[left], embeddings[right]], targets)
        else:
            found = loss.compute_loss_from_embeddings([embeddings], labels)
        return found

    def extra_repr(self) -> str:
        """What was asked for."""
        return "" if isinstance(self.loss, nn.Module) else f"loss={self.loss!r}, arguments={self.arguments!r}"
