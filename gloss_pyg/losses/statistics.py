"""Running counts that say whether a graph loss has anything to learn from."""

import torch
from torch import Tensor

# Batches that wait to be counted together: counting each at once would cost a tenth of a small batch's loss.
BATCHES_WAITING = 64


class BatchStatistics:
    """Sums over batches since the last `reset`; read as shares by `summary`.

    Batches are kept as they come, a few integers a document, and counted together now and then, on their device.

    Example:
        >>> statistics = BatchStatistics()
        >>> labels, seen = torch.tensor([0, 1, 0, 1]), torch.tensor([True, True, False, False])
        >>> statistics.add(torch.tensor([0, 1, 0, 0]), labels, seen, ~seen, ~seen)
        >>> statistics.summary()["hidden_accuracy"]
        0.5
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start counting afresh."""
        self._waiting: list[tuple[Tensor, ...]] = []
        self._sums = [0.0] * 6

    def add(self, predicted: Tensor, labels: Tensor, seen: Tensor, hidden: Tensor, counted: Tensor) -> None:
        """Count one batch of `N` documents.

        Args:
            predicted: Most probable class of each.
            labels: Class of each, negative where it has none.
            seen: Whether propagation saw the label.
            hidden: Whether it was hidden from it.
            counted: Whether it was hidden and a seed of the class can reach the document.
        """
        self._waiting.append((predicted, labels, seen, hidden, counted))
        if len(self._waiting) >= BATCHES_WAITING:
            self._count()

    def summary(self) -> dict[str, float]:
        """What was counted.

        Returns:
            `batches`: batches seen. `usable_batches`: share of them with at least one document that counts (one without
            gave a zero loss). `hidden`: hidden documents. `uncounted`: those that no seed of their class can reach.
            `hidden_accuracy`: share of the counting ones whose most probable class was their own. `chance`: what
            guessing by the seeds' class shares would reach. Shares of nothing are NaN.
        """
        self._count()
        batches, usable, hidden, counted, correct, chance = self._sums
        return {
            "batches": batches,
            "usable_batches": _share(usable, batches),
            "hidden": hidden,
            "uncounted": hidden - counted,
            "hidden_accuracy": _share(correct, counted),
            "chance": _share(chance, counted),
        }

    @torch.no_grad()
    def _count(self) -> None:
        if not self._waiting:
            return
        batches = len(self._waiting)
        predicted, labels, seen, hidden, counted = (torch.cat(parts) for parts in zip(*self._waiting, strict=True))
        sizes = torch.tensor([batch[0].size(0) for batch in self._waiting], device=labels.device)
        batch = torch.arange(batches, device=labels.device).repeat_interleave(sizes)
        classes = max(int(labels.max()) + 1, 1) if labels.numel() else 1
        cell = batch * classes + labels.clamp(min=0)
        seeds = torch.bincount(cell[seen], minlength=batches * classes).view(batches, classes).double()
        targets = torch.bincount(cell[counted], minlength=batches * classes).view(batches, classes).double()
        chance = (targets * seeds / seeds.sum(dim=1, keepdim=True).clamp(min=1)).sum()
        usable = (targets.sum(dim=1) > 0).sum()
        correct = ((predicted == labels) & counted).sum()
        found = torch.stack([usable.double(), hidden.sum().double(), targets.sum(), correct.double(), chance])
        self._sums = [old + new for old, new in zip(self._sums, [float(batches), *found.tolist()], strict=True)]
        self._waiting = []


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")
