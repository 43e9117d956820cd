"""The folder that `python -m gloss_pyg.train` saves a model in: there whole or not at all, and nothing lost for it."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gloss_pyg.errors import ConfigError
from gloss_pyg.files import usual_mode

RECORD_FILE = "training.json"


def check_output(output: Path, *, overwrite: bool) -> None:
    """Refuse a folder in which something would be lost.

    Raises:
        ConfigError: if it cannot be made; if it is a file, is not empty and `overwrite` is not set, or is set for what
            is no saved model.
    """
    if output.exists() and not output.is_dir():
        raise ConfigError(f"--output {output} is a file; give the name of a new folder.")
    if output == Path.cwd() or output.is_mount():
        raise ConfigError(f"--output {output} cannot be put in place as a whole; give the name of a folder within it.")
    there = output.parent
    while not there.exists():
        there = there.parent
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        reason = "is not open for writing" if there.is_dir() else "is a file"
        raise ConfigError(f"--output {output} cannot be made: {there} {reason}; give another folder.")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if not overwrite:
        raise ConfigError(f"--output {output} is not empty; give another folder, or --overwrite to replace the model.")
    if not (output / RECORD_FILE).is_file():
        raise ConfigError(
            f"--output {output} holds no model of this command (no {RECORD_FILE}), so --overwrite will not delete it; "
            f"give another folder."
        )


# What a saved model consists of: nothing that would be run or unpickled.
_PARTS = ["*.json", "*.safetensors", "*.txt", "*.model"]
_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+")


def find_model(name: str) -> Path:
    """The folder of a saved model: a local one, else that of the Hugging Face Hub by this name, downloaded once.

    Raises:
        ConfigError: if it is neither, or the Hub cannot be reached.
    """
    folder = Path(name)
    if folder.exists() or not _HUB_NAME.fullmatch(name):
        return folder
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=_PARTS))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"There is no folder {name}, and no such model could be had from the Hugging Face Hub: {reason:.200}"
        ) from error


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """A folder beside `output` that takes its place when the block ends well, and goes when it does not."""
    parent = output.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=parent))
    try:
        yield scratch / "new"
        for file in scratch.rglob("*.safetensors"):
            file.chmod(usual_mode())
        try:
            if output.exists():
                output.replace(scratch / "old")
            (scratch / "new").replace(output)
        except OSError as error:
            kept = Path(tempfile.mkdtemp(prefix=f"{output.name}-", dir=parent)) / "model"
            (scratch / "new").replace(kept)
            raise ConfigError(
                f"--output {output} cannot be put in place ({error}); the model lies in {kept}."
            ) from error
    finally:
        if (scratch / "old").exists() and not output.exists():
            (scratch / "old").replace(output)
        shutil.rmtree(scratch, ignore_errors=True)
