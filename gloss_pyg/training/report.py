"""The parts of the loss in the Trainer's own logs, and a warning when the graph loss has nothing to learn from."""

import logging
import math
import warnings
from typing import Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.losses import GLoss
from gloss_pyg.training.loss_function import LossFunction

progress = logging.getLogger("gloss_pyg.progress")

# Below this share of usable batches, seen over at least so many, the graph loss hardly trains anything.
FEW_USABLE, BATCHES_BEFORE_WARNING = 0.5, 20


class LossReport(TrainerCallback):
    """Adds to each training log: every part of the loss, and how the graph loss fares.

    `graph_loss`, `classification_loss`: means since the last log, not weighted. `hidden_accuracy` beside `chance`: the
    share of hidden documents whose class propagation got right, and what guessing would reach. `usable_batches`: the
    share of batches with a hidden document that a seed of its class can reach; the others gave a zero graph loss.

    Use `LossReport.attach(trainer, loss_function)`: it puts the callback before the trackers, so that TensorBoard and
    others see the added values too. Given in `callbacks=[...]` it comes after them, and only the console sees them.
    The same values go in one line to the logger `gloss_pyg.progress`, which the commands show. In several processes the values are those of the first one's batches.

    Example:
        >>> from gloss_pyg import ClassificationLoss, TextEncoder, trainer_loss
        >>> from gloss_pyg.training import training_arguments
        >>> model = TextEncoder.from_encoder("random-tiny", ["good", "bad"])
        >>> loss_function = trainer_loss(ClassificationLoss(), model)
        >>> arguments = training_arguments("results", eval_strategy="no")
        >>> trainer = Trainer(model, arguments, compute_loss_func=loss_function)
        >>> report = LossReport.attach(trainer, loss_function)
        >>> trainer.callback_handler.callbacks[0] is report
        True
    """

    def __init__(self, loss_function: LossFunction) -> None:
        self.loss_function = loss_function
        self._graph_losses = [module for module in loss_function.loss.modules() if isinstance(module, GLoss)]
        self._batches = self._usable = 0.0
        self._warned = False

    @classmethod
    def attach(cls, trainer: Trainer, loss_function: LossFunction) -> "LossReport":
        """Add a report to a trainer, before its other callbacks."""
        report = cls(loss_function)
        trainer.callback_handler.callbacks.insert(0, report)
        return report

    def on_log(
        self,
        args: TrainingArguments,  # noqa: ARG002 - the Trainer's signature
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        logs: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Called by the Trainer with what it is about to log."""
        if logs is None or "loss" not in logs:
            return  # an evaluation's log, or the summary at the end
        found = self.loss_function.means()
        self.loss_function.reset()
        for graph_loss in self._graph_losses:
            summary = graph_loss.statistics.summary()
            graph_loss.statistics.reset()
            found |= {name: summary[name] for name in ("hidden_accuracy", "chance", "usable_batches")}
            self._warn(summary)
        found = {name: value for name, value in found.items() if not math.isnan(value)}
        logs.update(found)
        if state.log_history and "loss" in state.log_history[-1]:
            state.log_history[-1].update(found)
        if found:
            values = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in found.items())
            progress.info("step %d: %s", state.global_step, values)

    def _warn(self, summary: dict[str, float]) -> None:
        if not summary["batches"]:
            return
        self._batches += summary["batches"]
        self._usable += summary["batches"] * summary["usable_batches"]
        share = self._usable / self._batches
        if not self._warned and self._batches >= BATCHES_BEFORE_WARNING and share < FEW_USABLE:
            self._warned = True
            warnings.warn(
                f"Only {share:.0%} of {self._batches:.0f} batches could be used by the graph loss: in the others no "
                "hidden document had a seed of its class in reach. Use larger batches or a class-balanced sampler "
                "(gloss_pyg.data.ClassBalancedSampler).",
                NumericalWarning,
                stacklevel=2,
            )
