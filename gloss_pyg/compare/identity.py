"""The digest of everything that determines a cell's result, so that no other result is ever taken for it.

It covers the method's arguments with all defaults, those that its parts fill in themselves included; the code of its
classes (the version of an installed package, the source where it is not installed from a release); the documents;
the seed; and the version of gloss_pyg. Where documents lie and what things are called does not enter. A local model's
path does, as it was written, beside the content of its files: a folder that was moved is another model.
"""

import dataclasses
import pydoc
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.splits import data_seed
from gloss_pyg.description import describe
from gloss_pyg.methods import Method


def cell_settings(
    method: Method, arguments: Mapping[str, Any], spec: DataSpec, content: str, seed: int
) -> dict[str, Any]:
    """Everything that determines the result of a cell, as plain values.

    Args:
        method: The method, freshly made from `arguments`.
        arguments: Its `class_path` and `init_args` as configured.
        spec: The data set.
        content: Digest of its documents.
        seed: Seed of the cell.
    """
    data = dataclasses.asdict(spec) | {"seed": data_seed(spec, seed)}
    for place in ("name_or_path", "data_dir", "text_column", "label_column"):
        del data[place]
    given, resolved = _canonical(arguments), describe(method)
    for name in method.elsewhere:
        given.get("init_args", {}).pop(name, None)
        resolved["arguments"].pop(name, None)
    return {
        "method": given,
        "resolved": resolved,
        "data": data,
        "content": content,
        "seed": seed,
        "gloss_pyg": version("gloss-pyg"),
    }


def _canonical(value: object) -> Any:
    """Arguments with each class under its own module, whichever of its import paths was written."""
    if isinstance(value, Mapping):
        plain = {str(key): _canonical(entry) for key, entry in value.items()}
        if isinstance(path := plain.get("class_path"), str) and isinstance(found := pydoc.locate(path), type):
            plain["class_path"] = f"{found.__module__}.{found.__qualname__}"
        return plain
    return [_canonical(entry) for entry in value] if isinstance(value, list | tuple) else value
