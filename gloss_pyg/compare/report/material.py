"""Everything that the parts of a report are written from, read and computed once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from gloss_pyg.compare.report.merge import Merged
from gloss_pyg.compare.report.outcomes import Outcome, read_outcomes
from gloss_pyg.compare.report.runs import FoundCell
from gloss_pyg.compare.report.scores import MeanScore, Scores, mean_scores
from gloss_pyg.compare.statistics.common import missing
from gloss_pyg.compare.statistics.run import RunStatistics, compare_run
from gloss_pyg.compare.statistics.verdict import Comparison, Verdict
from gloss_pyg.errors import ConfigError, DataError, did_you_mean


@dataclass(frozen=True)
class Material:
    """What a report is written from.

    Attributes:
        merged: The cells.
        outcomes: Their predictions, as far as they can be read.
        scores: Means and intervals.
        statistics: What may be said of the differences; `None` where there is nothing to compare.
        notes: What is missing, and why.
        texts: Whether texts of documents are shown.
        reference: The method that all others are compared with; `None` where all are compared with all.
    """

    merged: Merged
    outcomes: tuple[Outcome, ...]
    scores: Scores
    statistics: RunStatistics | None
    notes: tuple[str, ...]
    texts: bool
    reference: str | None

    @property
    def numbers(self) -> dict[str, int]:
        """The place of each method, from which it has its look in all charts."""
        return {method: place for place, method in enumerate(self.merged.methods)}

    def outcomes_of(self, data: str, method: str | None = None) -> list[Outcome]:
        """The outcomes of a data set, or of a method on it."""
        return [one for one in self.outcomes if one.cell.name[0] == data and method in (None, one.cell.name[1])]

    def scores_of(self, data: str, metric: str = "accuracy") -> dict[str, MeanScore]:
        """Mean scores of the methods on a data set, the best first."""
        found = {method: one for (name, method, of), one in self.scores.items() if name == data and of == metric}
        return dict(sorted(found.items(), key=lambda item: -item[1].mean))

    def comparisons(self, data: str, metric: str, verdict: Verdict | None = None) -> list[Comparison]:
        """Comparisons on a data set."""
        return [
            one
            for one in (self.statistics.comparisons if self.statistics else ())
            if one.measured.data == data and one.measured.metric == metric and verdict in (None, one.verdict)
        ]

    def title(self, method: str) -> str:
        """A method's name, marked where it is transductive."""
        records = (cell.record for cell in self.merged.cells if cell.name[1] == method)
        return f"{method} (transductive)" if next(records, {}).get("transductive") else method


def gather(merged: Merged, *, texts: bool, reference: str | None) -> Material:
    """Read the predictions and compute the statistics.

    Raises:
        DataError: if no cell is finished.
        ConfigError: if there are no results of the reference.
        MissingExtraError: if the packages of the extra `stats` are not installed.
    """
    if not merged.cells:
        raise DataError("There are no finished cells in these results; run the comparison first.")
    check_packages()
    methods = merged.methods
    if reference is not None and reference not in methods:
        raise ConfigError(f"There are no results of the reference '{reference}'.{did_you_mean(reference, methods)}")
    outcomes, notes = read_outcomes(merged)
    statistics, scores = None, {}
    try:
        scores = mean_scores(outcomes)
        statistics = compare_run([one.predictions for one in outcomes], pairs=_pairs(outcomes, reference))
    except DataError as error:
        notes.append(f"Differences were not tested. {error}")
    return Material(merged, tuple(outcomes), scores, statistics, tuple(notes), texts, reference)


def check_packages() -> None:
    """Refuse to begin without the extra `stats`.

    Raises:
        MissingExtraError: naming it.
    """
    from importlib.util import find_spec

    for package, module in (("statsmodels", "statsmodels"), ("scikit-posthocs", "scikit_posthocs")):
        if find_spec(module) is None:
            raise missing(package, "The report")


def _pairs(outcomes: Sequence[Outcome], reference: str | None) -> list[tuple[str, str]] | None:
    if reference is None:
        return None
    names = dict.fromkeys(outcome.cell.name[1] for outcome in outcomes)
    return [pair for pair in combinations(names, 2) if reference in pair]


def seconds_of(cells: Sequence[FoundCell], key: str = "fit_seconds") -> list[float]:
    """A measure of the cells that have it."""
    return [float(value) for cell in cells if (value := cell.record.get(key)) is not None]
