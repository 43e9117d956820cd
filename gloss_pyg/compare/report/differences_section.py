"""Every difference between two methods, with its test."""

from gloss_pyg.compare.report.content import Block, Details, Section, Table, Text, Value
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.wording import NONE, count, intervals, number, p_value, span
from gloss_pyg.compare.statistics.verdict import METRIC_NAMES, Comparison, Verdict, two_digits

_SIGNS = {Verdict.HOLDS: "better", Verdict.NOISE: "noise", Verdict.CANNOT_BE_TOLD: "not told"}
_WIDEST_MATRIX = 16


def differences(material: Material) -> Section | None:
    """Every pair that was compared."""
    if material.statistics is None:
        return None
    blocks: list[Block] = [
        Text(
            "“better” and “worse” hold after Holm's correction for all tests of this report; “noise” is surely smaller "
            "than one point; “?” cannot be told."
        )
    ]
    for data in material.merged.data:
        parts: list[Block] = []
        if matrix := _matrix(material, data):
            parts.append(matrix)
        for metric, name in METRIC_NAMES.items():
            if found := material.comparisons(data, metric):
                found.sort(key=lambda one: one.measured.p if one.measured.p is not None else 2.0)
                tables = [_table(material, found, data, metric)]
                if metric == "accuracy":
                    tables.append(_these_fits(material, found, data))
                parts.append(Details(f"{count(len(found), 'difference')} in {name} on {data}", tuple(tables)))
        if parts:
            blocks.append(Section(data, tuple(parts)))
    return Section("Differences", tuple(blocks), "differences") if len(blocks) > 1 else None


def _table(material: Material, found: list[Comparison], data: str, metric: str) -> Table:
    rows = []
    for one in found:
        measured = one.measured
        rows.append(
            (
                material.title(measured.first),
                material.title(measured.second),
                f"{100 * measured.difference:+.2f}",
                span(measured.interval.low, measured.interval.high),
                p_value(measured.p),
                p_value(one.p_holm),
                _SIGNS[one.verdict] if one.verdict is not Verdict.HOLDS else "holds",
                NONE if one.seeds_needed is None else f"{one.seeds_needed:,}",
                NONE if one.documents_needed is None else two_digits(one.documents_needed),
                *((number(measured.effect.cohens_h),) if metric == "accuracy" else ()),
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
        *(("Cohen's h",) if metric == "accuracy" else ()),
        "answered differently",
    )
    notes = (
        "Points, first less second. Seeds needed: in all, to tell a true difference of the size seen with 80 % power; "
        "or that many test documents with these seeds.",
        *intervals(one.measured.interval.kind for one in found),
    )
    return Table(
        f"Differences in {METRIC_NAMES[metric]} on {data}, the smallest p first",
        columns,
        tuple(rows),
        2,
        frozenset({0, 1, 6}),
        notes,
    )


def _these_fits(material: Material, found: list[Comparison], data: str) -> Table:
    """McNemar's tests, which speak of the fits that were made, and Wilcoxon's over the seeds."""
    rows = []
    for one in found:
        measured = one.measured
        each = "; ".join(
            f"{seed.seed}: {seed.first_only:,}, {seed.second_only:,}, {p_value(seed.p)}" for seed in measured.discordant
        )
        names = material.title(measured.first), material.title(measured.second)
        rows.append((*names, each, p_value(measured.documents_p), p_value(measured.wilcoxon.p)))
    columns = (
        "first",
        "second",
        "seed: only the first right, only the second, p",
        "p of all seeds",
        "p (Wilcoxon)",
    )
    notes = (
        "McNemar's mid-p of each seed, and of all seeds together with each document counted once. They tell these fits "
        "apart, not the methods: two fits of one method may differ as much. They are not corrected for their number.",
        *dict.fromkeys(one.measured.wilcoxon.note for one in found if one.measured.wilcoxon.note),
    )
    return Table(f"These fits on {data}: McNemar's test", columns, tuple(rows), 2, frozenset({0, 1, 2}), notes)


def _matrix(material: Material, data: str) -> Table | None:
    """Who is better than whom, at a glance."""
    names = list(material.scores_of(data))
    titles = [material.title(name) for name in names]
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
    rows = tuple(
        (title, *(_entry(said.get((row, column), NONE)) for column in names))
        for title, row in zip(titles, names, strict=True)
    )
    return Table(
        f"Accuracy on {data}: the method of the row is … than that of the column",
        ("method", *titles),
        rows,
        1,
        frozenset(range(len(names) + 1)),
    )


def _entry(said: str) -> str | Value:
    return Value(said, strong=True) if said in ("better", "worse") else "?" if said == "not told" else said
