"""The scores with their intervals, and every difference with its test."""

import math

import numpy as np

from gloss_pyg.compare.report.charts import interval_chart
from gloss_pyg.compare.report.content import Block, Details, Figure, Figures, Section, Table, Text, Value
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.outcomes import Outcome
from gloss_pyg.compare.report.published import Published, published_for
from gloss_pyg.compare.report.wording import NONE, count, listed, mean, number, p_value, percent, span
from gloss_pyg.compare.statistics.verdict import METRIC_NAMES, Comparison, Verdict

_SIGNS = {Verdict.HOLDS: "better", Verdict.NOISE: "noise", Verdict.CANNOT_BE_TOLD: "not told"}
_WIDEST_MATRIX = 16


def results(material: Material) -> Section:
    """Table of scores, chart of intervals, differences."""
    blocks: list[Block] = []
    published = {
        (data, method): published_for([cell.record for cell in material.merged.of(data, method)])
        for data in material.merged.data
        for method in material.merged.methods
        if material.merged.of(data, method)
    }
    with_published = any(one.entry for one in published.values())
    blocks.append(_scores(material, published if with_published else {}))
    blocks += _differs(material, published)
    charts = [_chart(material, data, place) for place, data in enumerate(material.merged.data) if _has(material, data)]
    if charts:
        blocks.append(Figures(tuple(charts)))
    return Section("Scores", tuple(blocks), "scores")


def _has(material: Material, data: str) -> bool:
    return bool(material.scores_of(data))


def _scores(material: Material, published: dict[tuple[str, str], Published]) -> Table:
    rows: list[tuple[str | Value, ...]] = []
    failed = [(record.get("data"), record.get("method")) for record in material.merged.failed]
    missing = [name[:2] for name in material.merged.missing]
    for data in material.merged.data:
        accuracy, f1 = material.scores_of(data), material.scores_of(data, "macro_f1")
        tops = [max((one.mean for one in found.values()), default=math.nan) for found in (accuracy, f1)]
        for method in material.merged.methods:
            cells = material.merged.of(data, method)
            if not cells and (data, method) not in failed + missing:
                continue
            row: list[str | Value] = [data, material.title(method)]
            for found, top in zip((accuracy, f1), tops, strict=True):
                one = found.get(method)
                if one is None:
                    known = mean([cell.record["accuracy" if found is accuracy else "macro_f1"] for cell in cells])
                    row += [percent(known), NONE]
                    continue
                row += [
                    Value(f"{percent(one.mean)}{_plus_minus(one.sd)}", strong=one.mean == top),
                    span(one.interval.low, one.interval.high),
                ]
            row.append(number(mean([cell.record.get("macro_silhouette") for cell in cells]), 3))
            row.append(_seeds(len(cells), failed.count((data, method)), missing.count((data, method))))
            if published:
                row.append(published[data, method].text if (data, method) in published else NONE)
            rows.append(tuple(row))
    columns = ["data set", "method", "accuracy", "95 % interval", "macro-F1", "95 % interval", "silhouette", "seeds"]
    notes = [
        "Accuracy and macro-F1 in % on test documents: mean over the seeds ± their sample standard deviation; the "
        "highest of a data set stands out, which does not mean that it is better. The interval is for the mean: over "
        "documents and seeds, over documents alone with one seed. The silhouette is the mean over the classes, of test "
        "embeddings.",
    ]
    if any(cell.record.get("transductive") for cell in material.merged.cells):
        notes.append("(transductive): the method has seen the test texts, without their labels.")
    if published:
        columns.append("published accuracy / macro-F1")
    return Table("Scores of all methods", tuple(columns), tuple(rows), 2, frozenset({0, 1}), tuple(notes))


def _plus_minus(sd: float) -> str:
    return "" if math.isnan(sd) else f" ± {percent(sd)}"


def _seeds(done: int, failed: int, missing: int) -> str:
    parts = [f"{failed} failed"] * (failed > 0) + [f"{missing} missing"] * (missing > 0)
    return f"{done} ({', '.join(parts)})" if parts else str(done)


def _differs(material: Material, published: dict[tuple[str, str], Published]) -> list[Block]:
    """How the cells differ from the published settings that they are set beside."""
    rows = [
        (
            data,
            material.title(method),
            one.entry.name,
            one.entry.source,
            listed(one.differs) if one.differs else "nothing known",
        )
        for (data, method), one in published.items()
        if one.entry is not None
    ]
    if rows:
        table = Table(
            "What differs from the published settings",
            ("data set", "method", "published as", "figures", "what differs here"),
            tuple(rows),
            2,
            frozenset(range(5)),
            ("Published figures are quoted to compare with, from Sharma, Agarwal and Kumar, arXiv 2604.25853.",),
        )
        return [table]
    reasons = list(dict.fromkeys(one.reason for one in published.values() if one.reason))
    return [Text(f"No published figure stands beside these: {listed(reasons, 3)}.")] if reasons else []


def _chart(material: Material, data: str, place: int) -> Figure:
    scores = material.scores_of(data)
    title = f"{data}: accuracy and its interval"
    lines = [
        f"{method} {percent(one.mean)} ({span(one.interval.low, one.interval.high)})" for method, one in scores.items()
    ]
    description = (
        f"A row for each method, the highest accuracy on top, with the 95 % interval of the mean. {'; '.join(lines)}."
    )
    return Figure(interval_chart(scores, material.numbers, f"scores-{place}", title, description), title, description)


def differences(material: Material) -> Section | None:
    """Every pair that was compared."""
    if material.statistics is None:
        return None
    blocks: list[Block] = [
        Text(
            "“Better” holds after Holm's correction for all tests of this report; “noise” is surely smaller than one "
            "point; all else is not told."
        )
    ]
    for data in material.merged.data:
        parts: list[Block] = []
        if matrix := _matrix(material, data):
            parts.append(matrix)
        for metric, name in METRIC_NAMES.items():
            if found := material.comparisons(data, metric):
                found.sort(key=lambda one: one.measured.p if one.measured.p is not None else 2.0)
                parts.append(
                    Details(f"{count(len(found), 'difference')} in {name} on {data}", (_table(found, data, name),))
                )
        if parts:
            blocks.append(Section(data, tuple(parts)))
    return Section("Differences", tuple(blocks), "differences") if len(blocks) > 1 else None


def _table(found: list[Comparison], data: str, name: str) -> Table:
    rows = []
    for one in found:
        measured = one.measured
        rows.append(
            (
                measured.first,
                measured.second,
                f"{100 * measured.difference:+.2f}",
                span(measured.interval.low, measured.interval.high),
                p_value(measured.p),
                p_value(one.p_holm),
                _SIGNS[one.verdict] if one.verdict is not Verdict.HOLDS else "holds",
                NONE if one.seeds_needed is None else f"{one.seeds_needed:,}",
                NONE if one.documents_needed is None else f"{float(f'{one.documents_needed:.1e}'):,.0f}",
                number(measured.effect.cohens_h),
                f"{measured.differing_documents:,} of {measured.documents:,}",
            )
        )
    columns = (
        "first",
        "second",
        "difference",
        "95 % interval",
        "p",
        "p (Holm)",
        "verdict",
        "seeds needed",
        "or documents",
        "Cohen's h",
        "answered differently",
    )
    notes = (
        "Points, first less second. Seeds needed: in all, to tell a true difference of the size seen with 80 % power; "
        "or that many test documents with these seeds.",
    )
    return Table(
        f"Differences in {name} on {data}, the smallest p first", columns, tuple(rows), 2, frozenset({0, 1, 6}), notes
    )


def _matrix(material: Material, data: str) -> Table | None:
    """Who is better than whom, at a glance."""
    names = [name for name in material.scores_of(data)]
    found = material.comparisons(data, "accuracy")
    if (
        len(names) < 3
        or len(names) > _WIDEST_MATRIX
        or material.reference
        or not any(c.verdict is not Verdict.CANNOT_BE_TOLD for c in found)
    ):
        return None
    said: dict[tuple[str, str], str] = {}
    for one in found:
        first, second, ahead = one.measured.first, one.measured.second, one.measured.difference > 0
        holds = one.verdict is Verdict.HOLDS
        said[first, second] = ("better" if ahead else "worse") if holds else _SIGNS[one.verdict]
        said[second, first] = ("worse" if ahead else "better") if holds else _SIGNS[one.verdict]
    rows = tuple((row, *(_entry(said.get((row, column), NONE)) for column in names)) for row in names)
    return Table(
        f"Accuracy on {data}: the method of the row is … than that of the column",
        ("method", *names),
        rows,
        1,
        frozenset(range(len(names) + 1)),
    )


def _entry(said: str) -> str | Value:
    return Value(said, strong=True) if said in ("better", "worse") else "?" if said == "not told" else said
