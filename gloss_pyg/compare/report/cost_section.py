"""Accuracy against what it cost: seconds and memory."""

from collections.abc import Sequence

from gloss_pyg.compare.report.charts import cost_chart
from gloss_pyg.compare.report.content import Block, Figure, Figures, Section, Table, Text
from gloss_pyg.compare.report.material import Material, seconds_of
from gloss_pyg.compare.report.runs import FoundCell
from gloss_pyg.compare.report.scores import MeanScore
from gloss_pyg.compare.report.wording import count, gib, listed, mean, number, percent, seconds

_PARTS = {
    "setup_seconds": "set-up",
    "checkpoint_seconds": "first fine-tuning",
    "graph_seconds": "corpus graph",
    "training_seconds": "training",
}
_SHOWN_SECONDS = 0.05


def cost(material: Material) -> Section:
    """What each method took, as a table, and beside its accuracy as charts."""
    blocks: list[Block] = []
    machines = list(dict.fromkeys(_machine(cell) for cell in material.merged.cells))
    if len(machines) > 1:
        blocks.append(
            Text(
                f"The fits ran on {count(len(machines), 'kind')} of machine ({listed(machines, 3)}): their times and "
                "memory can be compared only where the machine is the same.",
                "warning",
            )
        )
    else:
        blocks.append(Text(f"All fits ran on: {machines[0]}. What else that machine did meanwhile is in the times."))
    for place, data in enumerate(material.merged.data):
        parts: list[Block] = [_table(material, data)]
        scores = material.scores_of(data)
        costs = {method: _costs(material.merged.of(data, method)) for method in scores}
        figures: list[Figure] = []
        for key, words, unit in (("seconds", "seconds of a fit", "s"), ("memory", "peak memory", "GiB")):
            points = {method: (costs[method][key], found) for method, found in scores.items() if costs[method][key] > 0}
            if len(points) > 1:
                figures.append(_figure(material, data, points, words, unit, f"cost-{key}-{place}"))
        if figures:
            parts.append(Figures(tuple(figures)))
        blocks += parts if len(material.merged.data) == 1 else [Section(data, tuple(parts))]
    return Section("Accuracy and cost", tuple(blocks), "cost")


def _figure(
    material: Material, data: str, points: dict[str, tuple[float, MeanScore]], words: str, unit: str, name: str
) -> Figure:
    title = f"{data}: accuracy against {words}"
    said = "; ".join(
        f"{method} {value:,.1f} {unit}, {percent(found.mean)}" for method, (value, found) in points.items()
    )
    description = (
        f"Further up is better, further left is cheaper. {said}. The numbers are in the tables of scores and cost."
    )
    return Figure(
        cost_chart(points, material.numbers, f"{words} ({unit})" if unit != "s" else words, name, title, description),
        title,
        description,
    )


def _costs(cells: Sequence[FoundCell]) -> dict[str, float]:
    fit = mean(seconds_of(cells))
    memory = mean(seconds_of(cells, "peak_memory_bytes")) / 2**30
    return {"seconds": fit if fit > 0 else 0.0, "memory": memory if memory > 0 else 0.0}


def _table(material: Material, data: str) -> Table:
    merged = material.merged
    here = merged.of(data)
    with_accelerator = any(cell.record.get("peak_accelerator_bytes") for cell in here)
    used = [part for part in _PARTS if max([0.0, *seconds_of(here, part)]) >= _SHOWN_SECONDS]
    rows = []
    for method in merged.methods:
        cells = merged.of(data, method)
        if not cells:
            continue
        parts = {part: mean(seconds_of(cells, part)) for part in _PARTS}
        parts["setup_seconds"] -= parts["checkpoint_seconds"] if parts["checkpoint_seconds"] > 0 else 0.0
        row = [material.title(method), seconds(mean(seconds_of(cells))), *(seconds(parts[part]) for part in used)]
        row += [seconds(mean(seconds_of(cells, key))) for key in ("seconds_per_epoch", "predict_seconds")]
        row.append(number(100 * mean(seconds_of(cells, "loss_overhead")), 2))
        row.append(gib(max(seconds_of(cells, "peak_memory_bytes"), default=0.0)))
        if with_accelerator:
            row.append(gib(max(seconds_of(cells, "peak_accelerator_bytes"), default=0.0)))
        rows.append(tuple(row))
    columns = ["method", "fit (s)", *(f"{_PARTS[part]} (s)" for part in used)]
    columns += ["an epoch (s)", "prediction (s)", "loss (% of a step)", "memory (GiB)"]
    if with_accelerator:
        columns.append("accelerator (GiB)")
    notes = ["Means over the seeds; memory is the most that a fit's process held, libraries and data included."]
    if any(cell.record.get("peak_memory_since_start") for cell in here):
        notes.append("Some machines cannot reset that mark: there it repeats the largest fit of the process so far.")
    return Table(f"What the fits on {data} took", tuple(columns), tuple(rows), notes=tuple(notes))


def _machine(cell: FoundCell) -> str:
    record = cell.record
    parts = [f"{record.get('cpus', '?')} cores of {record.get('processor') or 'an unknown processor'}"]
    return ", ".join(parts + ([str(record["accelerator"])] if record.get("accelerator") else []))
