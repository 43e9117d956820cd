"""Whether the graph losses of a training have anything to learn from, and a warning when they have not."""

import warnings

from torch import nn

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.losses import GLoss

# Below this share of usable batches, seen over at least so many, the graph loss hardly trains anything.
FEW_USABLE, BATCHES_BEFORE_WARNING = 0.5, 20


class UsableBatches:
    """What the graph losses inside a loss counted, and one warning when they could use few of their batches.

    In other libraries a loss that was zero in most batches went unnoticed for a year; so this is told to whoever
    trains, by a Python warning, without anything that would have to be asked for.

    Args:
        loss: Any loss; without a `GLoss` in it nothing happens.
    """

    def __init__(self, loss: nn.Module) -> None:
        self._graph_losses = [module for module in loss.modules() if isinstance(module, GLoss)]
        self._before = dict.fromkeys(self._graph_losses, (0.0, 0.0))  # the last reset
        self._batches = 0
        self._warned = False

    def batch(self) -> None:
        """Called after each training batch; looks now and then, since looking waits for the device."""
        self._batches += 1
        if self._batches % BATCHES_BEFORE_WARNING == 0 and not self._warned:
            for graph_loss in self._graph_losses:
                self._look(graph_loss)

    def summary(self) -> dict[str, float]:
        """What was counted since the last `reset`, for a log: see `LossReport`."""
        found: dict[str, float] = {}
        for graph_loss in self._graph_losses:
            counted = graph_loss.statistics.summary()
            found |= {name: counted[name] for name in ("hidden_accuracy", "chance", "usable_batches")}
            found["uncounted"] = counted["uncounted"] / counted["hidden"] if counted["hidden"] else float("nan")
        return found

    def reset(self) -> None:
        """Start the counts afresh; the warning goes on counting from the start of the training."""
        for graph_loss in self._graph_losses:
            self._before[graph_loss] = self._so_far(graph_loss)
            graph_loss.statistics.reset()

    def _so_far(self, graph_loss: GLoss) -> tuple[float, float]:
        """Batches, and those that could be used."""
        counted = graph_loss.statistics.summary()
        batches, usable = self._before[graph_loss]
        here = counted["batches"]
        return batches + here, usable + (here * counted["usable_batches"] if here else 0.0)

    def _look(self, graph_loss: GLoss) -> None:
        batches, usable = self._so_far(graph_loss)
        if self._warned or batches < BATCHES_BEFORE_WARNING or usable >= FEW_USABLE * batches:
            return
        self._warned = True
        warnings.warn(
            f"Only {usable / batches:.0%} of {batches:.0f} batches could be used by the graph loss: in the others no "
            "hidden document had a seed of its class in reach. Use larger batches or a class-balanced sampler "
            "(gloss_pyg.data.ClassBalancedSampler).",
            NumericalWarning,
            stacklevel=2,
        )
