"""The scores of all methods with their intervals, beside the published ones."""

import math
from collections.abc import Sequence

from gloss_pyg.compare.files import Record
from gloss_pyg.compare.report.charts import interval_chart
from gloss_pyg.compare.report.content import Block, Figure, Figures, Section, Table, Text, Value
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.published import Published, published_for
from gloss_pyg.compare.report.wording import NONE, intervals, listed, mean, number, percent, span
from gloss_pyg.compare.table import at_limit

_COLUMNS = (
    "method",
    "accuracy",
    "95 % interval",
    "macro-F1",
    "95 % interval",
    "silhouette",
    "best step, of all",
    "seeds",
)
_PUBLISHED = "published accuracy / macro-F1"


def results(material: Material) -> Section:
    """A table and a chart for each data set, and what differs from published settings."""
    merged = material.merged
    published = {
        (data, method): published_for([cell.record for cell in merged.of(data, method)])
        for data in merged.data
        for method in merged.methods
        if merged.of(data, method)
    }
    blocks: list[Block] = [Text(_how_to_read(material))]
    for place, data in enumerate(merged.data):
        here = {method: one for (name, method), one in published.items() if name == data}
        parts: list[Block] = [_scores(material, data, here)]
        if material.scores_of(data):
            parts.append(Figures((_chart(material, data, f"scores-{place}"),)))
        blocks += parts if len(merged.data) == 1 else [Section(data, tuple(parts))]
    return Section("Scores", (*blocks, *_differs(material, published)), "scores")


def _how_to_read(material: Material) -> str:
    transductive = any(cell.record.get("transductive") for cell in material.merged.cells)
    limited = any(at_limit(cell.record) for cell in material.merged.cells)
    return (
        "Accuracy and macro-F1 in % on test documents, as mean over the seeds ± sample standard deviation. The highest "
        "mean of a data set stands out, which does not say that it is better. The interval is that of the mean: over "
        "documents and seeds, over documents alone with one seed. Silhouette: of the test embeddings, mean over the "
        "classes. Best step: the optimiser step with the best validation score, whose parameters were tested, of all "
        "steps run."
        + (" * ended at the limit of steps, not by its validation score." if limited else "")
        + (" Transductive methods have seen the test texts, without their labels." if transductive else "")
    )


def _scores(material: Material, data: str, published: dict[str, Published]) -> Table:
    accuracy, f1 = material.scores_of(data), material.scores_of(data, "macro_f1")
    failed = [record.get("method") for record in material.merged.failed if record.get("data") == data]
    missing = [method for name, method, _ in material.merged.missing if name == data]
    with_published = any(one.entry for one in published.values())
    rows = []
    for method in dict.fromkeys([*material.merged.methods, *map(str, filter(None, failed)), *missing]):
        cells = material.merged.of(data, method)
        if not cells and method not in failed + missing:
            continue
        row: list[str | Value] = [material.title(method)]
        for key, found in (("accuracy", accuracy), ("macro_f1", f1)):
            if (one := found.get(method)) is None:
                row += [percent(mean([cell.record[key] for cell in cells])), NONE]
                continue
            spread = "" if math.isnan(one.sd) else f" ± {percent(one.sd)}"
            highest = one.mean == next(iter(found.values())).mean
            row += [Value(percent(one.mean) + spread, strong=highest), span(one.interval.low, one.interval.high)]
        row.append(number(mean([cell.record.get("macro_silhouette") for cell in cells]), 3))
        row.append(_steps([cell.record for cell in cells]))
        row.append(_seeds(len(cells), failed.count(method), missing.count(method)))
        if with_published:
            row.append(published[method].text if method in published else NONE)
        rows.append(tuple(row))
    columns = (*_COLUMNS, _PUBLISHED) if with_published else _COLUMNS
    kinds = [one.interval.kind for found in (accuracy, f1) for one in found.values()]
    return Table(f"Scores on {data}", columns, tuple(rows), notes=intervals(kinds))


def _steps(records: Sequence[Record]) -> str:
    """Mean step with the best validation score and of all steps, marked where a fit ended at the limit."""
    run = mean([record.get("steps") for record in records])
    if not run > 0:
        return NONE
    mark = "*" if any(at_limit(record) for record in records) else ""
    return f"{number(mean([record.get('best_step') for record in records]), 0)}, of {number(run, 0)}{mark}"


def _seeds(done: int, failed: int, missing: int) -> str:
    parts = [f"{failed} failed"] * (failed > 0) + [f"{missing} missing"] * (missing > 0)
    return f"{done} ({', '.join(parts)})" if parts else str(done)


def _chart(material: Material, data: str, name: str) -> Figure:
    scores = material.scores_of(data)
    title = f"{data}: accuracy and its interval"
    said = "; ".join(
        f"{m} {percent(one.mean)} ({span(one.interval.low, one.interval.high)})" for m, one in scores.items()
    )
    description = f"A row for each method, the highest accuracy on top, with the 95 % interval of the mean. {said}."
    return Figure(interval_chart(scores, material.numbers, name, title, description), title, description)


def _differs(material: Material, published: dict[tuple[str, str], Published]) -> list[Block]:
    """How the cells differ from the published settings that they are set beside."""
    rows = [
        (
            data,
            material.title(method),
            one.entry.name,
            one.entry.source,
            "; ".join(one.differs) if one.differs else "nothing that the records tell",
        )
        for (data, method), one in published.items()
        if one.entry is not None
    ]
    if rows:
        columns = ("data set", "method", "published as", "figures", "what differs here")
        source = "Published figures are quoted to compare with: Sharma, Agarwal and Kumar, LoG 2025, arXiv 2604.25853."
        return [
            Table("What differs from the published settings", columns, tuple(rows), 2, frozenset(range(5)), (source,))
        ]
    reasons = list(dict.fromkeys(one.reason for one in published.values() if one.reason))
    return [Text(f"No published figures stand beside these: {listed(reasons, 3)}.")] if reasons else []
