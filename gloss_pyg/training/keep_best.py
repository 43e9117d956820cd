"""Early stopping on a validation score, with the best parameters kept in memory."""

import json
import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import IntervalStrategy

from gloss_pyg.training.watching import tell_validation

progress = logging.getLogger("gloss_pyg.progress")

_SCORES, _WEIGHTS = "keep_best.json", "keep_best.safetensors"


class KeepBest(TrainerCallback):
    """Stop when the validation score no longer rises, and go back to the parameters that gave the best one.

    The stock way writes a checkpoint at each validation and reads the best one back; for encoders of 100 MB and
    validations every few steps that takes longer than the steps. Here the best parameters stay in memory, and one
    line of progress is logged at each validation (logger `gloss_pyg.progress`). Where checkpoints are written all the
    same, they also say what was best so far, so that a resumed run ends as an uninterrupted one does.

    Args:
        patience: Validations without a rise after which training stops.
        metric: Name of the score, larger is better.
        min_delta: What the score must rise by for patience to start anew; the best parameters are the best by any rise.

    Attributes:
        best_score: The best score, NaN before the first validation.
        best_step: The step that gave it.
        patience_is_up: Whether that many validations without a rise have ended the training.
        steps: Optimiser steps that were run.
        epochs: Passes over the training documents, a part of one too.
        history: A row each validation: `step`, `seconds` since training began, `metric`, and `macro_f1` and `accuracy`
            where they were computed.
        step_seconds: Time spent in optimiser steps, validations not included.

    Requires of the Trainer: `compute_metrics=gloss_pyg.metrics.compute_metrics`, or one's own with `metric`; validation
    each epoch or every few steps.

    Example:
        >>> keep = KeepBest(patience=3)
        >>> # Trainer(model, arguments, compute_metrics=compute_metrics, callbacks=[keep], ...).train()
        >>> keep.best_step, keep.history
        (0, [])
    """

    def __init__(self, patience: int, metric: str = "macro_f1", min_delta: float = 0.0) -> None:
        self.patience = patience
        self.metric = metric
        self.min_delta = min_delta
        self._start = self._step_start = 0.0
        self._forget()

    def _forget(self) -> None:
        self.best_score = float("nan")
        self.best_step = 0
        self.patience_is_up = self._is_over = False
        self.steps, self.epochs = 0, 0.0
        self.history: list[dict[str, float]] = []
        self.step_seconds = 0.0
        self._best: dict[str, Tensor] = {}

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        model: torch.nn.Module | None = None,
        **_: Any,
    ) -> None:
        """Start the clock; in a resumed run, remember what the checkpoint knows."""
        self._forget()
        seconds = 0.0
        if state.global_step and model is not None:
            seconds = self._read(_checkpoint(args, state), model)
            self.steps, self.epochs = state.global_step, float(state.epoch or 0)
            self.patience_is_up = self._is_patience_up() and not _is_extra(args, state)
            if self.patience_is_up or state.global_step >= state.max_steps:
                # The checkpoint is the last one. The Trainer takes a step before it looks; that one does not count.
                self._is_over = control.should_training_stop = True
                self._best = self._best or _copy(model)
        self._start = time.perf_counter() - seconds

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        """Start a step's clock."""
        self._step_start = time.perf_counter()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        """Add a step's time."""
        if self._is_over:
            return
        self.steps, self.epochs = state.global_step, float(state.epoch or 0)
        self.step_seconds += time.perf_counter() - self._step_start

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        model: torch.nn.Module | None = None,
        **_: Any,
    ) -> None:
        """Compare, remember, and ask for the end where patience is up."""
        if metrics is None or model is None or self._is_over:
            return
        score = metrics[f"eval_{self.metric}"]
        row = {"step": float(state.global_step), "seconds": time.perf_counter() - self._start}
        names = dict.fromkeys(("macro_f1", "accuracy", self.metric))
        self.history.append(row | {name: metrics[f"eval_{name}"] for name in names if f"eval_{name}" in metrics})
        progress.info(
            "step %d of at most %d, validation %s %.3f (best %.3f)",
            state.global_step,
            state.max_steps,
            {"macro_f1": "macro-F1"}.get(self.metric, self.metric.replace("_", " ")),
            score,
            score if math.isnan(self.best_score) else max(score, self.best_score),
        )
        if not self._best or math.isnan(self.best_score) or score > self.best_score:
            self.best_score, self.best_step = score, state.global_step
            self._best = _copy(model)
        if self._is_patience_up():
            control.should_training_stop = True
            self.patience_is_up = not _is_extra(args, state)
        tell_validation(state.global_step, score)

    def _is_patience_up(self) -> bool:
        """Whether the score has not risen by more than `min_delta` for so long; small rises add up."""
        waited, mark = 0, float("nan")
        for row in self.history:
            waited += 1
            if math.isnan(mark) or row[self.metric] > mark + self.min_delta:
                waited, mark = 0, row[self.metric]
        return waited >= self.patience

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        """Put into the checkpoint what a resumed run must know: the scores so far, and the best parameters."""
        folder = _checkpoint(args, state)
        if self._is_over or not state.is_world_process_zero or not folder.is_dir():
            return
        if self.best_step != state.global_step:  # else they are the checkpoint's own
            save_file(self._best, folder / f"{_WEIGHTS}.tmp")
            (folder / f"{_WEIGHTS}.tmp").replace(folder / _WEIGHTS)
        kept = {name: getattr(self, name) for name in ("best_score", "best_step", "history", "step_seconds")}
        kept["seconds"] = time.perf_counter() - self._start
        (folder / f"{_SCORES}.tmp").write_text(json.dumps(kept), encoding="utf-8")
        (folder / f"{_SCORES}.tmp").replace(folder / _SCORES)

    def _read(self, folder: Path, model: torch.nn.Module) -> float:
        """Take up what `on_save` wrote; the seconds that were spent before."""
        if not (folder / _SCORES).is_file():
            progress.info("%s does not say which step was best so far; only the steps from here on count", folder)
            return 0.0
        kept = json.loads((folder / _SCORES).read_text(encoding="utf-8"))
        self.best_score, self.best_step = kept["best_score"], kept["best_step"]
        self.history, self.step_seconds = kept["history"], kept["step_seconds"]
        if self.history:
            self._best = load_file(folder / _WEIGHTS) if (folder / _WEIGHTS).is_file() else _copy(model)
        return float(kept["seconds"])

    def on_train_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,  # noqa: ARG002
        control: TrainerControl,  # noqa: ARG002
        model: torch.nn.Module | None = None,
        **_: Any,
    ) -> None:
        """Go back to the best parameters."""
        if model is not None and self._best:
            model.load_state_dict(self._best)


def is_whole_checkpoint(folder: Path) -> bool:
    """Whether a checkpoint was written to its end: what `KeepBest` writes comes last.

    Example:
        >>> is_whole_checkpoint(Path("no/such/checkpoint-10"))
        False
    """
    return (folder / "trainer_state.json").is_file() and (folder / _SCORES).is_file()


def _copy(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in model.state_dict().items()}


def _is_extra(args: TrainingArguments, state: TrainerState) -> bool:
    """Whether the last validation is one that the Trainer adds at its limit of steps, which a higher limit has not.

    Patience that ends with it was not up: the limit ended the training.
    """
    if not state.max_steps or state.global_step < state.max_steps:
        return False
    if args.eval_strategy == IntervalStrategy.STEPS:
        return state.global_step % int(args.eval_steps or 1) != 0
    epoch = float(state.epoch or 0)
    return abs(epoch - round(epoch)) > 1e-6


def _checkpoint(args: TrainingArguments, state: TrainerState) -> Path:
    """Where the Trainer writes the checkpoint of this step, and reads it from when it resumes."""
    return Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
