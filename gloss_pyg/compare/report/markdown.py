"""The report as Markdown, charts by their descriptions."""

import html
import re
from collections.abc import Iterator, Sequence

from gloss_pyg.compare.report.content import (
    Block,
    Code,
    Details,
    Figures,
    Items,
    Report,
    Section,
    Table,
    Text,
    Value,
    table_text,
)

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~$:@^=-])")


def to_markdown(report: Report) -> str:
    """Write a report."""
    lines = [f"# {escape(report.title)}", "", escape(report.subtitle), ""]
    lines += [f"- [{escape(section.title)}](#{_anchor(section.title)})" for section in report.sections]
    for section in report.sections:
        lines += ["", f"## {escape(section.title)}", "", *_blocks(section.blocks, 3)]
    return "\n".join(lines).rstrip() + "\n"


def escape(text: str) -> str:
    r"""A text that means nothing in Markdown but itself.

    Example:
        >>> escape("a_b <i>*c*</i>")
        'a\\_b &lt;i&gt;\\*c\\*&lt;/i&gt;'
    """
    plain = " ".join(text.split()).replace("&", "&amp;")
    return _MARKS.sub(r"\\\1", plain).replace("<", "&lt;").replace(">", "&gt;").replace("www.", "www&#46;")


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _blocks(blocks: Sequence[Block], level: int) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Text):
            shown = escape(block.text)
            yield f"**{shown}**" if block.tone == "answer" else f"> {shown}" if block.tone else shown
        elif isinstance(block, Items):
            yield from (f"- {escape(item)}" for item in block.items)
        elif isinstance(block, Code):
            fence = "`" * max(3, 1 + max((len(found) for found in re.findall("`+", block.text)), default=0))
            yield from (fence, *block.text.rstrip("\n").split("\n"), fence)
        elif isinstance(block, Figures):
            for figure in block.figures:
                yield f"*{escape(figure.title)}.* {escape(figure.description)}"
                yield ""
        elif isinstance(block, Details):
            summary = html.escape(" ".join(block.summary.split()))  # within a tag Markdown's own marks are plain text
            yield from ("<details>", f"<summary>{summary}</summary>", "", *_blocks(block.blocks, level))
            yield "</details>"
        elif isinstance(block, Section):
            yield from (f"{'#' * min(level, 6)} {escape(block.title)}", "", *_blocks(block.blocks, level + 1))
        else:
            yield from _table(block)
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield from (f"**{escape(table.caption)}**", "")
    yield _row([escape(column) for column in table.columns])
    yield _row([":---" if place in table.text else "---:" for place in range(len(table.columns))])
    yield from (_row([_entry(value) for value in row]) for row in table.rows)
    for note in table.notes:
        yield from ("", escape(note))


def _entry(value: str | Value) -> str:
    shown = escape(table_text(value))
    return f"**{shown}**" if isinstance(value, Value) and value.strong else shown


def _row(entries: Sequence[str]) -> str:
    return f"| {' | '.join(entries)} |"
