"""How a `TextEncoder` lies on disk: every weight once, and the bare encoder in a folder of its own.

    folder/config.json                     of the TextEncoder
           head.safetensors                classifier, and a loss that has parameters
           model.safetensors.index.json    which weight is in which file, as transformers writes it for sharded models
           body/config.json                of the bare encoder
                model.safetensors          its weights, under the names that a model with a head gives them

`body/` is what any `AutoModel.from_pretrained` reads. With the index the folder is a sharded checkpoint to
transformers, so `from_pretrained` and the Trainer's resuming read it by their own ways.
"""

import json
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from transformers import PreTrainedModel
from transformers.dynamic_module_utils import custom_object_save
from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME

HEAD_WEIGHTS_NAME = "head.safetensors"
BODY_FOLDER = "body"
# How texts were cut for the model; written by what trained it.
TEXT_SETTINGS = "method.json"


def write_index(folder: Path, head: Iterable[str], body: Iterable[str], size: int) -> None:
    """Make `folder`, with the head's weights in `model.safetensors` and the body's in `body/`, one checkpoint.

    Args:
        folder: Where both were written.
        head: Names of the weights of the head.
        body: Names of the weights of the body.
        size: Bytes of all weights.
    """
    (folder / SAFE_WEIGHTS_NAME).replace(folder / HEAD_WEIGHTS_NAME)
    body_index = folder / BODY_FOLDER / SAFE_WEIGHTS_INDEX_NAME
    if body_index.exists():  # transformers shards what is larger than 50 GB
        files: dict[str, str] = json.loads(body_index.read_text(encoding="utf-8"))["weight_map"]
    else:
        files = dict.fromkeys(body, SAFE_WEIGHTS_NAME)
    weight_map = {name: f"{BODY_FOLDER}/{file}" for name, file in files.items()}
    weight_map |= dict.fromkeys(head, HEAD_WEIGHTS_NAME)
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(weight_map.items()))}
    unfinished = folder / f"{SAFE_WEIGHTS_INDEX_NAME}.tmp"
    unfinished.write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
    for file in set(weight_map.values()):  # which safetensors makes the owner's alone, whatever the umask
        (folder / file).chmod(stat.S_IMODE(unfinished.stat().st_mode))
    os.replace(unfinished, folder / SAFE_WEIGHTS_INDEX_NAME)  # noqa: PTH105 - `os.replace` is what the project says


def save_body_config(body: PreTrainedModel, folder: Path) -> None:
    """Write the bare encoder's `config.json` (and its code, where it came with code of its own) beside its weights."""
    body.config.architectures = [type(body).__name__]
    body.config.dtype = body.dtype
    if body.is_remote_code():
        custom_object_save(body, folder, config=body.config)  # type: ignore[arg-type]
    body.config.save_pretrained(folder)
