"""Rows of a CSV, TSV, JSONL, JSON, Parquet or plain text file, one at a time, with errors that name file and row.

Python's own `csv` reads the CSV: it refuses a row with more or fewer fields than the header, which pandas and Arrow
repair or shift without a word, and it keeps line breaks inside quotes as they are.
"""

import csv
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOBase
from pathlib import Path

from gloss_pyg.errors import DataError, did_you_mean

SUFFIXES = {".csv": "csv", ".tsv": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet"}
"""File name suffixes and the formats they mean; predictions also read `.txt`, one document a line."""

_WHICH = (
    "Say which one has the texts with text_column (on the command line --text-column).",
    "Say which one it is with text_column or label_column (on the command line --data.text_column or "
    "--data.label_column).",
)
"""What to do about a column that is not there, without and with labels: who needs the texts alone has other options."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}

Row = tuple[object, ...]


def read_rows(path: Path, columns: Sequence[str], kind: str | None = None) -> Iterator[Row]:
    r"""Yield the values of `columns` for each row of a file, whose suffix says its format.

    A record of JSON that lacks one of several columns, which others have, gives `None` there.

    Args:
        path: A file with one of the suffixes of `SUFFIXES`.
        columns: Names of the columns wanted, in the order wanted.
        kind: The format ("csv", "tsv", "jsonl", "json", "parquet" or "lines") where the suffix does not say it.

    Raises:
        DataError: if the file is missing, has an unknown suffix, is not UTF-8, cannot be parsed, or lacks a column.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "reviews.csv")
        ...     _ = path.write_text("label,text\n1,fine film\n0,\"dull, long\"\n")
        ...     list(read_rows(path, ["text", "label"]))
        [('fine film', '1'), ('dull, long', '0')]
    """
    kind = kind or SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise DataError(f"{path} has the suffix '{path.suffix}'; expected one of {', '.join(SUFFIXES)}.")
    if path.is_dir():
        raise DataError(f"{path} is a folder; expected a file.")
    if not path.exists():  # pipes such as /dev/stdin are welcome
        raise missing_path(path)
    if kind == "parquet":
        yield from _parquet(path, columns)
        return
    with explained_encoding(str(path)), path.open(encoding="utf-8-sig", newline="") as stream:
        yield from read_stream(stream, kind, columns, source=str(path))


def missing_path(path: Path) -> DataError:
    """The error for a path that is not there; it names the nearest one that is, or the folder that is missing."""
    folder = path.absolute().parent
    if not folder.is_dir():
        return DataError(f"There is no file or folder {path}: {folder} does not exist.")
    near = [other.name for other in folder.iterdir() if other.suffix.lower() in SUFFIXES or other.is_dir()]
    hint = did_you_mean(path.name, near)
    return DataError(f"There is no file or folder {path}." + (hint if hint.startswith(" Did") else ""))


def read_stream(stream: TextIOBase, kind: str, columns: Sequence[str], *, source: str) -> Iterator[Row]:
    """Yield the values of `columns` for each row of an open text stream.

    Args:
        stream: Text, opened with `newline=""`.
        kind: "csv", "tsv", "jsonl", "json" or "lines"; with "lines", every line is a row of one column.
        columns: Names of the columns wanted.
        source: What the stream is called in errors.
    """
    if kind == "lines":
        for line in stream:
            yield (line.rstrip("\r\n"),)
    elif kind in ("csv", "tsv"):
        yield from _csv(stream, columns, "\t" if kind == "tsv" else ",", source)
    else:
        yield from _json(stream, columns, source, by_line=kind == "jsonl")


def require_columns(wanted: Sequence[str], present: Sequence[str], source: str, *, cause: str = "") -> None:
    """Raise unless every wanted column is there once; the error lists the columns and names the nearest.

    Args:
        wanted: The column of the texts and, where labels are read, theirs.
        present: The columns that are there.
        source: What holds them, as errors shall call it.
        cause: What is known to be wrong, told in place of the nearest column.

    Example:
        >>> require_columns(["text"], ["Text", "y"], "a.csv")
        Traceback (most recent call last):
            ...
        gloss_pyg.errors.DataError: a.csv has no column 'text'; its columns are 'Text', 'y'. Did you mean 'Text'?
    """
    for name in wanted:
        if present.count(name) > 1:
            raise DataError(f"{source} has {present.count(name)} columns called '{name}'; rename all but one.")
        if name not in present:
            listed = ", ".join(f"'{column}'" for column in present)
            hint = cause or _which_column(name, wanted, present)
            raise DataError(f"{source} has no column '{name}'; its columns are {listed}.{hint}")


def _which_column(name: str, wanted: Sequence[str], present: Sequence[str]) -> str:
    near = did_you_mean(name, [column for column in present if column])
    return near if near.startswith(" Did") else f" {_WHICH[len(wanted) > 1]}"


@contextmanager
def explained_encoding(source: str) -> Iterator[None]:
    """Turn a decoding error within the block into a `DataError` that says what to do."""
    try:
        yield
    except UnicodeDecodeError as error:
        encoding = "utf-16" if error.object[:2] in (b"\xff\xfe", b"\xfe\xff") else "latin1"
        raise DataError(
            f"{source} is not UTF-8 (byte 0x{error.object[error.start]:02x}: {error.reason}). Save it as UTF-8, for "
            f"instance with: iconv -f {encoding} -t utf-8 OLD > NEW"
        ) from error


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(sys.maxsize)  # a news posting can be longer than the default of 131072
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _csv(stream: TextIOBase, columns: Sequence[str], delimiter: str, source: str) -> Iterator[Row]:
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    try:
        with _long_fields():
            header = next(reader, None)
        if not header:
            raise DataError(f"{source} is empty; expected a first line with the column names {', '.join(columns)}.")
        require_columns(columns, header, source, cause=_other_separator(header, delimiter))
        places = [header.index(name) for name in columns]
        while True:
            with _long_fields():  # only around the parser: the limit belongs to the process, and we may be suspended
                fields = next(reader, None)
            if fields is None:
                return
            if not fields:  # a blank line
                continue
            if len(fields) != len(header):
                raise DataError(
                    f"{source}, line {reader.line_num}: {len(fields)} fields, but the header has {len(header)}. Put "
                    f'double quotes around a text that contains "{delimiter}" or a line break.'
                )
            if any("\0" in fields[place] for place in places):
                raise DataError(
                    f"{source}, line {reader.line_num}: a null character, which no text holds. Perhaps the file is "
                    "UTF-16; save it as UTF-8, for instance with: iconv -f utf-16 -t utf-8 OLD > NEW"
                )
            yield tuple(fields[place] for place in places)
    except csv.Error as error:
        # On the first line, the names may be quoted and something else than ours stand between them.
        other = f" {_expected_separator(delimiter)}" if reader.line_num <= 1 else ""
        raise DataError(
            f"{source}, line {reader.line_num}: {error}. Put double quotes around the whole field and double those "
            f"within it.{other}"
        ) from error


def _other_separator(header: Sequence[str], delimiter: str) -> str:
    """The sentence on a header that is one name with another separator in it; empty where it is not."""
    found = [name for mark, name in _SEPARATORS.items() if mark != delimiter and len(header) == 1 and mark in header[0]]
    return f" Is it separated by {found[0]}? {_expected_separator(delimiter)}" if found else ""


def _expected_separator(delimiter: str) -> str:
    other = "a file separated by tabs is named .tsv" if delimiter == "," else "a file separated by commas is named .csv"
    return f"Expected {_SEPARATORS[delimiter]} between the columns; {other}."


def _json(stream: TextIOBase, columns: Sequence[str], source: str, *, by_line: bool) -> Iterator[Row]:
    what = "line"
    if by_line:
        records: Iterator[tuple[int, object]] = (
            (number, _parse(line, f"{source}, line {number}"))
            for number, line in enumerate(stream, start=1)
            if line.strip()
        )
    else:
        what = "record"
        loaded = _parse(stream.read(), source)
        if not isinstance(loaded, list):
            raise DataError(f"{source} holds a JSON {type(loaded).__name__}; expected a list of objects.")
        records = enumerate(loaded, start=1)
    keys: dict[str, None] = {}  # in order, until each column was seen: one record may lack what the others have
    empty, unseen = True, set(columns)
    for number, record in records:
        if not isinstance(record, dict):
            raise DataError(
                f"{source}, {what} {number}: expected an object such as "
                f'{{"{columns[0]}": "..."}}, found {type(record).__name__}.'
            )
        if not record.keys() & set(columns):
            raise DataError(
                f"{source}, {what} {number} has none of the keys {', '.join(columns)}; it has {', '.join(record)}."
                f"{_which_column(columns[0], columns, list(record))}"
            )
        empty = False
        if unseen:
            keys |= dict.fromkeys(record)
            unseen -= record.keys()
        yield tuple(record.get(name) for name in columns)
    if empty:
        raise DataError(f"{source} is empty; expected objects with the keys {', '.join(columns)}.")
    require_columns(columns, list(keys), source)


def _parse(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{where}: not valid JSON ({error.msg} at character {error.pos}).") from error


def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Row]:
    # Imported here: only this format needs it, and `datasets` brings it.
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    try:
        with pq.ParquetFile(path) as file:
            require_columns(columns, list(file.schema_arrow.names), str(path))
            for batch in file.iter_batches(columns=list(dict.fromkeys(columns))):
                yield from zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
