"""What a report consists of, without a format: `html.py`, `markdown.py` and `latex.py` write the same blocks.

All texts here are plain: a writer escapes them, so that nothing that stands in a document or in an error message is
ever taken for markup.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Value:
    """An entry of a table that is more than its text.

    Attributes:
        text: What is shown.
        strong: Whether it stands out, as the best of its column.
        heat: Share of the largest entry, for the background of a matrix.
        foreign: Whether it is text of a document, of which nothing is known, its direction included.
    """

    text: str
    strong: bool = False
    heat: float | None = None
    foreign: bool = False


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        caption: What it shows.
        columns: Heads of the columns.
        rows: Entries, as many as there are columns.
        heads: How many entries at the start of a row say what the row is.
        text: Columns (by place) that hold words, aligned to the left; all others hold numbers.
        notes: What stands below.
    """

    kind: ClassVar[str] = "table"
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | Value, ...], ...]
    heads: int = 1
    text: frozenset[int] = frozenset({0})
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Text:
    """A paragraph; `tone` is empty, `answer` for what a reader looks for, or `warning`."""

    kind: ClassVar[str] = "text"
    text: str
    tone: str = ""


@dataclass(frozen=True)
class Items:
    """A list of sentences."""

    kind: ClassVar[str] = "items"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """Lines to be copied."""

    kind: ClassVar[str] = "code"
    text: str


@dataclass(frozen=True)
class Figure:
    """A chart and the numbers behind it.

    Attributes:
        svg: The picture, made here and nowhere else.
        title: Its name.
        description: What is seen in it, for those who cannot see it.
        data: The numbers; `None` where a table beside it holds them.
    """

    svg: str
    title: str
    description: str
    data: Table | None = None


@dataclass(frozen=True)
class Figures:
    """Charts side by side; `layout` is empty, `small` for three in a row where there is room, or `wide` for one."""

    kind: ClassVar[str] = "figures"
    figures: tuple[Figure, ...]
    layout: str = ""


@dataclass(frozen=True)
class Details:
    """Blocks that are folded away until somebody asks."""

    kind: ClassVar[str] = "details"
    summary: str
    blocks: tuple["Block", ...]


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        title: Its head.
        blocks: What it consists of, sections included.
        name: Where the table of contents points to; empty below the first level.
    """

    kind: ClassVar[str] = "section"
    title: str
    blocks: tuple["Block", ...]
    name: str = ""


Block = Table | Text | Items | Code | Figures | Details | Section


@dataclass(frozen=True)
class Report:
    """All of it.

    Attributes:
        title: Its head.
        subtitle: When and from what it was made.
        sections: Its parts.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...]


def table_text(value: str | Value) -> str:
    """The text of an entry."""
    return value.text if isinstance(value, Value) else value
