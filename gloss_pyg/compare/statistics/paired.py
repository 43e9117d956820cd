"""McNemar's test: do two methods make the same number of errors on the same documents?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from gloss_pyg.compare.statistics.bootstrap import Floats
from gloss_pyg.compare.statistics.predictions import Ints

Counts = int | Sequence[int] | Ints


@dataclass(frozen=True)
class Discordant:
    """The documents of one seed on which exactly one of two methods is right.

    Attributes:
        seed: The seed.
        first_only: How many only the first method has right.
        second_only: How many only the second has right.
        p: Of McNemar's mid-p test; `None` where so few documents can give no p at or below 5 %.
        smallest_p: The smallest p that this number of documents can give.
    """

    seed: int
    first_only: int
    second_only: int
    p: float | None
    smallest_p: float


def mcnemar_mid_p(first_only: Counts, second_only: Counts) -> Floats:
    r"""Two-sided mid-p of McNemar's test, for any number of pairs of counts at once.

    .. math:: p = 2 P(X < m) + P(X = m), \quad X \sim \mathrm{Binomial}(b + c, \tfrac12),\ m = \min(b, c)

    less `P(X = m) / 2` where `b = c`, and 1 where there are no such documents. It keeps the level, where the exact test
    falls well short of it and so misses differences.

    Args:
        first_only: `b`, the number of documents that only the first method has right.
        second_only: `c`, those that only the second has right.

    Source: Fagerland, Lydersen & Laake, "The McNemar test for binary matched-pairs data: mid-p and asymptotic are
    better than exact conditional", BMC Medical Research Methodology 13:91, 2013.

    Example:
        >>> round(float(mcnemar_mid_p(1, 7)), 4)
        0.0391
    """
    b, c = np.asarray(first_only), np.asarray(second_only)
    smaller = np.minimum(b, c)
    p: Floats = 2 * stats.binom.cdf(smaller, b + c, 0.5) - stats.binom.pmf(smaller, b + c, 0.5)
    even = np.where(b + c > 0, 1 - 0.5 * stats.binom.pmf(smaller, b + c, 0.5), 1.0)
    return np.where(b == c, even, p)


def clustered_mcnemar(differences: Floats) -> float:
    r"""McNemar's test over several seeds, in which each document counts once.

    Answers of several seeds on one document are not independent, so that their counts may not be added up as if there
    were that many documents. With `d_i` the sum of a document's differences over the seeds,

    .. math:: z = \frac{\sum_i d_i}{\sqrt{\sum_i d_i^2}}

    is standard normal where the methods are equal. It speaks of these fits; other seeds are not in it.

    Args:
        differences: 1 where only the first method is right, -1 where only the second, `[seeds, documents]`.

    Returns:
        The two-sided p; 1 where the methods never differ.

    Source: Durkalski, Palesch, Lipsitz & Rust, "Analysis of clustered matched-pair data", Stat. Med. 22, 2003.

    Example:
        >>> clustered_mcnemar(np.array([[1, 1, -1, 0], [1, 1, -1, 0]])) == clustered_mcnemar(np.array([[1, 1, -1, 0]]))
        True
    """
    of_documents = differences.sum(axis=0)
    squares = float(np.square(of_documents).sum())
    return float(2 * special.ndtr(-abs(of_documents.sum()) / np.sqrt(squares))) if squares else 1.0


def smallest_p(differing: int) -> float:
    """The smallest p that any test can give when the methods differ on so few documents.

    McNemar's mid-p when all of them speak for one method.

    Example:
        >>> smallest_p(4), smallest_p(5)
        (0.0625, 0.03125)
    """
    return float(0.5**differing)
