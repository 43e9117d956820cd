"""McNemar's test against its sources' figures."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar

from gloss_pyg.compare.statistics.paired import clustered_mcnemar, mcnemar_mid_p, smallest_p


# Fagerland, Lydersen & Laake (2013): airway hyper-responsiveness (Bentur et al. 2009) and complete response before and
# after consolidation therapy (Cavo et al. 2012).
@pytest.mark.parametrize(("b", "c", "mid_p", "exact"), [(1, 7, 0.0391, 0.0703), (6, 16, 0.0347, 0.0525)])
def test_examples_of_the_source(b: int, c: int, mid_p: float, exact: float) -> None:
    assert round(float(mcnemar_mid_p(b, c)), 4) == mid_p
    assert round(mcnemar([[0, b], [c, 0]], exact=True).pvalue, 4) == exact


@pytest.mark.parametrize(("b", "c"), [(0, 5), (3, 9), (20, 11), (100, 130)])
def test_it_is_the_exact_p_less_half_the_chance_of_what_was_seen_on_both_sides(b: int, c: int) -> None:
    exact = mcnemar([[7, b], [c, 9]], exact=True).pvalue
    assert mcnemar_mid_p(b, c) == pytest.approx(exact - stats.binom.pmf(min(b, c), b + c, 0.5))
    assert mcnemar_mid_p(b, c) == mcnemar_mid_p(c, b)


def test_even_counts_and_none() -> None:
    assert mcnemar_mid_p(0, 0) == 1
    assert mcnemar_mid_p(3, 3) == pytest.approx(1 - 0.5 * stats.binom.pmf(3, 6, 0.5))  # the source's case b = c
    assert mcnemar_mid_p([0, 1], [0, 7]).tolist() == [1, pytest.approx(0.0390625)]


def test_with_one_seed_the_clustered_test_is_mcnemars_without_correction() -> None:
    answers = np.repeat([1.0, -1.0, 0.0], [16, 6, 139])[None]
    assert clustered_mcnemar(answers) == pytest.approx(
        mcnemar([[59, 16], [6, 80]], exact=False, correction=False).pvalue
    )
    assert round(clustered_mcnemar(answers), 4) == 0.0330  # the source's asymptotic McNemar test


def test_answers_given_again_by_other_seeds_are_no_further_evidence() -> None:
    answers = np.repeat([1.0, -1.0, 0.0], [16, 6, 139])[None]
    assert clustered_mcnemar(np.repeat(answers, 5, axis=0)) == pytest.approx(clustered_mcnemar(answers))


def test_a_clustered_example_by_hand() -> None:
    """d = (2, -1, 0, 1): z = 2 / sqrt(6)."""
    answers = np.array([[1, -1, 1, 0], [1, 0, -1, 1]], float)
    assert clustered_mcnemar(answers) == pytest.approx(2 * stats.norm.sf(2 / np.sqrt(6)))
    assert clustered_mcnemar(np.zeros((3, 4))) == 1


def test_smallest_p_is_that_of_documents_that_all_speak_for_one_method() -> None:
    for count in (1, 4, 5, 12):
        assert smallest_p(count) == pytest.approx(float(mcnemar_mid_p(count, 0)))
