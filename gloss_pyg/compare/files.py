"""Records as JSON, and files written so that nobody meets half of one."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from gloss_pyg.files import whole_file

Record = dict[str, Any]
"""A flat record, of a cell or of one of its validations: texts, numbers, truth values and `None`."""


def to_json(value: object, *, indent: int | None = 1) -> bytes:
    """JSON as strict readers take it: what is not a number (NaN, infinite) becomes null."""
    return (json.dumps(_finite(value), indent=indent, allow_nan=False) + "\n").encode()


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, np.generic):
        return _finite(value.item())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old content or the new, never a part."""
    with whole_file(path) as stream:
        stream.write(content)
