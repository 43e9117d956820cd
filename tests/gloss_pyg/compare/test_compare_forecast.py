import math
import time
from collections.abc import Callable
from typing import Any

import pytest

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.forecast import Forecast
from gloss_pyg.methods import Estimate


@pytest.fixture
def cells(make_cell: Callable[..., Cell]) -> list[Cell]:
    return [make_cell(method, seed=seed) for seed in (0, 1) for method in ("fast", "slow")]


ESTIMATES = {("fast", "texts"): Estimate(10.0, 1), ("slow", "texts"): Estimate(40.0, 1)}


def test_before_the_first_result_the_estimates_count(cells: list[Cell]) -> None:
    assert Forecast(cells, ESTIMATES).seconds_left() == 100.0


def test_a_finished_cell_corrects_its_like_exactly_and_the_others_in_proportion(
    cells: list[Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    forecast = Forecast(cells, ESTIMATES)
    forecast.finish(cells[0], make_record(cells[0], fit_seconds=19.0, predict_seconds=1.0))
    # Twice as long as estimated: 20 for the other fast cell, 80 for each slow one.
    assert forecast.seconds_left() == pytest.approx(20 + 2 * 80)
    forecast.finish(cells[1], make_record(cells[1], fit_seconds=30.0, predict_seconds=0.0))
    assert forecast.seconds_left() == pytest.approx(20 + 30)
    forecast.finish(cells[2], make_record(cells[2], fit_seconds=10.0, predict_seconds=0.0))
    forecast.finish(cells[3], None)  # failed
    assert forecast.seconds_left() == 0


def test_the_running_cell_counts_for_what_is_left_of_it(cells: list[Cell], monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    forecast = Forecast(cells, ESTIMATES)
    forecast.start(cells[1])
    now = 1025.0
    assert forecast.seconds_left() == pytest.approx(10 + 15 + 10 + 40)
    now = 1100.0  # longer than estimated: nothing less than nothing is left
    assert forecast.seconds_left() == pytest.approx(10 + 0 + 10 + 40)


def test_an_unknown_estimate_makes_the_time_left_unknown(cells: list[Cell]) -> None:
    estimates = ESTIMATES | {("slow", "texts"): Estimate(math.nan, 1)}
    assert math.isnan(Forecast(cells, estimates).seconds_left())
