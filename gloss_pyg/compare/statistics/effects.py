"""How large a difference is."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from gloss_pyg.compare.statistics.bootstrap import Floats
from gloss_pyg.compare.statistics.common import missing


@dataclass(frozen=True)
class Effect:
    """Size of a difference in accuracy.

    Attributes:
        cohens_h: Difference of the arcsine-transformed accuracies: 0.2 is small, 0.5 medium, 0.8 large. A point counts
            for more near 100 % than near 50 %.
        odds_ratio: How many documents only the first method has right for each that only the second has right, over
            all seeds; infinite where there are none of the latter, NaN where there are none of either.
    """

    cohens_h: float
    odds_ratio: float


def effect(first_accuracy: float, second_accuracy: float, first_only: int, second_only: int) -> Effect:
    """Cohen's h and the odds ratio of discordant documents.

    Raises:
        MissingExtraError: if statsmodels is not installed.

    Source: Cohen, Statistical Power Analysis for the Behavioral Sciences, 2nd ed. 1988, chapter 6.
    """
    try:
        from statsmodels.stats.proportion import proportion_effectsize
    except ImportError as error:
        raise missing("statsmodels", "Cohen's h") from error
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = float(np.float64(first_only) / np.float64(second_only))
    return Effect(float(proportion_effectsize(first_accuracy, second_accuracy)), odds)


def rank_biserial(differences: Floats) -> float:
    """Share of ranks for the first method less the share against it: 1 where it always wins, 0 where they are even.

    The effect size that belongs to Wilcoxon's signed-rank test; a tie in score counts half to each side.

    Source: Kerby, "The simple difference formula", Comprehensive Psychology 3, 2014.

    Example:
        >>> round(rank_biserial(np.array([3.0, 2.0, -1.0])), 4)
        0.6667
    """
    ranks = stats.rankdata(np.abs(differences))
    return float((np.sign(differences) * ranks).sum() / ranks.sum())
