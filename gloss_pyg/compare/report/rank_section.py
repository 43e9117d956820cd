"""The critical-difference diagram over data sets, where there are enough of them for Friedman's test."""

import tempfile
from pathlib import Path
from typing import Any

import matplotlib as mpl

from gloss_pyg.compare.report.content import Block, Figure, Figures, Items, Section, Table
from gloss_pyg.compare.report.drawing import BAR, INK, inline
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.wording import NONE, number, p_value
from gloss_pyg.compare.statistics.diagram import draw_ranks
from gloss_pyg.compare.statistics.over_data_sets import OverDataSets
from gloss_pyg.compare.statistics.ranks import Ranking
from gloss_pyg.compare.statistics.verdict import METRIC_NAMES

# The colours of `statistics/diagram.py` and matplotlib's own, as the page knows them.
_STYLE = {"svg.fonttype": "none", "savefig.transparent": True, "text.color": INK, "font.size": 11}
_COLOURS = {"#222222": INK, "#000000": INK, "#0072b2": BAR, "#0072B2": BAR}


def ranks(material: Material) -> Section | None:
    """Average ranks of all methods over the data sets."""
    if material.statistics is None or len(material.merged.data) < 2:
        return None
    blocks: list[Block] = []
    for over in material.statistics.over_data_sets:
        if over.ranking is None or len(over.data_sets) < 2:
            continue
        parts: list[Block] = []
        if (figure := _figure(over.ranking, over.metric)) is not None:
            parts.append(Figures((figure,), "wide"))
        parts += [_table(material, over, over.ranking), Items(over.sentences)]
        blocks.append(Section(f"By {METRIC_NAMES[over.metric]}", tuple(parts)))
    return Section("Over all data sets", tuple(blocks), "ranks") if blocks else None


def _figure(ranking: Ranking, metric: str) -> Figure | None:
    title = f"Critical-difference diagram by {METRIC_NAMES[metric]}"
    said = ", ".join(f"{m} {rank:.2f}" for rank, m in sorted(zip(ranking.average_ranks, ranking.methods, strict=True)))
    description = f"Average ranks, 1 is the best: {said}. A bar joins methods that Nemenyi's test cannot tell apart."
    style: Any = _STYLE | {"svg.hashsalt": metric}
    with tempfile.TemporaryDirectory() as folder, mpl.rc_context(style):
        path = Path(folder) / "ranks.svg"
        if not draw_ranks(ranking, path):
            return None
        svg = path.read_text(encoding="utf-8")
    for given, ours in _COLOURS.items():
        svg = svg.replace(given, ours)
    return Figure(inline(svg, f"ranks-{metric.replace('_', '-')}", title, description), title, description)


def _table(material: Material, over: OverDataSets, ranking: Ranking) -> Table:
    means = {(pair.first, pair.second): pair for pair in over.pairs}
    order = sorted(range(len(ranking.methods)), key=lambda place: ranking.average_ranks[place])
    best = ranking.methods[order[0]]
    rows = []
    for place in order:
        name = ranking.methods[place]
        pair = means.get((best, name)) or means.get((name, best))
        nemenyi = ranking.nemenyi[order[0]][place] if ranking.nemenyi is not None and name != best else None
        wilcoxon = p_value(pair.p_holm) if pair else NONE
        rows.append((material.title(name), number(ranking.average_ranks[place]), p_value(nemenyi), wilcoxon))
    columns = ("method", "average rank", f"p against {best} (Nemenyi)", "p (Wilcoxon, Holm)")
    return Table(
        f"Average ranks over {len(over.data_sets)} data sets by {METRIC_NAMES[over.metric]}", columns, tuple(rows)
    )
