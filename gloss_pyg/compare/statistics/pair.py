"""Two methods on one data set: what is measured of their difference, before anything is concluded from it."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import stats

from gloss_pyg.compare.statistics.bootstrap import Floats, Scores, exact_quantiles
from gloss_pyg.compare.statistics.common import ALPHA, LEVEL
from gloss_pyg.compare.statistics.effects import Effect, effect
from gloss_pyg.compare.statistics.intervals import (
    FEWEST_RESAMPLED_SEEDS,
    Interval,
    accuracy_covariance,
    hierarchical_interval,
    percentile_interval,
    seed_interval,
    seeds_and_documents,
)
from gloss_pyg.compare.statistics.paired import Discordant, clustered_mcnemar, mcnemar_mid_p, smallest_p
from gloss_pyg.compare.statistics.power import Variation, variation
from gloss_pyg.compare.statistics.predictions import DataSetPredictions
from gloss_pyg.compare.statistics.ranks import RankTest, wilcoxon


@dataclass(frozen=True)
class Difference:
    """The difference between two methods on a data set: first less second, 0.01 is a point.

    Attributes:
        data: Name of the data set.
        metric: `accuracy` or `macro_f1`.
        first: Name of one method.
        second: Name of the other.
        seeds: Seeds that both are finished with.
        documents: Test documents of a seed.
        same_documents: Whether all seeds have the same ones.
        first_score: Mean of the first method over these seeds.
        second_score: Mean of the second.
        difference: Of the two.
        interval: Over documents and seeds; over documents alone with one seed.
        documents_interval: Over documents, with these fits.
        seeds_interval: Over seeds, on these documents; `None` with one seed.
        p: Of no difference over documents and seeds; with one seed over documents; `None` where too few documents are
            answered differently for any test.
        test: Which test gave `p`.
        smallest_p: The smallest p that the number of documents answered differently admits.
        differing_documents: On how many documents one method is right and the other wrong, with any seed; of macro-F1,
            how many the two give different classes.
        documents_p: McNemar's test of these fits: mid-p with one seed, clustered over several. `None` for other scores
            than accuracy, and where seeds have documents of their own, whose counts are not added up.
        discordant: McNemar's test of each seed by itself.
        wilcoxon: Wilcoxon's test over the seeds.
        effect: Effect sizes of accuracy.
        variation: What makes the difference vary; `None` with one seed.
    """

    data: str
    metric: str
    first: str
    second: str
    seeds: tuple[int, ...]
    documents: int
    same_documents: bool
    first_score: float
    second_score: float
    difference: float
    interval: Interval
    documents_interval: Interval
    seeds_interval: Interval | None
    p: float | None
    test: str
    smallest_p: float
    differing_documents: int
    documents_p: float | None
    discordant: tuple[Discordant, ...]
    wilcoxon: RankTest
    effect: Effect
    variation: Variation | None


def measure(
    data: DataSetPredictions,
    scores: Scores,
    metric: str,
    first: str,
    second: str,
    usual: float | None,
    generator: np.random.Generator,
) -> Difference | None:
    """Measure the difference of two methods; `None` where they have no seed in common.

    Args:
        data: The predictions.
        scores: The scores of all methods on them.
        metric: `accuracy` or `macro_f1`.
        first: One method.
        second: The other.
        usual: `usual_variance` of this data set and metric.
        generator: Draws the seeds where there are enough to be resampled.
    """
    places = data.seeds_of_both(first, second)
    if not places:
        return None
    one, other = data.methods.index(first), data.methods.index(second)
    of_first, of_second = scores.observed[metric][one, places], scores.observed[metric][other, places]
    differences = of_first - of_second
    resampled = scores.resampled[metric][:, one, places] - scores.resampled[metric][:, other, places]
    answers = [_answers(data, place, first, second) for place in places]
    documents = round(float(np.mean([len(answer) for answer in answers])))
    discordant = _discordant([data.seeds[place] for place in places], answers)
    together = np.stack(answers) if data.same_documents else None
    covariance = _covariance(metric, resampled, answers, together)
    differing = _differing(data, metric, places, first, second, answers)
    least = smallest_p(differing)

    over_documents = _documents_interval(metric, resampled, together)
    p: float | None
    documents_p = None
    if metric == "accuracy" and together is not None:
        documents_p = discordant[0].p if len(places) == 1 else clustered_mcnemar(together)
    if len(places) == 1:
        if metric == "accuracy":
            p, test = discordant[0].p, "McNemar's mid-p"
        else:
            p = _normal_p(float(differences[0]), float(np.sqrt(covariance[0, 0])))
            test = "normal, with the bootstrap's standard error"
        interval, apart = over_documents, None
    else:
        found = seeds_and_documents(differences, covariance, usual)
        p, test, interval = found.p, "t over documents and seeds", found.interval()
        apart = variation(differences, covariance, documents, usual)
        if len(places) >= FEWEST_RESAMPLED_SEEDS:
            interval = hierarchical_interval(resampled, found.degrees_of_freedom, generator)
    return Difference(
        data=data.data,
        metric=metric,
        first=first,
        second=second,
        seeds=tuple(data.seeds[place] for place in places),
        documents=documents,
        same_documents=data.same_documents,
        first_score=float(of_first.mean()),
        second_score=float(of_second.mean()),
        difference=round(float(differences.mean()), 12)
        + 0.0,  # equal means are equal, whatever they were added up from
        interval=interval,
        documents_interval=over_documents,
        seeds_interval=seed_interval(differences),
        p=None if p is None or least > ALPHA else max(p, least),
        test=test,
        smallest_p=least,
        differing_documents=differing,
        documents_p=None if least > ALPHA else documents_p,
        discordant=discordant,
        wilcoxon=wilcoxon(differences, "seeds"),
        effect=effect(
            float(scores.observed["accuracy"][one, places].mean()),
            float(scores.observed["accuracy"][other, places].mean()),
            sum(seed.first_only for seed in discordant),
            sum(seed.second_only for seed in discordant),
        ),
        variation=apart,
    )


def usual_variance(data: DataSetPredictions, scores: Scores, metric: str) -> float | None:
    """Median over all pairs of methods of the variance of their difference over seeds.

    `None` for fewer than two such pairs: one pair says nothing about what is usual.
    """
    found = []
    for one, other in combinations(range(len(data.methods)), 2):
        differences = scores.observed[metric][one] - scores.observed[metric][other]
        differences = differences[np.isfinite(differences)]
        if len(differences) > 1:
            found.append(float(np.var(differences, ddof=1)))
    return float(np.median(found)) if len(found) > 1 else None


def _answers(data: DataSetPredictions, place: int, first: str, second: str) -> Floats:
    """1 where only the first is right, -1 where only the second is, `[documents]`."""
    seed, labels = data.seeds[place], data.labels[place]
    right = (data.predicted[first, seed] == labels).astype(np.float64)
    answers: Floats = right - (data.predicted[second, seed] == labels)
    return answers


def _differing(
    data: DataSetPredictions, metric: str, places: list[int], first: str, second: str, answers: list[Floats]
) -> int:
    """Documents that can make a difference in a score: macro-F1 depends on which wrong class a document was given."""
    if metric == "accuracy":
        apart = [answer != 0 for answer in answers]
    else:
        seeds = [data.seeds[place] for place in places]
        apart = [data.predicted[first, seed] != data.predicted[second, seed] for seed in seeds]
    return int(np.stack(apart).any(axis=0).sum()) if data.same_documents else sum(int(one.sum()) for one in apart)


def _discordant(seeds: list[int], answers: list[Floats]) -> tuple[Discordant, ...]:
    first_only = [int((answer > 0).sum()) for answer in answers]
    second_only = [int((answer < 0).sum()) for answer in answers]
    found = []
    for seed, b, c, p in zip(seeds, first_only, second_only, mcnemar_mid_p(first_only, second_only), strict=True):
        least = smallest_p(b + c)
        found.append(Discordant(seed, b, c, None if least > ALPHA else float(p), least))
    return tuple(found)


def _covariance(metric: str, resampled: Floats, answers: list[Floats], together: Floats | None) -> Floats:
    if metric == "accuracy" and together is not None:
        return accuracy_covariance(together)
    if together is None:
        own = [answer.var() / len(answer) for answer in answers] if metric == "accuracy" else resampled.var(axis=0)
        return np.diag(np.asarray(own, np.float64))
    return np.atleast_2d(np.cov(resampled.astype(np.float64), rowvar=False))


def _documents_interval(metric: str, resampled: Floats, together: Floats | None) -> Interval:
    if metric == "accuracy" and together is not None:
        low, high = exact_quantiles(together.sum(axis=0).astype(np.int64), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
        count = len(together)
        kind = "over documents: percentiles of the bootstrap with infinitely many resamples, these fits"
        return Interval(float(low) / count, float(high) / count, LEVEL, kind)
    return percentile_interval(resampled.mean(axis=1))


def _normal_p(difference: float, error: float) -> float:
    return float(2 * stats.norm.sf(abs(difference) / error)) if error > 0 else float(difference == 0)
