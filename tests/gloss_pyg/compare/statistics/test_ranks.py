"""Rank tests against Demšar's worked example (JMLR 7, 2006) and others."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gloss_pyg.compare.statistics.effects import rank_biserial
from gloss_pyg.compare.statistics.ranks import rank_methods, wilcoxon
from gloss_pyg.errors import DataError

METHODS = ("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf")
# Table 6: AUC on 14 data sets. On "voting" two are printed alike but ranked 2 and 3.
AUC = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_friedman_and_nemenyi_of_demsar() -> None:
    found = rank_methods(AUC, METHODS)
    assert [round(rank, 3) for rank in found.average_ranks] == [3.143, 2.000, 2.893, 1.964]
    # The paper's statistic is not corrected for ties; scipy's is, by this factor.
    ranks = stats.rankdata(AUC, axis=1)
    ties = sum((count**3 - count) for row in ranks for count in np.unique(row, return_counts=True)[1])
    statistic = found.friedman.statistic * (1 - ties / (14 * 4 * (4**2 - 1)))
    assert round(statistic, 2) == 9.28
    assert round(13 * statistic / (14 * 3 - statistic), 2) == 3.69  # Iman & Davenport's F
    assert found.friedman.p is not None
    assert found.friedman.p < 0.05
    assert round(found.critical_difference, 2) == 1.25
    # "Even the difference between the best and the worst performing algorithm is already smaller than that."
    assert found.nemenyi is not None
    assert min(p for row in found.nemenyi for p in row) > 0.05
    # At 10 %, C4.5 differs from C4.5+m and C4.5+m+cf, and from nothing else.
    table = np.array(found.nemenyi)
    assert {(int(i), int(j)) for i, j in np.argwhere(np.triu(table < 0.1))} == {(0, 1), (0, 3)}


# Table 5 (a), which cuts digits off.
@pytest.mark.parametrize(
    ("many", "quantile"),
    [(3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_critical_values_of_nemenyis_test(many: int, quantile: float) -> None:
    scores = np.random.default_rng(0).random((12, many))
    found = rank_methods(scores, [f"m{number}" for number in range(many)])
    assert found.critical_difference / np.sqrt(many * (many + 1) / 72) == pytest.approx(quantile, abs=1e-3)


def test_wilcoxon_of_demsar() -> None:
    """Table 2: C4.5+m against C4.5; sums of ranks 93 and 12, a difference at the 5 % level (critical value 21)."""
    found = wilcoxon(AUC[:, 1] - AUC[:, 0], "data sets")
    assert found.statistic == 12
    assert found.p is not None
    assert found.p < 0.05
    assert found.effect == pytest.approx((93 - 12) / 105)
    assert wilcoxon(AUC[:, 0] - AUC[:, 1], "data sets").effect == pytest.approx(-(93 - 12) / 105)


def test_friedman_of_rounding_first_base() -> None:
    """Hollander & Wolfe (1973), p. 140: 22 players, three methods; R's `friedman.test` prints 11.143, p 0.003805."""
    times = np.array(
        [
            [5.40, 5.50, 5.55], [5.85, 5.70, 5.75], [5.20, 5.60, 5.50], [5.55, 5.50, 5.40], [5.90, 5.85, 5.70],
            [5.45, 5.55, 5.60], [5.40, 5.40, 5.35], [5.45, 5.50, 5.35], [5.25, 5.15, 5.00], [5.85, 5.80, 5.70],
            [5.25, 5.20, 5.10], [5.65, 5.55, 5.45], [5.60, 5.35, 5.45], [5.05, 5.00, 4.95], [5.50, 5.50, 5.40],
            [5.45, 5.55, 5.50], [5.55, 5.55, 5.35], [5.45, 5.50, 5.55], [5.50, 5.45, 5.25], [5.65, 5.60, 5.40],
            [5.70, 5.65, 5.55], [6.30, 6.30, 6.25],
        ]
    )  # fmt: skip
    found = rank_methods(-times, ["round out", "narrow angle", "wide angle"]).friedman
    assert round(found.statistic, 3) == 11.143
    assert found.p is not None
    assert round(found.p, 6) == 0.003805


@pytest.mark.parametrize(("count", "least"), [(1, 1.0), (3, 0.25), (5, 0.0625)])
def test_too_few_observations_are_not_tested(count: int, least: float) -> None:
    found = wilcoxon(np.arange(1, count + 1) / 100, "seeds")
    assert found.p is None
    assert found.smallest_p == least
    assert f"{count} seeds can give no p below {least:.3g}" in found.note
    assert found.effect == 1


def test_six_observations_are_tested_and_reach_the_smallest_p() -> None:
    found = wilcoxon(np.arange(1, 7) / 100, "seeds")
    assert found.p == found.smallest_p == 0.03125


@pytest.mark.parametrize("values", [[3, 3, -1, 2, 4, 5, 9], [0, 1, 1, -2, 4, 5, 9, 6], [1, 2, -3, 4, 5, 6, 7]])
def test_p_is_the_share_of_signs_that_are_as_extreme(values: list[int]) -> None:
    ranks = stats.rankdata(np.abs(values))
    signs = np.array(list(itertools.product([-1, 1], repeat=len(values))))
    ranks[np.array(values) == 0] = 0
    seen = abs((np.sign(values) * ranks).sum())
    expected = np.mean(np.abs(signs @ ranks) >= seen - 1e-9)
    assert wilcoxon(np.array(values) / 100, "seeds").p == pytest.approx(expected)


def test_equal_scores_are_no_evidence() -> None:
    found = wilcoxon(np.array([0.0, 0.0, 0.0, 0.1, 0.2, 0.3, 0.1]), "data sets")
    assert found.p is None
    assert "3 of them with equal scores" in found.note
    none = wilcoxon(np.zeros(8), "data sets")
    assert (none.p, none.smallest_p, none.effect) == (None, 1.0, 0.0)


@pytest.mark.parametrize(
    ("data_sets", "methods", "tested"), [(1, 5, False), (2, 3, False), (3, 3, True), (9, 2, False)]
)
def test_friedman_is_made_where_it_can_find_something(data_sets: int, methods: int, tested: bool) -> None:
    scores = np.tile(np.arange(methods) / 10, (data_sets, 1))
    found = rank_methods(scores, [f"m{number}" for number in range(methods)])
    assert (found.friedman.p is not None) == tested
    assert bool(found.friedman.note) != tested
    assert (found.nemenyi is not None) == tested
    assert found.average_ranks == tuple(float(rank) for rank in range(methods, 0, -1))
    if tested:
        assert found.friedman.p == pytest.approx(found.friedman.smallest_p)
        assert found.friedman.effect == pytest.approx(1)


def test_methods_that_are_always_equal() -> None:
    found = rank_methods(np.full((5, 4), 0.8), METHODS)
    assert found.friedman.p == 1
    assert found.average_ranks == (2.5,) * 4


def test_a_missing_score_is_refused() -> None:
    with pytest.raises(DataError, match="some are not"):
        rank_methods(np.array([[0.1, np.nan, 0.3]] * 4), ["a", "b", "c"])


def test_rank_biserial_is_the_share_for_less_the_share_against() -> None:
    assert rank_biserial(np.array([0.01, -0.02, 0.03, 0.04])) == pytest.approx((1 + 3 + 4 - 2) / 10)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(-20, 20), min_size=1, max_size=9))
def test_wilcoxon_never_gives_less_than_it_can(values: list[int]) -> None:
    found = wilcoxon(np.array(values) / 100, "data sets")
    assert -1 <= found.effect <= 1
    if found.p is not None:
        assert found.smallest_p - 1e-12 <= found.p <= 1
