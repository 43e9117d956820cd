"""The bootstrap against scipy's, against all resamples written out, and against sklearn's scores."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import f1_score

from gloss_pyg.compare.statistics.bootstrap import (
    METRICS,
    draw_counts,
    exact_quantiles,
    resampled_accuracy,
    resampled_macro_f1,
    score,
)
from gloss_pyg.compare.statistics.predictions import CellPredictions, side_by_side

TAILS = (0.025, 0.975)


def every_resample(differences: np.ndarray) -> np.ndarray:
    size = len(differences)
    return np.sort([np.mean(differences[list(drawn)]) for drawn in itertools.product(range(size), repeat=size)])


@pytest.mark.parametrize("differences", [[1, 0, 0, -1, 2], [1, 1, 0, 0, 0], [0, 0, 0], [3, 3, 3, 3], [-2, 5, 1, 1]])
def test_exact_quantiles_are_those_of_all_resamples(differences: list[int]) -> None:
    given_ = np.array(differences)
    means = every_resample(given_)
    for probability in (0.01, 0.025, 0.3, 0.5, 0.9, 0.975):
        # The smallest value whose distribution function reaches the probability.
        expected = means[int(np.ceil(probability * len(means) - 1e-6)) - 1]
        assert exact_quantiles(given_, (probability,))[0] == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 12), st.integers(0, 100), st.integers(0, 100), st.integers(0, 2**32 - 1))
def test_exact_quantiles_of_any_differences(n: int, seeds: int, rate: int, lean: int, seed: int) -> None:
    """Against a convolution, document by document, of the same distribution."""
    generator = np.random.default_rng(seed)
    answers = np.where(
        generator.random((seeds, n)) < rate / 100, np.where(generator.random((seeds, n)) < lean / 100, 1, -1), 0
    )
    differences = answers.sum(axis=0)
    largest = max(1, np.abs(differences).max())
    once = np.bincount(differences + largest, minlength=2 * largest + 1) / n
    mass = np.ones(1)
    for _ in range(n):
        mass = np.convolve(mass, once)
    reached = np.cumsum(mass)
    low, high = exact_quantiles(differences, TAILS)
    for probability, found in zip(TAILS, (low, high), strict=True):
        place = round(found * n) + largest * n
        assert reached[place] >= probability - 1e-7
        assert place == 0 or reached[place - 1] < probability + 1e-7


def test_exact_interval_is_that_of_scipy() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.random((2, 300)) < [[0.86], [0.8]]
    expected = stats.bootstrap(
        (first.astype(float), second.astype(float)),
        lambda one, other, axis=-1: one.mean(axis=axis) - other.mean(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    ).confidence_interval
    low, high = exact_quantiles(first.astype(int) - second.astype(int), TAILS)
    assert low == pytest.approx(expected.low, abs=0.004)
    assert high == pytest.approx(expected.high, abs=0.004)


def test_standard_error_of_paired_proportions() -> None:
    """Airway hyper-responsiveness before and after stem cell transplantation: 1, 1, 7, 12 of 21 (Bentur et al. 2009).

    The Wald interval of Fagerland, Lydersen & Laake (Stat. Med. 33, 2014) has the standard error of the ideal
    bootstrap: sqrt(b + c - (b - c)^2 / n) / n.
    """
    differences = np.repeat([0, 1, -1, 0], [1, 1, 7, 12])
    counts = draw_counts(40_000, 21, np.random.default_rng(0))
    resampled = counts @ differences.astype(np.float32) / 21
    assert resampled.std() == pytest.approx(np.sqrt(8 - 36 / 21) / 21, rel=0.02)
    low, high = exact_quantiles(differences, TAILS)
    assert (low, high) == (pytest.approx(np.quantile(resampled, 0.025)), pytest.approx(np.quantile(resampled, 0.975)))


def test_draws_are_with_replacement_and_of_the_right_size() -> None:
    counts = draw_counts(500, 30, np.random.default_rng(0))
    assert (counts.sum(axis=1) == 30).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(30), abs=0.2)
    assert counts.var() == pytest.approx(29 / 30, abs=0.05)


def test_scores_of_each_draw_are_those_of_sklearn() -> None:
    generator = np.random.default_rng(4)
    labels = generator.integers(0, 5, 60)
    labels[labels == 3] = 1  # a class that is only predicted
    predicted = np.where(generator.random((3, 60)) < 0.6, labels, generator.integers(0, 5, (3, 60)))
    counts = draw_counts(20, 60, generator)
    accuracy = resampled_accuracy(counts, (predicted == labels).astype(np.float32))
    macro = resampled_macro_f1(counts, labels, predicted)
    for draw, weights in enumerate(counts.astype(int)):
        rows = np.repeat(np.arange(60), weights)
        for method in range(3):
            expected = f1_score(labels[rows], predicted[method, rows], average="macro", zero_division=0)
            assert macro[draw, method] == pytest.approx(expected, abs=1e-6)
            assert accuracy[draw, method] == pytest.approx(np.mean(labels[rows] == predicted[method, rows]), abs=1e-6)


def test_missing_cells_have_no_score() -> None:
    labels = np.arange(20) % 2
    cells = [
        CellPredictions(method, "d", "d", seed, np.arange(20), labels, labels ^ (np.arange(20) < seed))
        for method, seed in [("a", 0), ("a", 1), ("b", 1)]
    ]
    found = score(side_by_side(cells)[0], METRICS, 50, np.random.default_rng(0))
    for metric in METRICS:
        assert np.isnan(found.observed[metric]).tolist() == [[False, False], [True, False]]
        assert found.resampled[metric].shape == (50, 2, 2)
        assert found.observed[metric][0, 0] == 1
    assert found.observed["accuracy"][0, 1] == 0.95


def test_seeds_of_one_split_share_their_draws_and_others_do_not() -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 2, 50)
    predicted = np.where(generator.random(50) < 0.7, labels, 1 - labels)

    def resampled(documents: list[np.ndarray]) -> np.ndarray:
        cells = [CellPredictions("a", "d", "d", seed, rows, labels, predicted) for seed, rows in enumerate(documents)]
        return score(side_by_side(cells)[0], ("accuracy",), 400, np.random.default_rng(0)).resampled["accuracy"][:, 0]

    same = resampled([np.arange(50), np.arange(50)])
    assert np.array_equal(same[:, 0], same[:, 1])
    other = resampled([np.arange(50), np.arange(50, 100)])
    assert abs(np.corrcoef(other.T)[0, 1]) < 0.2
