"""Rank tests over data sets (or seeds), where each is one observation: Wilcoxon, Friedman, Nemenyi.

Where not even the clearest outcome could reach the 5 % level, nothing is tested and a note says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import stats

from gloss_pyg.compare.statistics.bootstrap import Floats
from gloss_pyg.compare.statistics.common import ALPHA, missing
from gloss_pyg.compare.statistics.effects import rank_biserial
from gloss_pyg.errors import DataError

_MOST_PERMUTED = 13


@dataclass(frozen=True)
class RankTest:
    """A rank test of two methods, or of all.

    Attributes:
        test: Its name.
        observations: How many data sets or seeds it rests on.
        statistic: The test's statistic; NaN where it was not made.
        p: Two-sided; `None` where it was not made.
        smallest_p: The smallest p that this number of observations can give.
        effect: Rank-biserial correlation of two methods, Kendall's W (agreement of the data sets on the order) of all;
            NaN where there is none.
        note: Why no test was made, else empty.
    """

    test: str
    observations: int
    statistic: float
    p: float | None
    smallest_p: float
    effect: float
    note: str


@dataclass(frozen=True)
class Ranking:
    """All methods over all data sets.

    Attributes:
        methods: Names.
        average_ranks: 1 is the best; ties share their ranks.
        friedman: Whether the methods differ at all.
        critical_difference: Two methods whose average ranks are further apart differ by Nemenyi's test; NaN for fewer
            than three methods.
        nemenyi: Nemenyi's p of each pair, `[methods][methods]`, already corrected for their number; `None` where
            Friedman's test was not made.
    """

    methods: tuple[str, ...]
    average_ranks: tuple[float, ...]
    friedman: RankTest
    critical_difference: float
    nemenyi: tuple[tuple[float, ...], ...] | None


def wilcoxon(differences: Floats, unit: str) -> RankTest:
    """Wilcoxon's signed-rank test of two methods, exact for up to 13 observations and where nothing is tied.

    Differences of 0 are shared between both sides.

    Args:
        differences: First method less second, one for each observation.
        unit: What an observation is, in the plural: "data sets", "seeds".

    Source: Demšar, "Statistical comparisons of classifiers over multiple data sets", JMLR 7, 2006, section 3.1.3.

    Example:
        >>> wilcoxon(np.array([0.01, 0.02, 0.03, 0.01, 0.05]), "seeds").note
        "Wilcoxon's test was not made: 5 seeds can give no p below 0.0625."
    """
    rounded = _rounded(differences)
    count, differing = len(rounded), int(np.count_nonzero(rounded))
    least = 2.0 ** (1 - differing) if differing else 1.0
    effect = rank_biserial(rounded) if differing else 0.0
    name = "Wilcoxon signed-rank"
    if least > ALPHA:
        equal = f", {count - differing} of them with equal scores," if differing < count else ""
        note = f"Wilcoxon's test was not made: {count} {unit}{equal} can give no p below {min(least, 1.0):.3g}."
        return RankTest(name, count, math.nan, None, least, effect, note)
    tied = differing < count or len(np.unique(np.abs(rounded))) < count
    if not tied or count > _MOST_PERMUTED:
        found = stats.wilcoxon(rounded, zero_method="zsplit")
        return RankTest(name, count, float(found.statistic), float(found.pvalue), least, effect, "")
    # All signs, as scipy's own test of ties does, which takes seconds for it.
    ranks = stats.rankdata(np.abs(rounded))
    signs = stats.permutation_test(
        (ranks * np.sign(rounded),),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**_MOST_PERMUTED,
    )
    positive = float(ranks[rounded > 0].sum() + ranks[rounded == 0].sum() / 2)
    return RankTest(name, count, min(positive, float(ranks.sum()) - positive), float(signs.pvalue), least, effect, "")


def rank_methods(scores: Floats, methods: Sequence[str]) -> Ranking:
    """Friedman's test over data sets, then Nemenyi's of all pairs.

    Args:
        scores: Higher is better, `[data sets, methods]`.
        methods: Their names.

    Raises:
        DataError: if a score is missing: a method without a result on a data set has no rank there.
        MissingExtraError: if scikit-posthocs is not installed.

    Source: Demšar, JMLR 7, 2006, section 3.2.2.
    """
    if not np.isfinite(scores).all():
        raise DataError(
            f"Methods are ranked on data sets that all of {', '.join(methods)} are finished on; some are not."
        )
    average, test = friedman(scores)
    distance = critical_difference(*scores.shape) if len(methods) > 2 else math.nan
    return Ranking(tuple(methods), average, test, distance, None if test.p is None else _nemenyi(_rounded(scores)))


def friedman(scores: Floats) -> tuple[tuple[float, ...], RankTest]:
    """Average ranks, 1 for the best, and Friedman's test, corrected for ties.

    Args:
        scores: Higher is better, `[data sets, methods]`.

    Source: Friedman, "The use of ranks to avoid the assumption of normality", JASA 32, 1937.
    """
    count, many = scores.shape
    ranks = stats.rankdata(-_rounded(scores), axis=1)
    average = tuple(float(rank) for rank in ranks.mean(axis=0))
    least = float(stats.chi2.sf(count * (many - 1), many - 1)) if many > 2 else 1.0
    if many < 3:
        note = f"Friedman's test was not made: it needs three methods, and there are {many}."
    elif least > ALPHA:
        sets = f"{count} data set{'s' if count > 1 else ''}"
        note = f"Friedman's test was not made: {sets} and {many} methods can give no p below {least:.3g}."
    else:
        note = ""
    if note:
        return average, RankTest("Friedman", count, math.nan, None, least, math.nan, note)
    statistic, p = 0.0, 1.0  # all equal everywhere: the correction for ties would divide by zero
    if (ranks != ranks[:, :1]).any():
        found = stats.friedmanchisquare(*ranks.T)
        statistic, p = float(found.statistic), float(found.pvalue)
    return average, RankTest("Friedman", count, statistic, p, least, statistic / (count * (many - 1)), "")


@cache
def critical_difference(data_sets: int, methods: int) -> float:
    r"""By how much two average ranks must differ at the 5 % level, for the whole family of pairs.

    .. math:: CD = q_\alpha \sqrt{\frac{k (k + 1)}{6 N}}

    for `N` data sets and `k` methods, `q` being the quantile of the Studentised range over `\sqrt 2`.

    Source: Nemenyi, Distribution-free multiple comparisons, PhD thesis, Princeton 1963.
    """
    quantile = float(stats.studentized_range.ppf(1 - ALPHA, methods, np.inf)) / math.sqrt(2)
    return quantile * math.sqrt(methods * (methods + 1) / (6 * data_sets))


def _rounded(scores: Floats) -> Floats:
    """Scores without the last digits of arithmetic, so that a tie is a tie: 0.931 - 0.936 and 0.763 - 0.768."""
    rounded: Floats = np.round(np.asarray(scores, np.float64), 12)
    return rounded


def _nemenyi(scores: Floats) -> tuple[tuple[float, ...], ...]:
    try:
        from scikit_posthocs import posthoc_nemenyi_friedman
    except ImportError as error:
        raise missing("scikit-posthocs", "Nemenyi's test") from error
    table = posthoc_nemenyi_friedman(scores).to_numpy()
    return tuple(tuple(float(p) for p in row) for row in table)
