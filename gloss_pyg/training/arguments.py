"""`TrainingArguments` with our defaults."""

from pathlib import Path
from typing import Any, Literal

import torch
from transformers import TrainingArguments

Precision = Literal["float32", "bf16", "fp16"]


def training_arguments(
    folder: Path | str,
    *,
    batch_size: int = 64,
    learning_rate: float = 5e-5,
    max_epochs: int | float = 20,
    max_steps: int | None = None,
    evaluate_every: int | None = None,
    seed: int = 0,
    precision: Precision = "float32",
    **others: Any,
) -> TrainingArguments:
    """Arguments for `GraphTrainer` or the stock Trainer, as our commands use them.

    Quiet; a constant learning rate (the stock default falls to zero over the planned epochs, which early stopping
    never reaches); validation each epoch or every few steps; no checkpoints; all columns of the batch kept.

    Args:
        folder: Where the Trainer may write; nothing is written without checkpoints.
        batch_size: Documents a step on each device.
        learning_rate: Of Adam.
        max_epochs: Passes over the training documents, at most.
        max_steps: Optimiser steps, at most; takes the place of `max_epochs`.
        evaluate_every: Steps between validations; by default one each epoch.
        seed: Of everything random.
        precision: Of the encoder; graph and propagation are always computed in float32.
        others: Any argument of `transformers.TrainingArguments`; wins over ours.

    Raises:
        ValueError: from transformers, for arguments that contradict each other.

    Example:
        >>> arguments = training_arguments("results", learning_rate=1e-4, weight_decay=0.01)
        >>> arguments.learning_rate, arguments.weight_decay, str(arguments.save_strategy.value)
        (0.0001, 0.01, 'no')
    """
    settings: dict[str, Any] = {
        "output_dir": str(folder),
        "per_device_train_batch_size": batch_size,
        "per_device_eval_batch_size": 2 * batch_size,
        "learning_rate": learning_rate,
        "lr_scheduler_type": "constant",
        "num_train_epochs": max_epochs,
        "max_steps": -1 if max_steps is None else max_steps,
        "eval_strategy": "epoch" if evaluate_every is None else "steps",
        "eval_steps": evaluate_every,
        "logging_strategy": "epoch" if evaluate_every is None else "steps",
        "logging_steps": evaluate_every or 500,
        "save_strategy": "no",
        "seed": seed,
        "data_seed": seed,
        "bf16": precision == "bf16",
        "fp16": precision == "fp16",
        "disable_tqdm": True,
        "report_to": "none",
        "dataloader_pin_memory": torch.cuda.is_available(),  # elsewhere it only warns
        "remove_unused_columns": False,
        "label_names": ["labels"],
    }
    return TrainingArguments(**(settings | others))
