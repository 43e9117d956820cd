"""The parts of the loss, and how the graph loss fares, in the Trainer's own logs."""

import logging
import math
from typing import Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gloss_pyg.training.loss_function import LossFunction

progress = logging.getLogger("gloss_pyg.progress")


class LossReport(TrainerCallback):
    """Adds to each training log: every part of the loss, and how the graph loss fares.

    `graph_loss`, `classification_loss`: means since the last log, not weighted. `hidden_accuracy` beside `chance`: the
    share of hidden documents whose class propagation got right, and what guessing would reach. `usable_batches`: the
    share of batches with a hidden document that a seed of its class can reach; the others gave a zero graph loss.
    `uncounted`: the share of hidden documents that no seed of their class can reach. In several processes, all of the
    first one's batches.

    The loss function counts all this and warns by itself, but it has no way to the Trainer that calls it, so that a log
    takes a line more: `LossReport.attach(trainer, loss_function)`. It puts the callback before the trackers, so that
    TensorBoard and others see the added values too. Given in `callbacks=[...]` it comes after them, and only the
    console sees them. The same values go in one line to the logger `gloss_pyg.progress`, which the commands show.

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
        found = {name: value for name, value in self.loss_function.summary().items() if not math.isnan(value)}
        self.loss_function.reset()
        logs.update(found)
        if state.log_history and "loss" in state.log_history[-1]:
            state.log_history[-1].update(found)
        if found:
            values = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in found.items())
            progress.info("step %d: %s", state.global_step, values)
