"""The parts of a report in their order: the answer first, then what it rests on."""

from collections.abc import Sequence
from datetime import UTC, datetime

from gloss_pyg.compare.report.answer import answer
from gloss_pyg.compare.report.budget_section import budgets
from gloss_pyg.compare.report.class_section import classes
from gloss_pyg.compare.report.content import Report
from gloss_pyg.compare.report.cost_section import cost
from gloss_pyg.compare.report.differences_section import differences
from gloss_pyg.compare.report.document_section import documents
from gloss_pyg.compare.report.learning_section import learning
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.rank_section import ranks
from gloss_pyg.compare.report.results_section import results
from gloss_pyg.compare.report.settings_section import cells, settings
from gloss_pyg.compare.report.wording import count, listed


def build(material: Material, configurations: Sequence[str], command: Sequence[str]) -> Report:
    """Write all parts.

    Args:
        material: What was read and computed.
        configurations: The comparison as YAML.
        command: Arguments of the command that makes this report.
    """
    merged = material.merged
    parts = (
        answer(material),
        results(material),
        differences(material),
        ranks(material),
        budgets(material),
        cost(material),
        learning(material),
        classes(material),
        documents(material),
        settings(material, configurations, command),
        cells(material),
    )
    subtitle = f"{count(len(merged.cells), 'finished fit')}; report of {datetime.now(UTC):%d %B %Y}, made by gloss_pyg."
    title = f"{count(len(merged.methods), 'method')} compared on {listed(merged.data, 4)}"
    return Report(title, subtitle, tuple(part for part in parts if part is not None))
