"""Pictures for the trackers that a Trainer reports to, through the callbacks that it has for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from transformers import TrainerCallback


def send_picture(callbacks: Sequence[TrainerCallback], name: str, path: Path, step: int) -> bool:
    """Hand a picture to TensorBoard and Weights & Biases, where their callbacks are among these.

    Args:
        callbacks: Those of a Trainer.
        name: Under which it is shown.
        path: A PNG.
        step: Of the training.

    Returns:
        False where one of them has not begun to record yet, so that the picture is to be sent again later.
    """
    for callback in callbacks:
        if hasattr(callback, "tb_writer"):
            writer: Any = callback.tb_writer
            if writer is None:
                return False
            with Image.open(path) as picture:
                writer.add_image(name, np.asarray(picture.convert("RGB")), step, dataformats="HWC")
        wandb: Any = getattr(callback, "_wandb", None)
        if wandb is not None:
            if wandb.run is None:
                return False
            # Without a step of its own: the Trainer's logs count steps in train/global_step as well.
            wandb.log({name: wandb.Image(str(path)), "train/global_step": step})
    return True
