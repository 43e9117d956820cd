"""A linear classifier on frozen embeddings, as the published standalone pipeline fits it."""

import copy
import logging
import warnings
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.methods.checks import check_count, check_rate

progress = logging.getLogger("gloss_pyg.progress")


@final
class LinearHead:
    """Fit a linear classifier by cross-entropy: Adam over all training documents at once, stopped by validation.

    What stops it is the cross-entropy of the validation documents, since at these small steps a share of right ones
    stands still for longer than any patience. The parameters with the lowest one are kept.

    Args:
        learning_rate: Of Adam (the paper: 1e-4).
        max_steps: Steps at most. At the published rate MiniLM's embeddings of 100 documents took 13,600.
        patience: Steps without a lower validation loss after which it stops (the paper: 10).

    A validation loss that rises from the first step on leaves the random start in place; a warning says so.

    Raises:
        ConfigError: for numbers out of range.

    Example:
        >>> torch.manual_seed(0)
        <torch._C.Generator object at ...>
        >>> rows, labels = torch.tensor([[5.0, 0.0], [0.0, 5.0]]), torch.tensor([0, 1])
        >>> classifier = nn.Linear(2, 2)
        >>> steps = LinearHead(learning_rate=0.1, max_steps=50).fit(classifier, (rows, labels), (rows, labels))
        >>> classifier(rows).argmax(dim=1).tolist(), steps
        ([0, 1], 50)
    """

    def __init__(self, learning_rate: float = 1e-4, max_steps: int = 30_000, patience: int = 10) -> None:
        check_rate(type(self).__name__, learning_rate, 1e-4)
        for name, value in (("max_steps", max_steps), ("patience", patience)):
            check_count(type(self).__name__, name, value)
        self.learning_rate = learning_rate
        self.max_steps = max_steps
        self.patience = patience

    def fit(
        self,
        classifier: nn.Linear,
        train: tuple[Tensor, Tensor],
        validation: tuple[Tensor, Tensor],
        class_weights: Tensor | None = None,
    ) -> int:
        """Train a classifier in place, from the parameters that it has.

        Args:
            classifier: From embeddings to logits.
            train: Embeddings `[n, d]` and class ids `[n]`; documents with a negative one are left out.
            validation: The same.
            class_weights: A weight for each class in both cross-entropies; all 1 by default.

        Returns:
            The steps that were run.
        """
        device = classifier.weight.device
        (rows, labels), (held_out, expected) = (_labelled(*split, device) for split in (train, validation))
        weights = None if class_weights is None else class_weights.to(device)
        optimizer = torch.optim.Adam(classifier.parameters(), lr=self.learning_rate)
        best, best_step, step = copy.deepcopy(classifier.state_dict()), 0, 0
        with torch.no_grad():
            lowest = float(F.cross_entropy(classifier(held_out), expected, weights))
        for step in range(1, self.max_steps + 1):
            optimizer.zero_grad()
            F.cross_entropy(classifier(rows), labels, weights).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            with torch.no_grad():
                loss = float(F.cross_entropy(classifier(held_out), expected, weights))
            if loss < lowest:
                best, best_step, lowest = copy.deepcopy(classifier.state_dict()), step, loss
            elif step - best_step >= self.patience:
                break
        classifier.load_state_dict(best)
        progress.info(
            "linear classifier: validation loss %.3f at step %d of %d%s",
            lowest,
            best_step,
            step,
            "" if step < self.max_steps else ", the limit",
        )
        if best_step == 0:
            warnings.warn(
                f"The linear classifier is the random one that it began as: its validation loss, {lowest:.3f}, did not "
                f"fall within {step} steps. Either the embeddings say nothing of the classes (see the silhouette), or "
                "the classifier's patience or its learning rate is too small.",
                NumericalWarning,
                stacklevel=2,
            )
        return step


def _labelled(rows: Tensor, labels: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    return rows[labels >= 0].to(device), labels[labels >= 0].to(device)
