"""A graph loss and a classification loss, and one over unlabelled documents, weighted: for training all at once."""

from collections.abc import Callable
from functools import reduce
from typing import final

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses.base import TrainingLoss
from gloss_pyg.losses.checks import check_part, check_rows, class_ids, is_number
from gloss_pyg.losses.classification import ClassificationLoss
from gloss_pyg.losses.gloss import GLoss
from gloss_pyg.losses.unlabelled import UnlabelledLoss


@final
class HybridLoss(TrainingLoss):
    r"""Train encoder and classifier together with both losses; the usual way to use `GLoss`.

    .. math:: L = \lambda L_G + (1 - \lambda) L_{CE} + s L_U

    Args:
        graph_loss: `GLoss`, a metric loss (`SupervisedContrastive`, `BatchAllTriplet`, `PairwiseCosine`,
            `MetricLearning`, ...), or any module from `(embeddings, labels)` to a scalar. A `GLoss` whose layer works
            on a base prediction (`CorrectAndSmooth`) gets the softmax of the logits, detached. `None` for none: then
            `lambda` is 0.
        weight: `lambda`, from 0 to 1 (the paper's best: 0.7 to 0.9).
        classification_loss: A loss of ours, such as `FocalLoss()`; or from `(logits, labels)` to a scalar, for instance
            `torch.nn.CrossEntropyLoss()`. By default `ClassificationLoss()`, which stays finite without labels.
        unlabelled_loss: Over the unlabelled documents, `AgreementLoss()` or `SelfTraining()`; its strength `s` rises
            with the training steps. By default there is none.

    Shapes: `forward(embeddings [N, d], logits [N, C], labels [N]) -> scalar`.

    Raises:
        ConfigError: for a weight outside [0, 1], a loss that cannot be called, or nothing beside the classification.
        DataError: for labels that are no integers, labels or logits that are not one for each document, or anything
            that is no tensor; see also the two losses.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853, the total loss.

    Example:
        >>> from gloss_pyg.graph import DenseGaussian
        >>> from gloss_pyg.losses import GLoss
        >>> loss = HybridLoss(GLoss(DenseGaussian(sigma=0.5)), weight=0.5)
        >>> embeddings, labels = torch.eye(4, 2), torch.tensor([0, 1, 0, 1])
        >>> sorted(loss.parts(embeddings, torch.zeros(4, 2), labels))
        ['classification_loss', 'graph_loss']
    """

    def __init__(
        self,
        graph_loss: nn.Module | None = None,
        weight: float = 0.7,
        classification_loss: Callable[[Tensor, Tensor], Tensor] | TrainingLoss | None = None,
        unlabelled_loss: UnlabelledLoss | None = None,
    ) -> None:
        super().__init__()
        if graph_loss is None and unlabelled_loss is None:
            raise ConfigError(
                "HybridLoss has neither a graph_loss nor an unlabelled_loss; give one, such as GLoss(), or take "
                "ClassificationLoss() alone."
            )
        if unlabelled_loss is not None and not isinstance(unlabelled_loss, UnlabelledLoss):
            raise ConfigError(f"unlabelled_loss={unlabelled_loss!r}; expected a loss such as AgreementLoss().")
        if not is_number(weight) or not 0 <= weight <= 1:
            raise ConfigError(f"weight={weight!r}: expected the graph loss's share of the total, from 0 to 1.")
        check_part(graph_loss, "graph_loss", "a loss, such as GLoss(DenseGaussian(sigma=0.5))")
        check_part(classification_loss, "classification_loss", "a loss, such as ClassificationLoss()")
        self.graph_loss = graph_loss
        self.weight = weight
        self.classification_loss = ClassificationLoss() if classification_loss is None else classification_loss
        self.unlabelled_loss = unlabelled_loss

    def parts(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> dict[str, Tensor]:
        """The losses by name, not yet weighted: `graph_loss`, `classification_loss`, `unlabelled_loss`."""
        ids = class_ids(labels, embeddings)
        check_rows(logits, ids)
        if isinstance(self.classification_loss, TrainingLoss):
            classification = self.classification_loss(embeddings, logits, ids)
        else:
            classification = self.classification_loss(logits, torch.where(ids >= 0, ids, -100))
        graph = {} if self.graph_loss is None else {"graph_loss": self._graph_loss(embeddings, logits, ids)}
        parts = graph | {"classification_loss": classification}
        if self.unlabelled_loss is None:
            return parts
        return parts | {"unlabelled_loss": self.unlabelled_loss(embeddings, logits, ids)}

    def _graph_loss(self, embeddings: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        assert self.graph_loss is not None
        loss: Tensor
        if isinstance(self.graph_loss, GLoss) and self.graph_loss.needs_base:
            # Detached: the classifier is trained by its own loss, not to make errors that correct others.
            wide = logits.detach() if logits.dtype == torch.float64 else logits.detach().float()
            loss = self.graph_loss(embeddings, labels, base=wide.softmax(dim=1))
        else:
            loss = self.graph_loss(embeddings, labels)
        return loss

    def weighted(self, parts: dict[str, Tensor]) -> dict[str, Tensor]:
        """The parts as the class's formula adds them up."""
        share = 0.0 if self.graph_loss is None else self.weight
        shares: dict[str, float] = {"graph_loss": share, "classification_loss": 1 - share}
        if self.unlabelled_loss is not None:
            shares["unlabelled_loss"] = self.unlabelled_loss.strength
        return {name: shares[name] * part for name, part in parts.items()}

    def total(self, parts: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The sum of the class's formula."""
        return reduce(torch.add, self.weighted(parts).values())
