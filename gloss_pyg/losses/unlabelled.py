"""What unlabelled documents add to a loss: the classifier is to agree with what is inferred for them."""

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal, final

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Sized
from gloss_pyg.losses.checks import check_logits, check_positive, class_ids
from gloss_pyg.losses.targets import sharpen, to_shares

ClassShares = Literal["labels", "uniform", "any"] | Sequence[float]


class UnlabelledLoss(nn.Module, Sized):
    r"""Base of the losses over a batch's unlabelled documents.

    .. math:: L_U = -\frac{1}{|V|} \sum_{i \in V} \sum_c q_{ic} \log \mathrm{softmax}(z_i)_c

    over the unlabelled documents `V` for which the subclass's `targets` say something; `q` are these targets, brought
    to the `class_shares`, then raised to the power `sharpness`. No gradient flows into them. `HybridLoss` adds
    `strength * L_U`, where the strength rises from 0 to `weight` in the course of training (`strength`), since early
    targets are poor.

    Args:
        weight: What the strength rises to.
        start: Training steps (batches) before it rises.
        rise: Steps in which it rises.
        sharpness: Power of the targets; 1 leaves them as they are.
        class_shares: Which shares of the classes the targets of a batch must have: `"labels"` those of the training
            documents that have a label (where these were drawn at random), `"uniform"`, `"any"` whatever comes (where
            labelled documents were chosen evenly and classes are not even), or a number for each class.

    Requires: `fit_labels` with the training labels, once before training (`FineTuning` does; in a script of your own
    `loss.fit_labels(labels)`).

    Raises:
        ConfigError: for numbers out of range; on use, where `fit_labels` was not called.
        DataError: on use, for embeddings, logits and labels that do not fit each other.
    """

    shares: Tensor
    steps: Tensor

    def __init__(
        self,
        weight: float = 0.5,
        start: int = 5,
        rise: int = 10,
        sharpness: float = 3.0,
        class_shares: ClassShares = "labels",
    ) -> None:
        super().__init__()
        name = type(self).__name__
        check_positive(self, "weight", weight)
        check_positive(self, "sharpness", sharpness)
        for argument, value in (("start", start), ("rise", rise)):
            if not isinstance(value, int) or isinstance(value, bool) or value < 0:
                raise ConfigError(f"{name}: {argument}={value!r}, expected a number of steps, at least 0.")
        self.weight, self.start, self.rise, self.sharpness = weight, start, rise, sharpness
        self.class_shares = class_shares
        self._given_shares = _checked_shares(name, class_shares)
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))
        self.register_buffer("shares", torch.zeros(0, dtype=torch.float64), persistent=False)

    @abstractmethod
    def targets(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> Float[Tensor, "documents classes"]:
        """Class probabilities inferred for each document, without gradient; a row is 0 where nothing can be said."""

    def set_sizes(self, dim: int, num_classes: int) -> None:  # noqa: ARG002 - of classes alone
        """See `Sized.set_sizes`: refuse shares of another number of classes."""
        if self._given_shares is not None and len(self._given_shares) != num_classes:
            raise ConfigError(
                f"{type(self).__name__}: class_shares has {len(self._given_shares)} numbers, but there are "
                f"{num_classes} classes."
            )

    def fit_labels(self, labels: Sequence[int] | NDArray[np.int64] | Tensor, num_classes: int | None = None) -> None:
        """Learn from the labels of the training documents which shares classes have.

        Args:
            labels: Class ids, `[n]`, negative for documents without one.
            num_classes: Number of classes; by default one more than the largest label.

        Raises:
            DataError: where no document has a label.
        """
        ids = np.asarray(labels)
        if not (ids >= 0).any():
            raise DataError(f"{type(self).__name__}: none of {len(ids)} training documents has a label.")
        counts = np.bincount(ids[ids >= 0], minlength=num_classes or 0)
        self.shares = torch.as_tensor(counts / counts.sum(), dtype=torch.float64, device=self.shares.device)

    @property
    def strength(self) -> float:
        """What the loss of the last step is multiplied by: 0 for `start` steps, then rising to `weight`."""
        after = int(self.steps) - self.start
        return self.weight * (min(max(after / self.rise, 0.0), 1.0) if self.rise else float(after > 0))

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> Float[Tensor, ""]:
        """`L_U` of the batch; a zero with a gradient path where there is nothing to agree with."""
        ids = class_ids(labels, embeddings)
        check_logits(logits, ids, None)
        self.set_sizes(embeddings.size(1), logits.size(1))
        wide = logits if logits.dtype == torch.float64 else logits.float()
        if self.training:
            self.steps += 1
        with torch.no_grad():
            found = self.targets(embeddings.detach(), wide.detach(), ids).to(wide.dtype)
            chosen = (ids < 0) & (found.sum(dim=1) > 0)
            wanted = found[chosen]
            shares = self._wanted_shares(wanted)
            if shares is not None and wanted.numel():
                wanted = to_shares(wanted, shares)
            wanted = sharpen(wanted, self.sharpness)
        if not wanted.numel():
            return wide.mul(0).sum()
        return F.cross_entropy(wide[chosen], wanted)

    def _wanted_shares(self, rows: Tensor) -> Tensor | None:
        """The shares that targets must have, `None` for any."""
        classes = rows.size(1)
        if self._given_shares is not None:
            return rows.new_tensor(self._given_shares)
        if self.class_shares == "uniform":
            return rows.new_full((classes,), 1 / classes)
        if self.class_shares == "any":
            return None
        if not self.shares.numel():
            raise ConfigError(
                f'{type(self).__name__}: class_shares="labels" needs the training labels: call fit_labels(labels) once '
                "before training (FineTuning does), or give the shares."
            )
        shares = torch.zeros(classes, dtype=rows.dtype, device=rows.device)
        return shares.index_copy(0, torch.arange(self.shares.numel(), device=rows.device), self.shares.to(rows.dtype))


def _checked_shares(name: str, given: ClassShares) -> list[float] | None:
    """The numbers, divided by their sum, `None` for a rule."""
    if isinstance(given, str):
        if given not in ("labels", "uniform", "any"):
            raise ConfigError(f'{name}: class_shares={given!r}, expected "labels", "uniform", "any" or numbers.')
        return None
    shares = [float(share) for share in given]
    if not shares or not all(0 <= share < math.inf for share in shares) or not sum(shares) > 0:
        raise ConfigError(f"{name}: class_shares={given!r}, expected a finite number of at least 0 for each class.")
    return [share / sum(shares) for share in shares]
