"""Labels as they stand in files, turned into class names that are the same for all splits.

| in the file | read as |
|---|---|
| `0`, `1`, `"0"`, `1.0` (every label a whole number) | classes `"0"`, `"1"`, ..., sorted by number |
| `"sport"`, `True`, `"007"` (any other) | classes by that name, blanks at the ends removed, sorted |
| `-1` | a document without a label |
"""

import math
import re
from collections.abc import Mapping, Sequence

from gloss_pyg.errors import DataError

UNLABELLED = "-1"
# Class id of a document without a label in a batch, as torch's cross-entropy and the losses here ignore it.
IGNORED = -100

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)|nan", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"[+-]?0\d")


def class_names(labels: Mapping[str, Sequence[object]]) -> dict[str, list[str | None]]:
    """Turn the labels of every source into class names; `None` where a document has no label.

    Args:
        labels: For each source (a file or a split, as errors shall call it) its labels in order of rows.

    Raises:
        DataError: for a missing label, one that is no single value, and, where all labels are numbers, one that is
            not whole, not finite, or below -1.

    Example:
        >>> class_names({"train": [0, 1.0, -1], "test": ["1", "0", "1"]})
        {'train': ['0', '1', None], 'test': ['1', '0', '1']}
    """
    tokens = {source: _tokens(values, source) for source, values in labels.items()}
    known = {token for values in tokens.values() for token in values if token != UNLABELLED}
    numeric = all(_NUMBER.fullmatch(token) and not _LEADING_ZERO.match(token) for token in known)
    if numeric:
        whole = {token: _whole(token) for token in known}
        for source, values in tokens.items():
            bad = [row for row, token in enumerate(values) if token != UNLABELLED and whole[token] is None]
            if bad:
                found = values[bad[0]]
                raise DataError(
                    f"{source}: {len(bad)} labels are not class numbers, the first is {found} ({rows(bad)}). Classes "
                    f"are whole numbers from 0, or names; write -1 for a document without a label"
                    + (" (-100 is what torch ignores, not what files hold)." if found == "-100" else ".")
                )
        names = {token: str(number) for token, number in whole.items()}
    else:
        names = {token: token for token in known}
    return {source: [names.get(token) for token in values] for source, values in tokens.items()}


def sort_classes(names: set[str]) -> list[str]:
    """Sort class names: by number where all are whole numbers, else as strings.

    Example:
        >>> sort_classes({"10", "9"}), sort_classes({"10", "9", "x"})
        (['9', '10'], ['10', '9', 'x'])
    """
    if all(re.fullmatch(r"0|[1-9]\d*", name) for name in names):
        return sorted(names, key=int)
    return sorted(names)


def rows(indices: Sequence[int]) -> str:
    """Name the first rows of a list of row indices, counting from 1.

    Example:
        >>> rows([0, 4]), rows(range(10))
        ('rows 1, 5', 'rows 1, 2, 3 and 7 more')
    """
    shown = ", ".join(str(index + 1) for index in indices[:3])
    more = f" and {len(indices) - 3} more" if len(indices) > 3 else ""
    return f"row{'s' if len(indices) > 1 else ''} {shown}{more}"


def _tokens(values: Sequence[object], source: str) -> list[str]:
    missing = [row for row, value in enumerate(values) if _is_missing(value)]
    if missing:
        raise DataError(
            f"{source}: {len(missing)} documents have no label ({rows(missing)}). Give each a label, or -1 to those "
            f"that shall count as unlabelled."
        )
    return [_token(value, source, row) for row, value in enumerate(values)]


def _is_missing(value: object) -> bool:
    # NaN is the only value that differs from itself; it is what a data frame holds where a cell is empty.
    return (
        value is None or (isinstance(value, str) and not value.strip()) or (isinstance(value, float) and value != value)
    )


def _token(value: object, source: str, row: int) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    raise DataError(
        f"{source}: the label of row {row + 1} is a {type(value).__name__} ({value!r}); expected one class a document, "
        f"a string or a whole number."
    )


def _whole(token: str) -> int | None:
    if re.fullmatch(r"[+-]?\d+", token):  # not by way of a float, which would round long ones
        return int(token) if int(token) >= 0 else None
    number = float(token)
    return int(number) if math.isfinite(number) and number.is_integer() and number >= 0 else None
