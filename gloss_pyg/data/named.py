"""The five data sets of the paper, in its own splits: from a local folder, else downloaded once and cached.

The paper's public repository holds CSV files, some with class names, some with class numbers; copies on users' disks
may be Parquet. So what is verified is the content, not the bytes of a file: the sha256 over the sorted sha256 of each
document's class number and words. It is the same for CSV and Parquet, for names and numbers, and for any order.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import datasets

from gloss_pyg.data.checks import Table
from gloss_pyg.data.files import read_file, read_folder
from gloss_pyg.data.named_contents import NAMED_SETS, NamedSet
from gloss_pyg.data.report import text_key
from gloss_pyg.data.request import DATA_DIR_VARIABLE, named_folder
from gloss_pyg.errors import DataError

BASE_URL = "https://raw.githubusercontent.com/saditya13/G-Loss-LoG/HEAD/data"

_SPLIT_FILES = {"train": "train", "validation": "val", "test": "test"}


def read_named(
    name: str, data_dir: str | Path | None, text_column: str, label_column: str
) -> tuple[dict[str, Table], list[str]]:
    """Read one of the paper's data sets.

    It is looked for in `data_dir`, else in the folder named by the environment variable GLOSS_PYG_DATA, in the layout
    `<name>/{train,val,test}.{parquet,csv}`; where neither is given it is downloaded. Files of one's own may differ
    from the paper's, which is noted; downloaded ones must not.

    Returns:
        The splits with class names as labels, and notes.

    Raises:
        DataError: if the folder or a split is missing, or the download fails or has another content.
    """
    known = NAMED_SETS[name]
    folder = named_folder(name, data_dir)
    if folder is None:
        return {split: _download(known, name, split, text_column, label_column) for split in _SPLIT_FILES}, []
    tables = {
        split: _with_class_names(table, known.classes)
        for split, table in read_folder(folder, text_column, label_column).items()
    }
    if missing := [file for split, file in _SPLIT_FILES.items() if split not in tables]:
        raise DataError(f"{folder}: '{name}' lacks {' and '.join(missing)}; expected train, val and test.")
    changed = [split for split, table in tables.items() if content_digest(table, known.classes) != known.digests[split]]
    notes = [
        f"the documents of {', '.join(changed)} in {folder} are not those of the paper; results cannot be set beside "
        f"published ones"
    ]
    return tables, notes if changed else []


def content_digest(table: Table, classes: Sequence[str]) -> str:
    """Digest of a split's documents, whatever their order, the blanks in them and the form of their labels.

    Example:
        >>> a = Table("a", ["x  y", "z"], ["no", "yes"])
        >>> b = Table("b", ["z", "x y"], [1, 0])
        >>> content_digest(a, ["no", "yes"]) == content_digest(b, ["no", "yes"])
        True
    """
    number = {name: str(index) for index, name in enumerate(classes)}
    documents = sorted(
        hashlib.sha256(f"{number.get(str(label), label)}\t{text_key(str(text))}".encode(errors="replace")).digest()
        for text, label in zip(table.texts, table.labels, strict=True)
    )
    return hashlib.sha256(b"".join(documents)).hexdigest()


def _with_class_names(table: Table, classes: Sequence[str]) -> Table:
    """Replace class numbers by names where every label is a number of the range."""
    numbers: Mapping[str, str] = {str(index): name for index, name in enumerate(classes)}
    labels = [str(label).strip() for label in table.labels]
    if all(label in numbers for label in labels):
        return Table(table.source, table.texts, [numbers[label] for label in labels])
    return table


def _download(known: NamedSet, name: str, split: str, text_column: str, label_column: str) -> Table:
    path = _fetch(known, name, split)
    try:
        table = read_file(path, text_column, label_column, kind="csv")  # the cache names files without a suffix
    except DataError as error:
        found = str(error)
    else:
        table = _with_class_names(table, known.classes)
        if content_digest(table, known.classes) == known.digests[split]:
            return table
        found = f"wrong checksum, {len(table.texts)} documents"
    path.unlink(missing_ok=True)  # else the bad copy would be served for ever
    raise DataError(
        f"What was downloaded as '{name}', split '{split}', is not what the paper used ({found}). Try again; if it "
        f"stays so, {_by_hand(name)}"
    )


def _fetch(known: NamedSet, name: str, split: str) -> Path:
    from gloss_pyg.data.download import NotDownloadedError, download

    urls = [f"{BASE_URL}/{folder}/{_SPLIT_FILES[split]}.csv" for folder in dict.fromkeys((known.folder, name))]
    try:
        return download(urls, f"Downloading {name}/{split}")
    except NotDownloadedError as error:
        first = "Unset HF_HUB_OFFLINE" if datasets.config.HF_HUB_OFFLINE else "Try again"
        raise DataError(f"'{name}' cannot be downloaded ({error}). {first}, or {_by_hand(name)}") from error


def _by_hand(name: str) -> str:
    return (
        f"get the files elsewhere, put them into a folder as {name}/train.csv, {name}/val.csv and {name}/test.csv, and "
        f"give that folder as data_dir or in the environment variable {DATA_DIR_VARIABLE}."
    )
