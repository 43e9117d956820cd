"""All comparisons of a run: pair by pair and data set by data set, and over all data sets."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np

from gloss_pyg.compare.files import to_json
from gloss_pyg.compare.statistics.bootstrap import METRICS, RESAMPLES, score
from gloss_pyg.compare.statistics.multiple import holm
from gloss_pyg.compare.statistics.over_data_sets import OverDataSets, over_data_sets
from gloss_pyg.compare.statistics.pair import Difference, measure, usual_variance
from gloss_pyg.compare.statistics.predictions import CellPredictions, DataSetPredictions, side_by_side
from gloss_pyg.compare.statistics.verdict import MARGIN, METRIC_NAMES, Comparison, Verdict, judge
from gloss_pyg.errors import ConfigError, DataError, did_you_mean


@dataclass(frozen=True)
class RunStatistics:
    """What a run says about its methods.

    Attributes:
        comparisons: Every pair of methods on every data set, by each score.
        tests: How many of them were tested; Holm's correction is for these together.
        over_data_sets: All methods over all data sets, by each score.
        notes: How the figures were made and what is missing, in sentences.
    """

    comparisons: tuple[Comparison, ...]
    tests: int
    over_data_sets: tuple[OverDataSets, ...]
    notes: tuple[str, ...]

    def sentences(self, verdict: Verdict) -> list[str]:
        """What is said of all differences with this verdict."""
        return [comparison.sentence for comparison in self.comparisons if comparison.verdict is verdict]

    def json(self) -> bytes:
        """All of it; null where there is no number or it is infinite."""
        return to_json(asdict(self))


def compare_run(
    cells: Sequence[CellPredictions],
    *,
    metrics: Sequence[str] = METRICS,
    pairs: Sequence[tuple[str, str]] | None = None,
    margin: float = MARGIN,
) -> RunStatistics:
    """Compare all methods of a run with one another.

    Args:
        cells: The predictions of its finished cells (`read_run`, `read_folder`).
        metrics: The scores that the report shows, of `accuracy` and `macro_f1`. Each comparison that is shown makes
            chance finds likelier, so that all of them enter Holm's correction.
        pairs: The pairs of methods that the report shows, if not all.
        margin: A difference that is surely smaller than this is called noise.

    Raises:
        DataError: if there are fewer than two methods, or two were tested on different documents.
        ConfigError: if a metric or a method is not known, or the margin is no positive share.
        MissingExtraError: if the packages of the extra `stats` are not installed.
    """
    data = side_by_side(cells)
    methods = list(dict.fromkeys(method for one in data for method in one.methods))
    if len(methods) < 2:
        raise DataError(f"There are results of {methods[0]} only; two methods are needed for a comparison.")
    _check(metrics, pairs, margin, methods)
    chosen = list(pairs) if pairs is not None else list(combinations(methods, 2))
    scores, found = [], []
    notes: list[str] = []
    for one in data:
        generator = np.random.default_rng(0)
        scores.append(score(one, metrics, RESAMPLES, generator))
        for metric in metrics:
            usual = usual_variance(one, scores[-1], metric)
            for first, second in chosen:
                if first not in one.methods or second not in one.methods:
                    continue
                difference = measure(one, scores[-1], metric, first, second, usual, generator)
                if difference is not None:
                    found.append(difference)
                elif metric == metrics[0]:
                    notes.append(f"On {one.data}, {first} and {second} have no seed in common and are not compared.")
    corrected = holm([difference.p for difference in found])
    tests = sum(p is not None for p in corrected)
    comparisons = tuple(judge(one, p, tests, margin) for one, p in zip(found, corrected, strict=True))
    return RunStatistics(
        comparisons,
        tests,
        tuple(over_data_sets(data, scores, metric) for metric in metrics),
        (*_notes(found, tests, data), *notes),
    )


def _check(
    metrics: Sequence[str], pairs: Sequence[tuple[str, str]] | None, margin: float, methods: Sequence[str]
) -> None:
    for metric in metrics:
        if metric not in METRICS:
            raise ConfigError(f"There is no metric '{metric}'.{did_you_mean(metric, METRICS)}")
    if not metrics:
        raise ConfigError(f"No metric was named; name one of {', '.join(METRICS)}.")
    for pair in pairs or ():
        for method in pair:
            if method not in methods:
                raise ConfigError(f"There are no results of '{method}'.{did_you_mean(method, methods)}")
        if pair[0] == pair[1]:
            raise ConfigError(f"'{pair[0]}' is paired with itself; name two methods.")
    if pairs is not None and len({frozenset(pair) for pair in pairs}) < len(pairs):
        raise ConfigError("A pair of methods is named twice; name each once.")
    if not 0 < margin < 1:
        raise ConfigError(f"margin is {margin}; give a share between 0 and 1, as 0.01 for one point.")


def _notes(found: Sequence[Difference], tests: int, data: Sequence[DataSetPredictions]) -> list[str]:
    """How the figures were made, as far as it concerns this run."""
    seeds = {len(difference.seeds) for difference in found}
    names = " and ".join(METRIC_NAMES[metric] for metric in dict.fromkeys(difference.metric for difference in found))
    notes = []
    if tests:
        notes.append(
            f"Holm's correction is for the {tests} tests of {names} shown here together. Numbers of seeds and "
            "documents needed are for that correction, 80 % power and a true difference of the size seen."
        )
    if any(2 <= count < 10 for count in seeds):
        notes.append(
            "With 2 to 9 seeds, documents are resampled (bootstrap) and seeds are not: percentiles of so few are too "
            "narrow. What seeds vary goes into a t interval (Obuchowski and Rockette's analysis), with no less "
            "variation than is usual among the methods on the data set."
        )
    if any(count >= 10 for count in seeds):
        notes.append("With 10 or more seeds, documents and seeds are both resampled (hierarchical bootstrap).")
    if 1 in seeds:
        notes.append(
            "With one seed, intervals and McNemar's mid-p test are over documents: they speak of these two fits."
        )
    if any(count > 1 for count in seeds):
        notes.append(
            "McNemar's mid-p is given for each seed; over the seeds together each document counts once (clustered "
            "McNemar test), since answers of several fits to one document are not independent."
        )
    notes.extend(
        f"On {one.data}, test documents were drawn anew for each seed: documents are paired within a seed only."
        for one in data
        if not one.same_documents
    )
    for difference in found:
        all_seeds = next(one.seeds for one in data if one.data == difference.data)
        if len(difference.seeds) < len(all_seeds) and difference.metric == found[0].metric:
            notes.append(
                f"On {difference.data}, {difference.first} and {difference.second} share {len(difference.seeds)} of "
                f"{len(all_seeds)} seeds; only these are compared."
            )
    return notes
