"""`TrainingArguments` with our defaults."""

from pathlib import Path
from typing import Any, Literal

import torch
from transformers import TrainingArguments
from transformers.utils import is_torch_bf16_gpu_available

from gloss_pyg.errors import ConfigError

Precision = Literal["float32", "bf16", "fp16"]


def check_precision(precision: Precision) -> None:
    """Refuse a precision that the device which training would use does not have; quick, nothing is loaded.

    On a CPU, bf16 works (and saves no time on most), fp16 does not: its gradients would have to be scaled, which torch
    does on accelerators.

    Raises:
        ConfigError: with a precision that it has.

    Example:
        >>> check_precision("float32")
    """
    if not torch.accelerator.is_available():
        if precision == "fp16":
            raise ConfigError(
                "precision='fp16': there is no accelerator, and on a CPU fp16 cannot be trained in. Take 'float32'."
            )
    elif precision == "bf16" and not _has_bf16():
        raise ConfigError("precision='bf16': this accelerator does not have it. Take 'fp16' or 'float32'.")


def _has_bf16() -> bool:
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(is_torch_bf16_gpu_available())


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
        ConfigError: for a precision that the device does not have.
        ValueError: from transformers, for arguments that contradict each other.

    Example:
        >>> arguments = training_arguments("results", learning_rate=1e-4, weight_decay=0.01)
        >>> arguments.learning_rate, arguments.weight_decay, str(arguments.save_strategy.value)
        (0.0001, 0.01, 'no')
    """
    check_precision(precision)
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
        # Without an accelerator the Trainer takes bf16 for a mistake unless it is told that a CPU is meant.
        "use_cpu": precision == "bf16" and not torch.accelerator.is_available(),
        "disable_tqdm": True,
        "report_to": "none",
        "dataloader_pin_memory": torch.cuda.is_available(),  # elsewhere it only warns
        "remove_unused_columns": False,
        "label_names": ["labels"],
    }
    return TrainingArguments(**(settings | others))
