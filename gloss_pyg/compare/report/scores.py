"""Mean scores of each method with their intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gloss_pyg.compare.report.outcomes import Outcome
from gloss_pyg.compare.statistics.bootstrap import METRICS, score
from gloss_pyg.compare.statistics.intervals import (
    Interval,
    accuracy_covariance,
    percentile_interval,
    seeds_and_documents,
)
from gloss_pyg.compare.statistics.predictions import DataSetPredictions, side_by_side

_RESAMPLES = 1000


@dataclass(frozen=True)
class MeanScore:
    """A score of a method on a data set.

    Attributes:
        mean: Over the seeds.
        sd: Sample standard deviation over the seeds; NaN with one.
        seeds: How many there are.
        interval: Of the mean, over documents and seeds; over documents alone with one seed.
    """

    mean: float
    sd: float
    seeds: int
    interval: Interval


Scores = dict[tuple[str, str, str], MeanScore]


def mean_scores(outcomes: Sequence[Outcome]) -> Scores:
    """For each data set, method and score (`accuracy`, `macro_f1`) its mean and interval."""
    found: Scores = {}
    if not outcomes:
        return found
    for data in side_by_side([outcome.predictions for outcome in outcomes]):
        scores = score(data, METRICS, _RESAMPLES, np.random.default_rng(0))
        for row, method in enumerate(data.methods):
            places = [place for place, seed in enumerate(data.seeds) if (method, seed) in data.predicted]
            for metric in METRICS:
                observed = scores.observed[metric][row, places]
                resampled = scores.resampled[metric][:, row, places].astype(np.float64)
                found[data.data, method, metric] = MeanScore(
                    mean=float(observed.mean()),
                    sd=float(observed.std(ddof=1)) if len(places) > 1 else float("nan"),
                    seeds=len(places),
                    interval=_within(_interval(data, method, metric, places, observed, resampled)),
                )
    return found


def _interval(
    data: DataSetPredictions,
    method: str,
    metric: str,
    places: list[int],
    observed: np.ndarray,
    resampled: np.ndarray,
) -> Interval:
    if len(places) == 1:
        return percentile_interval(resampled[:, 0])
    if not data.same_documents:
        covariance = np.diag(resampled.var(axis=0))
    elif metric == "accuracy":
        right = [data.predicted[method, data.seeds[place]] == data.labels[place] for place in places]
        covariance = accuracy_covariance(np.stack(right).astype(np.float64))
    else:
        covariance = np.atleast_2d(np.cov(resampled, rowvar=False))
    return seeds_and_documents(observed, covariance).interval()


def _within(interval: Interval) -> Interval:
    """A score is a share: an interval from two seeds that vary reaches beyond."""
    return Interval(max(interval.low, 0.0), min(interval.high, 1.0), interval.level, interval.kind)
