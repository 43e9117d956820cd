"""Label budgets: data sets that differ only in how many training documents have a label, as curves."""

import json

from gloss_pyg.compare.report.charts import budget_chart
from gloss_pyg.compare.report.content import Block, Figure, Figures, Section, Table, Value
from gloss_pyg.compare.report.material import Material, seconds_of
from gloss_pyg.compare.report.scores import MeanScore
from gloss_pyg.compare.report.wording import NONE, mean, number, percent, span

_SAME = ("name_or_path", "text_column", "label_column", "unlabelled", "validation_size", "test_size")


def budgets(material: Material) -> Section | None:
    """A chart and a table for each corpus with several budgets."""
    blocks: list[Block] = []
    for place, names in enumerate(families(material)):
        labelled = {data: mean(seconds_of(material.merged.of(data), "labelled_documents")) for data in names}
        names = sorted(names, key=lambda data: labelled[data])
        corpus = str(material.merged.of(names[0])[0].record.get("name_or_path")).rstrip("/").rsplit("/", 1)[-1]
        lines: dict[str, list[tuple[float, MeanScore]]] = {}
        for method in material.merged.methods:
            found = [(labelled[data], one) for data in names if (one := material.scores_of(data).get(method))]
            if found:
                lines[method] = found
        title = f"{corpus}: accuracy against labelled documents"
        said = "; ".join(f"{m} {', '.join(percent(one.mean) for _, one in line)}" for m, line in lines.items())
        description = f"From {names[0]} to {names[-1]}: {said}."
        svg = budget_chart(lines, material.numbers, f"budgets-{place}", title, description)
        blocks.append(Figures((Figure(svg, title, description),)))
        blocks.append(_table(material, corpus, names, labelled, lines))
    return Section("Label budgets", tuple(blocks), "budgets") if blocks else None


def families(material: Material) -> list[list[str]]:
    """Data sets that differ in `labels_per_class` or `train_size` only, where there are at least two."""
    groups: dict[str, list[str]] = {}
    for data in material.merged.data:
        record = material.merged.of(data)[0].record
        groups.setdefault(json.dumps([record.get(key) for key in _SAME]), []).append(data)
    return [names for names in groups.values() if len(names) > 1 and len({_budget(material, one) for one in names}) > 1]


def _budget(material: Material, data: str) -> tuple[str, str]:
    record = material.merged.of(data)[0].record
    return str(record.get("labels_per_class")), str(record.get("train_size"))


def _table(
    material: Material,
    corpus: str,
    names: list[str],
    labelled: dict[str, float],
    lines: dict[str, list[tuple[float, MeanScore]]],
) -> Table:
    best = {data: max((one.mean for one in material.scores_of(data).values()), default=0.0) for data in names}
    rows = []
    for method in lines:
        row: list[str | Value] = [material.title(method)]
        for data in names:
            one = material.scores_of(data).get(method)
            if one is None:
                row.append(NONE)
                continue
            shown = f"{percent(one.mean)} ({span(one.interval.low, one.interval.high)})"
            row.append(Value(shown, strong=one.mean == best[data]))
        rows.append(tuple(row))
    columns = ("method", *(f"{data} ({number(labelled[data], 0)} labelled)" for data in names))
    notes = ("Mean accuracy in % with its 95 % interval.",)
    return Table(f"Accuracy on {corpus} by label budget", columns, tuple(rows), notes=notes)
