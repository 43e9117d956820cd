"""The report in LaTeX, for any engine: a document that compiles, with tables to be copied."""

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

_HEAD = r"""% Tables with booktabs and longtable; letters beyond Latin-1 are written as their numbers, for any engine.
\documentclass[10pt]{article}
\usepackage[T1]{fontenc}
\usepackage[utf8]{inputenc}
\usepackage[a4paper,landscape,margin=15mm]{geometry}
\usepackage{booktabs,longtable,graphicx,textcomp}
\setlength{\parindent}{0pt}\setlength{\parskip}{4pt}\setlength{\tabcolsep}{4pt}
\setlength{\emergencystretch}{3em}
\begin{document}
"""
_WRITTEN = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "[": "{[}",
    "]": "{]}",
    "-": "{-}",
    "*": "{*}",
    "\u00b1": r"\textpm{}",
    "\u00d7": r"\texttimes{}",
    "\u2013": "--",
    "\u2014": "---",
    "\u2018": "`",
    "\u2019": "'",
    "\u201c": "``",
    "\u201d": "''",
    "\u2026": r"\ldots{}",
    "\u00b0": r"\textdegree{}",
}
_LETTERS = re.compile(r"[A-Za-z0-9 .,;:!?()/*+=@\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u00ff]+")
_MOST_NUMBERS = 12
_LONGEST_WORD = 40
_SHORT, _WIDE = 40, 60


def to_latex(report: Report) -> str:
    """Write a report."""
    lines = [rf"\section*{{{escape(report.title)}}}", escape(report.subtitle)]
    for section in report.sections:
        lines += ["", rf"\section{{{escape(section.title)}}}", *_blocks(section.blocks)]
    return _HEAD + "\n".join(lines) + "\n\\end{document}\n"


def escape(text: str) -> str:
    r"""A text that LaTeX sets as it is; letters that it may not have as their numbers.

    Example:
        >>> escape("5 % of a_b \U0001f600")
        '5 \\% of a\\_b {[}U+1F600{]}'
    """
    parts: list[str] = []
    beyond: list[str] = []

    def flush() -> None:
        if beyond:
            shown = " ".join(f"U+{ord(letter):04X}" for letter in beyond[:_MOST_NUMBERS])
            more = f" and {len(beyond) - _MOST_NUMBERS} more" if len(beyond) > _MOST_NUMBERS else ""
            parts.append(f"{{[}}{shown}{more}{{]}}")
            beyond.clear()

    for letter in " ".join(text.split()):
        if letter in _WRITTEN or _LETTERS.fullmatch(letter):
            flush()
            parts.append(_WRITTEN.get(letter, letter))
        else:
            beyond.append(letter)
    flush()
    return "".join(parts)


def _blocks(blocks: Sequence[Block], depth: int = 0) -> Iterator[str]:
    for block in blocks:
        if isinstance(block, Text):
            shown = escape(block.text)
            yield rf"\par\textbf{{{shown}}}" if block.tone else rf"\par {shown}"
        elif isinstance(block, Items):
            if block.items:
                yield from (r"\begin{itemize}", *(rf"\item {escape(item)}" for item in block.items), r"\end{itemize}")
        elif isinstance(block, Code):
            yield from (
                rf"\par\texttt{{\footnotesize {escape(line) or '~'}}}" for line in block.text.rstrip().split("\n")
            )
        elif isinstance(block, Figures):
            yield from (rf"\par\textit{{{escape(one.title)}.}} {escape(one.description)}" for one in block.figures)
        elif isinstance(block, Details):
            yield from _blocks(block.blocks, depth)
        elif isinstance(block, Section):
            level = ("subsection", "subsubsection", "paragraph")[min(depth, 2)]
            yield from (rf"\{level}{{{escape(block.title)}}}", *_blocks(block.blocks, depth + 1))
        else:
            yield from _table(block)


def _table(table: Table) -> Iterator[str]:
    """Short tables are shrunk to the page where they are too wide; long ones go over pages."""
    head = " & ".join(escape(column) for column in table.columns) + r" \\"
    rows = [" & ".join(_entry(value) for value in row) + r" \\" for row in table.rows]
    wide = [
        max([0, *(len(table_text(row[place])) for row in table.rows)]) > _WIDE for place in range(len(table.columns))
    ]
    share = 0.45 / max(1, sum(wide))
    columns = "".join(
        rf"p{{{share:.2f}\linewidth}}" if long else "l" if place in table.text else "r"
        for place, long in enumerate(wide)
    )
    yield rf"\par\textbf{{{escape(table.caption)}}}\par"
    if len(rows) <= _SHORT:
        yield r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
        yield from (rf"\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule")
        yield r"\end{tabular}}"
    else:
        yield from (r"{\tiny", rf"\begin{{longtable}}{{{columns}}}", r"\toprule", head, r"\midrule", r"\endhead", *rows)
        yield from (r"\bottomrule", r"\end{longtable}}")
    yield from (rf"\par{{\footnotesize {escape(note)}}}" for note in table.notes)


def _entry(value: str | Value) -> str:
    shown = escape(table_text(value))
    return rf"\textbf{{{shown}}}" if isinstance(value, Value) and value.strong else shown
