"""Holm's correction, effect sizes and power against their sources' figures."""

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.power import TTestPower

from gloss_pyg.compare.statistics.effects import effect
from gloss_pyg.compare.statistics.intervals import accuracy_covariance
from gloss_pyg.compare.statistics.multiple import holm
from gloss_pyg.compare.statistics.power import (
    POWER,
    Variation,
    detectable_difference,
    documents_needed,
    power,
    seeds_needed,
    variation,
)
from gloss_pyg.errors import MissingExtraError


def test_four_hypotheses() -> None:
    """The example of Wikipedia's article on Holm's method: 0.01, 0.04, 0.03, 0.005; H1 and H4 are rejected."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_as_it_is_written() -> None:
    """Step down: the i-th smallest times the number of those not smaller, never less than the one before."""
    p_values = np.random.default_rng(0).random(40) ** 4
    p_values[7] = p_values[3]
    expected, before = np.zeros(40), 0.0
    for step, place in enumerate(np.argsort(p_values, kind="stable")):
        before = max(before, min(1.0, (40 - step) * p_values[place]))
        expected[place] = before
    assert holm(p_values.tolist()) == pytest.approx(expected.tolist())


def test_what_was_not_tested_is_no_part_of_the_family() -> None:
    assert holm([None, 0.02, None]) == [None, 0.02, None]
    assert holm([None]) == [None]
    assert holm([]) == []


# Cohen (1988), Table 6.2.2: phi = 2 arcsin sqrt(P), 1.571 for 0.50, 1.369 for 0.40, 2.498 for 0.90, 2.691 for 0.95.
@pytest.mark.parametrize(("first", "second", "h"), [(0.5, 0.4, 0.202), (0.95, 0.9, 0.193), (0.4, 0.5, -0.202)])
def test_cohens_h(first: float, second: float, h: float) -> None:
    assert effect(first, second, 3, 2).cohens_h == pytest.approx(h, abs=1e-3)


def test_odds_ratio_of_documents_that_only_one_has_right() -> None:
    assert effect(0.5, 0.5, 16, 6).odds_ratio == pytest.approx(16 / 6)
    assert effect(0.5, 0.5, 1, 0).odds_ratio == math.inf
    assert math.isnan(effect(0.5, 0.5, 0, 0).odds_ratio)


@pytest.mark.parametrize(("size", "alpha"), [(0.5, 0.05), (0.8, 0.05), (0.3, 0.01), (1.5, 0.001)])
def test_where_only_seeds_vary_it_is_a_t_test(size: float, alpha: float) -> None:
    """0.5 standard deviations at 5 % take 34 (33.37), as G*Power and statsmodels have it."""
    only_seeds = Variation(1.0, 0.0, 0.0)
    expected = TTestPower().solve_power(size, power=POWER, alpha=alpha)
    found = seeds_needed(size, only_seeds, 1000, alpha)
    assert found == math.ceil(expected)
    assert power(size, only_seeds, found, 1000, alpha) == pytest.approx(
        TTestPower().power(size, found, alpha), abs=1e-9
    )
    assert (size, alpha) != (0.5, 0.05) or found == 34


def test_where_only_documents_vary_seeds_do_not_help() -> None:
    """And documents do: n = ((z_0.975 + z_0.8) / size)^2 of their standard deviation, 784.9 for a tenth."""
    only_documents = Variation(0.0, 1.0, 0.0)
    assert seeds_needed(0.1, only_documents, 300, 0.05) is None
    assert documents_needed(0.1, only_documents, 3, 0.05) == 785


def test_the_detectable_difference_is_found_four_times_of_five() -> None:
    apart = Variation(1e-4, 0.08, 0.05)
    found = detectable_difference(apart, 4, 900, 0.05)
    assert power(found, apart, 4, 900, 0.05) == pytest.approx(POWER, abs=1e-3)
    assert detectable_difference(Variation(100.0, 0.0, 0.0), 2, 900, 0.05) == math.inf
    assert detectable_difference(Variation(0.0, 0.0, 0.0), 2, 900, 0.05) == pytest.approx(0, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(*[st.integers(0, 1000)] * 3, st.integers(1, 200), st.integers(1, 5000))
def test_what_is_needed_is_enough_and_no_more(
    seed: int, document: int, rest: int, thousandths: int, level: int
) -> None:
    size, alpha = thousandths / 1000, level / 1e5
    apart = Variation(seed / 1e6, document / 3000, rest / 3000)
    seeds = seeds_needed(size, apart, 500, alpha)
    if seeds is not None:
        assert power(size, apart, seeds, 500, alpha) >= POWER
        assert seeds == 2 or power(size, apart, seeds - 1, 500, alpha) < POWER
    documents = documents_needed(size, apart, 3, alpha)
    if documents is not None:
        assert power(size, apart, 3, documents, alpha) >= POWER
        assert documents == 2 or power(size, apart, 3, documents - 1, alpha) < POWER


def test_variation_is_taken_apart() -> None:
    generator = np.random.default_rng(0)
    seeds, documents = 300, 400
    table = (
        generator.normal(0, 0.1, (seeds, 1))
        + generator.normal(0, 0.7, (1, documents))
        + generator.normal(0, 0.4, (seeds, documents))
    )
    found = variation(table.mean(axis=1), accuracy_covariance(table), documents)
    assert found.seed == pytest.approx(0.01, rel=0.2)
    assert found.document == pytest.approx(0.49, rel=0.2)
    assert found.rest == pytest.approx(0.16, rel=0.05)


@pytest.mark.parametrize("call", [lambda: holm([0.1]), lambda: effect(0.5, 0.4, 1, 1)])
def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, call: object) -> None:
    for module in [name for name in sys.modules if name.split(".")[0] == "statsmodels"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install \"gloss-pyg\[stats\]\""):
        call()  # type: ignore[operator]
