"""Data sets in local files: one file, or a folder with a file (or numbered shards) for each split."""

import re
from collections.abc import Iterable
from pathlib import Path

from gloss_pyg.data.checks import Table
from gloss_pyg.data.rows import SUFFIXES, read_rows
from gloss_pyg.errors import DataError

SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing"),
}
"""Our names of the splits, and the names under which files and Hub data sets hold them."""

_SHARD = re.compile(r"(?P<split>.+?)-\d{5}-of-\d{5}")


def canonical_splits(names: Iterable[str], where: str) -> dict[str, str]:
    """Map our split names to the names that are there, in our order; others are left out.

    Raises:
        DataError: if two of them mean the same split, or none is the training split.

    Example:
        >>> canonical_splits(["test", "val", "train", "extra"], "the folder")
        {'train': 'train', 'validation': 'val', 'test': 'test'}
    """
    present = list(names)
    found = {}
    for split, aliases in SPLIT_NAMES.items():
        matches = [name for name in present if name.lower() in aliases]
        if len(matches) > 1:
            raise DataError(f"{where} has {' and '.join(matches)}, which both mean '{split}'; keep one of them.")
        if matches:
            found[split] = matches[0]
    if "train" not in found:
        listed = ", ".join(f"'{name}'" for name in sorted(present)[:10]) or "nothing that can be read"
        raise DataError(
            f"{where} has no training split; found {listed}. Expected train, val and test with one of the suffixes "
            f"{', '.join(SUFFIXES)}; val and test may be missing."
        )
    return found


def read_file(path: Path, text_column: str, label_column: str, kind: str | None = None) -> Table:
    """Read the two columns of one file; `kind` names the format where the suffix does not."""
    return _table([path], text_column, label_column, kind)


def read_folder(folder: Path, text_column: str, label_column: str) -> dict[str, Table]:
    """Read a folder with `train`, and maybe `validation` and `test`, in any of the formats of `SUFFIXES`.

    A split is one file (`train.csv`; see `SPLIT_NAMES` for other names) or numbered shards as the Hub writes them
    (`train-00000-of-00002.parquet`).

    Raises:
        DataError: if there is no training file, or a split is there in two formats or names.
    """
    shards: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in SUFFIXES and path.is_file():
            shard = _SHARD.fullmatch(path.stem)
            shards.setdefault(shard["split"] if shard else path.stem, []).append(path)
    tables = {}
    for split, name in canonical_splits(shards, str(folder)).items():
        paths = shards[name]
        if len(paths) > 1 and not all(_SHARD.fullmatch(path.stem) for path in paths):
            listed = " and ".join(path.name for path in paths)
            raise DataError(f"{folder} has {listed}, which both mean '{split}'; keep one of them.")
        tables[split] = _table(paths, text_column, label_column)
    return tables


def _table(paths: list[Path], text_column: str, label_column: str, kind: str | None = None) -> Table:
    rows = [row for path in paths for row in read_rows(path, [text_column, label_column], kind)]
    source = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent} ({len(paths)} shards of {paths[0].name})"
    return Table(source, [text for text, _ in rows], [label for _, label in rows])
