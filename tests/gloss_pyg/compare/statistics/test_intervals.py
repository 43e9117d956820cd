"""Intervals against worked examples of their sources, and against the formulas written plainly."""

import math

import numpy as np
import pytest
from scipy import stats

from gloss_pyg.compare.statistics.intervals import (
    accuracy_covariance,
    hierarchical_interval,
    percentile_interval,
    seed_interval,
    seeds_and_documents,
)

# Student, "The probable error of a mean", Biometrika 6, 1908: additional hours of sleep of ten patients, two drugs.
SLEEP = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]) - np.array(
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
)


def test_t_interval_of_students_sleep_data() -> None:
    found = seed_interval(SLEEP)
    assert found is not None
    assert SLEEP.mean() == pytest.approx(1.58)
    # As R's `t.test(..., paired = TRUE)` prints them.
    assert (found.low, found.high) == (pytest.approx(0.7001142, abs=5e-8), pytest.approx(2.4598858, abs=5e-8))
    assert "t interval" in found.kind
    assert "10 seeds" in found.kind


def test_one_seed_has_no_interval() -> None:
    assert seed_interval(np.array([0.1])) is None


def test_two_modalities_five_readers() -> None:
    """Van Dyke et al. (1993), the usual example of Obuchowski & Rockette's analysis.

    Mean squares and covariances as the R package MRMCaov prints them for the empirical AUC, jackknife covariances:
    MS(T) 0.004796171, MS(T:R) 0.0005510306, Cov1 0.0003466137, Cov2 0.0003440748, Cov3 0.0002390284, Var 0.0008022883;
    F 4.456319, denominator degrees of freedom 15.25967, p 0.05166569, difference -0.0438.
    """
    readers = 5
    mean = -math.sqrt(2 * 0.004796171 / readers)  # with two treatments, MS(T) is readers / 2 times the squared mean
    spread = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    spread *= math.sqrt(2 * 0.0005510306 / np.var(spread, ddof=1))  # MS(T:R) is half the variance of the differences
    covariance = np.full((readers, readers), 2 * (0.0003440748 - 0.0002390284))
    np.fill_diagonal(covariance, 2 * (0.0008022883 - 0.0003466137))
    found = seeds_and_documents(mean + spread, covariance, usual=0.0)
    assert round(found.difference, 4) == -0.0438
    assert (found.difference / found.standard_error) ** 2 == pytest.approx(4.456319, abs=5e-6)
    assert found.degrees_of_freedom == pytest.approx(15.25967, abs=5e-5)
    assert round(found.p, 5) == 0.05167  # 0.05166569
    freedom = found.degrees_of_freedom
    # A pair by itself has no square in its degrees of freedom.
    assert seeds_and_documents(mean + spread, covariance).degrees_of_freedom == pytest.approx(2 * math.sqrt(freedom))
    half = stats.t.ppf(0.975, freedom) * found.standard_error
    assert found.interval().low == pytest.approx(mean - half)
    assert found.interval().high == pytest.approx(mean + half)


def test_standard_error_is_that_of_the_two_way_analysis_of_variance() -> None:
    """(MS of seeds + MS of documents - MS of the rest) / (S n), with the mean squares written plainly."""
    generator = np.random.default_rng(3)
    seeds, documents = 6, 400
    table = (
        generator.normal(0, 0.2, (seeds, 1))
        + generator.normal(0, 1.0, (1, documents))
        + generator.normal(0, 0.5, (seeds, documents))
    )
    mean, of_seeds, of_documents = table.mean(), table.mean(axis=1), table.mean(axis=0)
    square_seeds = documents * ((of_seeds - mean) ** 2).sum() / (seeds - 1)
    square_documents = seeds * ((of_documents - mean) ** 2).sum() / (documents - 1)
    rest = table - of_seeds[:, None] - of_documents[None] + mean
    square_rest = (rest**2).sum() / (seeds - 1) / (documents - 1)
    expected = (square_seeds + square_documents - square_rest) / (seeds * documents)
    found = seeds_and_documents(of_seeds, accuracy_covariance(table))
    assert found.standard_error**2 == pytest.approx(expected, rel=5 / documents)


def test_seeds_that_change_nothing_leave_the_documents() -> None:
    answers = np.repeat(np.random.default_rng(0).integers(-1, 2, (1, 200)), 3, axis=0).astype(float)
    for usual in (None, 0.1):
        found = seeds_and_documents(answers.mean(axis=1), accuracy_covariance(answers), usual)
        assert found.degrees_of_freedom == math.inf
        assert found.standard_error == pytest.approx(answers[0].std() / math.sqrt(200))


def test_seeds_that_agree_by_chance_are_not_taken_for_certain() -> None:
    generator = np.random.default_rng(1)
    answers = np.stack([generator.permutation(np.repeat([1.0, -1.0, 0.0], [30, 20, 150])) for _ in range(3)])
    differences = answers.mean(axis=1)
    assert np.ptp(differences) == 0
    found = seeds_and_documents(differences, accuracy_covariance(answers))
    of_documents = answers.mean(axis=0).std() / math.sqrt(200)
    assert found.standard_error >= of_documents * (1 - 1e-9)
    assert found.degrees_of_freedom < 50


def test_seeds_vary_no_less_than_is_usual() -> None:
    differences, covariance = np.array([0.010, 0.011, 0.012]), np.full((3, 3), 1e-6) + np.eye(3) * 1e-6
    alone, usual = seeds_and_documents(differences, covariance), seeds_and_documents(differences, covariance, 3e-4)
    assert usual.standard_error == pytest.approx(math.sqrt(1e-4 + 1e-6))
    assert alone.standard_error < usual.standard_error
    assert seeds_and_documents(differences, covariance, 1e-9).standard_error == alone.standard_error


def test_two_seeds_have_one_degree_of_freedom() -> None:
    found = seeds_and_documents(np.array([0.01, 0.03]), np.full((2, 2), 1e-5) + np.eye(2) * 1e-5)
    assert found.degrees_of_freedom == 1


def test_nothing_that_varies_and_no_difference_has_p_one() -> None:
    found = seeds_and_documents(np.zeros(3), np.zeros((3, 3)))
    assert (found.p, found.standard_error) == (1.0, 0.0)


def test_covariance_of_accuracy_is_what_many_resamples_give() -> None:
    generator = np.random.default_rng(5)
    answers = generator.integers(-1, 2, (2, 40)).astype(float)
    answers[1] = np.where(generator.random(40) < 0.5, answers[0], answers[1])
    drawn = generator.integers(0, 40, (100_000, 40))
    resampled = np.stack([row[drawn].mean(axis=1) for row in answers])
    assert accuracy_covariance(answers) == pytest.approx(np.cov(resampled), rel=0.05)


def test_hierarchical_bootstrap_needs_ten_seeds() -> None:
    with pytest.raises(ValueError, match="9 seeds are too few"):
        hierarchical_interval(np.zeros((100, 9)), 8.0, np.random.default_rng(0))


def test_hierarchical_interval_of_seeds_alone_is_their_t_interval() -> None:
    """Where documents do not vary: an expanded percentile interval approximates the t interval (Hesterberg 2015)."""
    differences = stats.norm.ppf((np.arange(12) + 0.5) / 12)
    resampled = np.repeat(differences[None], 40_000, axis=0)
    found = hierarchical_interval(resampled, 11.0, np.random.default_rng(0))
    expected = seed_interval(differences)
    assert expected is not None
    assert found.low == pytest.approx(expected.low, rel=0.03)
    assert found.high == pytest.approx(expected.high, rel=0.03)


def test_percentiles_are_of_the_resamples() -> None:
    found = percentile_interval(np.arange(1001) / 1000)
    assert (found.low, found.high) == (pytest.approx(0.025), pytest.approx(0.975))
