"""A study: what comes next, what became of the others, and what a kill leaves of it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

optuna = pytest.importorskip("optuna")

from gloss_pyg.methods import Choice, Interval
from gloss_pyg.tune.storage import open_storage
from gloss_pyg.tune.study import Study, best
from gloss_pyg.tune.trial import Measured

SPACE = {"a": Interval(0.1, 10.0, log=True), "b": Choice((1, "two", None)), "n": Interval(1, 5)}


def open_study(folder, trials=15, seed=42, name="m-d-0"):
    folder.mkdir(exist_ok=True)
    return Study(folder, name, SPACE, trials, seed)


def measure(trial):
    """Some are pruned, the others have a score that depends on the values."""
    score = None if trial.number % 4 == 0 else -abs(trial.values["a"] - 3) + trial.values["n"]
    return Measured(score, "macro_f1", 1.0, 30)


def run(folder, lost=(), trials=15, **more):
    """Run all trials, each by a study opened anew; those with a number in `lost` are left as a kill leaves them."""
    begun = 0
    while True:
        study = open_study(folder, trials, **more)
        with study.claim() as trial:
            if trial is None:
                return study.rows()
            begun += 1
            if begun not in lost:
                study.finish(trial, measure(trial))


def test_trials_are_as_many_as_asked_for_and_within_their_ranges(tmp_path):
    rows = run(tmp_path)
    assert [row.number for row in rows] == list(range(1, 16))
    assert all(0.1 <= row.values["a"] <= 10 and row.values["b"] in (1, "two", None) for row in rows)
    assert {row.values["n"] for row in rows} <= {1, 2, 3, 4, 5}
    assert len({row.values["a"] for row in rows}) == 15
    assert [row.state for row in rows[:4]] == ["finished", "finished", "finished", "pruned"]


def test_what_was_lost_is_tried_again_and_the_search_ends_as_if_nothing_had_happened(tmp_path):
    whole = run(tmp_path / "whole")
    assert run(tmp_path / "lost", lost=(1, 2, 6, 7, 18, 19)) == whole
    assert run(tmp_path / "longer", trials=7) == whole[:7]
    assert run(tmp_path / "longer") == whole


def test_the_seed_and_the_name_say_what_is_drawn(tmp_path):
    values = [[row.values for row in run(tmp_path / str(seed), seed=seed, trials=3)] for seed in (0, 1)]
    assert values[0] != values[1]
    assert len(run(tmp_path / "0", trials=2, name="other-d-0")) == 2  # beside the first, in the same journal


def test_a_trial_that_somebody_works_on_is_left_to_them(tmp_path):
    first, second = open_study(tmp_path, trials=2), open_study(tmp_path, trials=2)
    with first.claim() as one, second.claim() as two, open_study(tmp_path, trials=2).claim() as three:
        assert one.values != two.values
        assert three is None
        assert second.left() == 2
        second.finish(two, measure(two))
        assert first.left() == 1


def test_a_trial_that_ends_while_the_lost_are_looked_for_is_not_lost(tmp_path, monkeypatch):
    one, other = open_study(tmp_path), open_study(tmp_path)
    hold, block = other._hold, one.claim()
    trial = block.__enter__()

    def hold_late(found):
        one.finish(trial, measure(trial))
        block.__exit__(None, None, None)
        return hold(found)

    monkeypatch.setattr(other, "_hold", hold_late)
    with other._alone():
        other._close_lost()
    assert [(row.number, row.state) for row in other.rows()] == [(1, "finished")]
    monkeypatch.undo()
    with other.claim() as following:
        assert following.number == 2


def test_several_at_once_neither_lose_nor_double_a_trial(tmp_path):
    open_study(tmp_path, trials=12)

    def work(_):
        done, study = 0, open_study(tmp_path, trials=12)
        while True:
            with study.claim() as trial:
                if trial is None:
                    return done
                study.finish(trial, measure(trial))
                done += 1

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 12
    rows = open_study(tmp_path, trials=12).rows()
    assert [row.number for row in rows] == list(range(1, 13))


def test_a_failure_counts_and_is_not_tried_again(tmp_path):
    study = open_study(tmp_path, trials=2)
    for error in ("it broke", ""):
        with study.claim() as trial:
            study.fail(trial, error) if error else study.finish(trial, measure(trial))
    rows = study.rows()
    assert [(row.state, row.error) for row in rows] == [("failed", "it broke"), ("finished", "")]
    assert best(rows).number == 2
    with study.claim() as trial:
        assert trial is None


def test_the_best_is_the_first_of_equals_and_never_one_that_was_pruned(tmp_path):
    study = open_study(tmp_path, trials=4)
    for score in (0.5, 0.7, 0.7, None):
        with study.claim() as trial:
            if score is None:
                study._storage.set_trial_intermediate_value(trial.id, 10, 0.9)
            study.finish(trial, Measured(score, "macro_f1", 1.0, 10))
    assert best(study.rows()).number == 2
    assert study.rows()[3].score == pytest.approx(0.9)  # what it had reached
    assert best([]) is None


def test_half_a_line_at_the_end_of_the_journal_is_cut_off(tmp_path):
    rows = run(tmp_path, trials=3)
    with (tmp_path / "journal.log").open("ab") as stream:
        stream.write(b'{"op_code":4,"worker_id":"x')  # as a power cut leaves it
    assert run(tmp_path, trials=3) == rows
    assert [row.number for row in run(tmp_path, trials=5)] == [1, 2, 3, 4, 5]


def test_other_tools_read_the_journal(tmp_path):
    rows = run(tmp_path, trials=5)
    study = optuna.load_study(study_name="m-d-0", storage=open_storage(tmp_path / "journal.log"))
    assert [trial.params for trial in study.trials] == [row.values for row in rows]
    assert study.best_value == best(rows).score
