"""How many seeds or documents would be needed to tell a difference."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from scipy import special
from scipy.optimize import brentq

from gloss_pyg.compare.statistics.bootstrap import Floats
from gloss_pyg.compare.statistics.intervals import degrees_of_freedom, own_and_shared, seed_variance

POWER = 0.8
MOST_SEEDS = 1000
MOST_DOCUMENTS = 10_000_000


@dataclass(frozen=True)
class Variation:
    r"""What makes the difference between two methods vary, as variances of one seed on one document.

    The variance of the mean over `S` seeds and `n` documents is
    :math:`\sigma_\text{seed}^2 / S + \sigma_\text{document}^2 / n + \sigma_\text{rest}^2 / (S n)`.

    Attributes:
        seed: Between seeds, however many documents there are.
        document: Between documents, however many seeds there are.
        rest: What is left: chance in the answer of a fit to a document.
        pooled: Whether other pairs of methods had a say in the variation between seeds.
    """

    seed: float
    document: float
    rest: float
    pooled: bool = False


def variation(differences: Floats, covariance: Floats, documents: int, usual: float | None = None) -> Variation:
    """Take the variation of a comparison apart.

    Args:
        differences: Of each seed, `[seeds]`, at least two.
        covariance: Of these over draws of documents, `[seeds, seeds]`.
        documents: How many test documents there are.
        usual: As in `seeds_and_documents`.
    """
    own, shared = own_and_shared(covariance)
    rest = own - shared
    seed = max(seed_variance(differences, covariance, usual) - rest, 0.0)
    return Variation(seed, shared * documents, rest * documents, usual is not None)


def power(difference: float, apart: Variation, seeds: int, documents: int, alpha: float) -> float:
    """Chance that `SeedsAndDocuments` finds a true difference of this size.

    The power of a one-sample t test where documents do not vary.
    """
    of_seeds = apart.seed / seeds + apart.rest / (seeds * documents)
    total = of_seeds + apart.document / documents
    if total <= 0:
        return float(difference != 0)
    freedom = degrees_of_freedom(seeds, of_seeds, total, pooled=apart.pooled)
    centre = abs(difference) / math.sqrt(total)
    if freedom > 1e6:  # the non-central t may be NaN far out
        edge = float(special.ndtri(1 - alpha / 2))
        return float(special.ndtr(centre - edge) + special.ndtr(-edge - centre))
    edge = float(special.stdtrit(freedom, 1 - alpha / 2))
    found = float(special.nctdtr(freedom, centre, -edge) + 1 - special.nctdtr(freedom, centre, edge))
    return found if math.isfinite(found) else float(centre > edge)


def seeds_needed(difference: float, apart: Variation, documents: int, alpha: float) -> int | None:
    """Fewest seeds that tell this difference with 80 % power on these documents; `None` where over 1,000."""
    return _fewest(lambda seeds: power(difference, apart, seeds, documents, alpha), 2, MOST_SEEDS)


def documents_needed(difference: float, apart: Variation, seeds: int, alpha: float) -> int | None:
    """Fewest documents that tell it with this number of seeds; `None` where over ten million."""
    return _fewest(lambda documents: power(difference, apart, seeds, documents, alpha), 2, MOST_DOCUMENTS)


def detectable_difference(apart: Variation, seeds: int, documents: int, alpha: float) -> float:
    """Smallest true difference that would be found with 80 % power; infinite where there is none up to 1."""

    def short(difference: float) -> float:
        return power(difference, apart, seeds, documents, alpha) - POWER

    if short(1.0) < 0:
        return math.inf
    return float(brentq(short, 0.0, 1.0, xtol=1e-6)) if short(0.0) < 0 else 0.0


def _fewest(reached: Callable[[int], float], least: int, most: int) -> int | None:
    """Smallest number from which the power is reached, found by halving, since power rises with it."""
    if reached(most) < POWER:
        return None
    low, high = least, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) >= POWER else (middle + 1, high)
    return low
