"""Files that are there whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any


def usual_mode() -> int:
    """Permissions of a new file by the umask; temporary files, and those of safetensors, are the owner's alone."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def whole_file(path: Path, *, text: bool = False) -> Iterator[IO[Any]]:
    r"""A stream to a file that takes its place when the block ends well, and goes when it does not.

    A reader finds the old content or the new, never a part of either.

    Args:
        path: The file; its folder exists.
        text: Whether the stream takes strings, written as UTF-8 with line ends as they are, instead of bytes.

    Example:
        >>> with whole_file(Path("scores.csv"), text=True) as stream:
        ...     _ = stream.write("label,score\n")
        >>> Path("scores.csv").read_text()
        'label,score\n'
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.absolute().parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") if text else os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())  # else a power cut can leave the name without the content
        Path(name).chmod(usual_mode())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
