"""The documents that were wrong with the highest confidence: where labels may be wrong, or methods blind."""

from gloss_pyg.compare.report.content import Block, Details, Section, Table, Text, Value
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.outcomes import WrongDocument, most_confidently_wrong
from gloss_pyg.compare.report.texts import Texts, fit_to_show, look_up
from gloss_pyg.compare.report.wording import percent

_ALL, _EACH = 10, 5
_LONGEST_NAME = 40


def documents(material: Material) -> Section | None:
    """For each data set the documents that all methods together got most confidently wrong, then for each method."""
    blocks: list[Block] = []
    for data in material.merged.data:
        outcomes = material.outcomes_of(data)
        if not outcomes:
            continue
        together = most_confidently_wrong(outcomes, _ALL)
        each = {
            method: most_confidently_wrong(found, _EACH)
            for method in material.merged.methods
            if (found := material.outcomes_of(data, method))
        }
        rows = sorted({one.row for found in (together, *each.values()) for one in found})
        if not rows:
            continue
        texts = look_up(outcomes, rows) if material.texts else Texts({})
        parts: list[Block] = [Text(texts.note, "warning")] if texts.note else []
        parts.append(_table(f"Most confidently wrong on {data}, all methods together", together, texts))
        if len(each) > 1:
            tables = tuple(_table(f"{method} on {data}", found, texts) for method, found in each.items() if found)
            parts.append(Details(f"Most confidently wrong on {data}, a method each", tables))
        blocks.append(Section(data, tuple(parts)))
    if not blocks:
        return None
    start = (
        "Confidence is the probability of the wrong class that was chosen, 0 where a fit was right, averaged over the "
        "fits."
    )
    if not material.texts:
        start += " Texts are left out, as was asked for; a row is the document's place in the test split, from 0."
    return Section("Most confidently wrong documents", (Text(start), *blocks), "documents")


def _table(caption: str, found: list[WrongDocument], texts: Texts) -> Table:
    rows = []
    for one in found:
        row: list[str | Value] = [
            str(one.row),
            Value(fit_to_show(one.label, _LONGEST_NAME), foreign=True),
            Value(fit_to_show(one.predicted, _LONGEST_NAME), foreign=True),
            percent(one.confidence, 1),
            f"{one.wrong} of {one.cells}",
        ]
        if texts.texts:
            row.append(Value(fit_to_show(texts.texts[one.row]), foreign=True))
        rows.append(tuple(row))
    columns: tuple[str, ...] = ("test row", "true class", "given class", "confidence (%)", "wrong fits")
    if texts.texts:
        columns = (*columns, "text")
    return Table(caption, columns, tuple(rows), text=frozenset({1, 2, 5}))
