"""Confidence intervals of a difference between two methods: over documents, over seeds, and over both.

| interval | what would be done again | from |
|---|---|---|
| `documents` | the test documents, with these trained models | the bootstrap |
| `seeds` | the fits with other seeds, on these test documents | a t interval |
| `both` | documents and fits | below 10 seeds `SeedsAndDocuments`, from 10 on the hierarchical bootstrap |

The last is the one for "is this method better?". Percentiles of a few resampled seeds are too narrow (with 3 seeds one
comparison in four of equal methods shows a difference), so that fewer than 10 are never resampled.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from gloss_pyg.compare.statistics.bootstrap import Floats
from gloss_pyg.compare.statistics.common import LEVEL

FEWEST_RESAMPLED_SEEDS = 10


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a difference.

    Attributes:
        low: Lower end, in the unit of the score: 0.01 is a point.
        high: Upper end.
        level: Confidence level.
        kind: How it was made, in words.
    """

    low: float
    high: float
    level: float
    kind: str


def percentile_interval(resampled: Floats) -> Interval:
    """The middle of resampled differences `[resamples]`."""
    low, high = np.quantile(resampled, _tails())
    return Interval(float(low), float(high), LEVEL, "over documents: percentiles of the bootstrap, these fits")


def seed_interval(differences: Floats) -> Interval | None:
    r"""`\bar d \pm t_{S-1} s / \sqrt S` for the differences of `S` seeds; `None` for fewer than two.

    Source: Student, "The probable error of a mean", Biometrika 6, 1908.

    Example:
        >>> found = seed_interval(np.array([0.01, 0.02, 0.03]))
        >>> round(found.low, 4), round(found.high, 4)
        (-0.0048, 0.0448)
    """
    if len(differences) < 2:
        return None
    mean, error = float(np.mean(differences)), float(np.std(differences, ddof=1)) / math.sqrt(len(differences))
    half = _t_quantile(len(differences) - 1.0) * error
    kind = f"over {len(differences)} seeds: t interval, these test documents"
    return Interval(mean - half, mean + half, LEVEL, kind)


@dataclass(frozen=True)
class SeedsAndDocuments:
    r"""Test of a mean difference where both seeds and documents are samples of more.

    Let `d_s` be the difference of seed `s`, `V` the mean variance that documents give to it, and `C` the mean
    covariance of two seeds' differences, which they have because they share documents (both from the bootstrap):

    .. math:: SE^2 = v + \max(C, 0), \qquad v = \max(\mathrm{var}(d), V - \max(C, 0), u) / S, \qquad
              \nu = (S - 1) (SE^2 / v)^2

    and `d / SE` is taken to follow a t distribution with `\nu` degrees of freedom. This is the analysis of studies in
    which several readers read the same cases, with fits in place of readers. Three seeds may agree by chance, and then
    promise more than they can: where seeds vary more than documents do, many comparisons together find a difference
    between equal methods in 20 to 80 % of reports, Holm's correction or not. So `v` is no less than what chance in
    single documents makes it, nor than `u`, the median of `var(d)` over all pairs of methods on the data set. Where
    there is one pair only, the square is left out of `\nu` instead. Two seeds have one degree of freedom.

    Attributes:
        difference: Mean over the seeds.
        standard_error: `SE`.
        degrees_of_freedom: `\nu`; infinite where seeds change nothing.
        p: Two-sided; 1 where nothing varies and the difference is 0.

    Source: Obuchowski & Rockette, Commun. Stat. Simul. 24, 1995; Hillis, Stat. Med. 26, 2007.
    """

    difference: float
    standard_error: float
    degrees_of_freedom: float
    p: float

    def interval(self) -> Interval:
        r"""`d \pm t SE`."""
        half = _t_quantile(self.degrees_of_freedom) * self.standard_error
        kind = "over documents and seeds: t interval, with the documents' share from the bootstrap"
        return Interval(self.difference - half, self.difference + half, LEVEL, kind)


def seeds_and_documents(differences: Floats, covariance: Floats, usual: float | None = None) -> SeedsAndDocuments:
    """Test whether the mean difference is 0.

    Args:
        differences: Of each seed, `[seeds]`, at least two.
        covariance: Of these differences over draws of documents, `[seeds, seeds]`; 0 between seeds that do not share
            their documents.
        usual: `u`, the median variance over seeds of all pairs on the data set; `None` where this is the only pair.
    """
    count = len(differences)
    mean = float(np.mean(differences))
    of_seeds = seed_variance(differences, covariance, usual) / count
    total = of_seeds + own_and_shared(covariance)[1]
    freedom = degrees_of_freedom(count, of_seeds, total, pooled=usual is not None)
    error = math.sqrt(total)
    p = _t_tails(abs(mean) / error, freedom) if error > 0 else float(mean == 0)
    return SeedsAndDocuments(mean, error, freedom, p)


def seed_variance(differences: Floats, covariance: Floats, usual: float | None) -> float:
    """Variance of one seed's difference that other documents would not change; 0 where seeds change nothing."""
    own, shared = own_and_shared(covariance)
    found = max(float(np.var(differences, ddof=1)), own - shared)
    return found if found <= 1e-12 * own or usual is None else max(found, usual)


def own_and_shared(covariance: Floats) -> tuple[float, float]:
    """Mean variance of one seed's difference over draws of documents, and mean covariance of two, at least 0."""
    count = len(covariance)
    own = float(np.trace(covariance)) / count
    shared = max((float(covariance.sum()) - own * count) / (count * (count - 1)), 0.0)
    return own, min(own, shared)


def degrees_of_freedom(seeds: int, of_seeds: float, total: float, *, pooled: bool) -> float:
    """Of a squared standard error of which `of_seeds` comes from this many seeds.

    Args:
        seeds: How many there are.
        of_seeds: The part.
        total: The whole.
        pooled: Whether other pairs had a say in the part.
    """
    if of_seeds <= 1e-12 * total:
        return math.inf
    return 1.0 if seeds == 2 else (seeds - 1) * (total / of_seeds) ** (2 if pooled else 1)


def hierarchical_interval(resampled: Floats, freedom: float, generator: np.random.Generator) -> Interval:
    r"""Percentiles of the bootstrap over documents and seeds, both drawn again.

    Percentiles of few seeds are too narrow even so: they are taken further out, at
    `\Phi(-t_\nu \sqrt{(\nu+1)/\nu})`.

    Args:
        resampled: Differences for draws of documents, `[resamples, seeds]`.
        freedom: Degrees of freedom of the standard error, as in `SeedsAndDocuments`.
        generator: Draws the seeds.

    Source: the expanded percentile interval of Hesterberg, "What teachers should know about the bootstrap",
    The American Statistician 69, 2015.
    """
    resamples, count = resampled.shape
    if count < FEWEST_RESAMPLED_SEEDS:
        raise ValueError(f"{count} seeds are too few to be resampled; at least {FEWEST_RESAMPLED_SEEDS} are.")
    chosen = generator.integers(0, count, (resamples, count))
    means = np.take_along_axis(resampled, chosen, axis=1).mean(axis=1)
    widening = 1.0 if math.isinf(freedom) else math.sqrt((freedom + 1) / freedom)
    tail = float(special.ndtr(-widening * _t_quantile(freedom)))
    low, high = np.quantile(means, (tail, 1 - tail))
    return Interval(float(low), float(high), LEVEL, f"over documents and {count} seeds: hierarchical bootstrap")


def accuracy_covariance(differences: Floats) -> Floats:
    """Covariance over draws of documents of the seeds' mean differences, as infinitely many resamples give it.

    Args:
        differences: Of each seed and document, `[seeds, documents]`.

    Returns:
        `[seeds, seeds]`.
    """
    centred = differences - differences.mean(axis=1, keepdims=True)
    covariance: Floats = centred @ centred.T / differences.shape[1] ** 2
    return covariance


def _tails() -> tuple[float, float]:
    return (1 - LEVEL) / 2, (1 + LEVEL) / 2


def _t_quantile(freedom: float) -> float:
    """`scipy.stats.t.ppf`, without what it spends on checks: thousands are asked for."""
    return float(special.ndtri(_tails()[1]) if math.isinf(freedom) else special.stdtrit(freedom, _tails()[1]))


def _t_tails(value: float, freedom: float) -> float:
    return float(2 * (special.ndtr(-value) if math.isinf(freedom) else special.stdtr(freedom, -value)))
