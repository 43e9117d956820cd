"""A whole run: what is said of differences that are there, that are not, and that cannot be told."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gloss_pyg.compare.statistics.diagram import draw_ranks
from gloss_pyg.compare.statistics.predictions import CellPredictions
from gloss_pyg.compare.statistics.run import RunStatistics, compare_run
from gloss_pyg.compare.statistics.verdict import Comparison, Verdict
from gloss_pyg.errors import ConfigError, DataError


def cells(
    accuracies: dict[str, float],
    *,
    data: str = "MR",
    corpus: str | None = None,
    seeds: int = 3,
    documents: int = 500,
    noise: float = 0.3,
    spread: float = 0.0,
    redrawn: bool = False,
) -> list[CellPredictions]:
    """Methods that are right on the easy documents, with some chance of their own."""
    generator = np.random.default_rng(0)
    made = []
    for seed in range(seeds):
        if seed == 0 or redrawn:
            labels = generator.integers(0, 3, documents)
            easy = generator.random(documents)
        for method, accuracy in accuracies.items():
            own = generator.random(documents)
            level = accuracy + spread * generator.normal()
            right = np.where(generator.random(documents) < noise, own, easy) < level
            predicted = np.where(right, labels, (labels + 1) % 3)
            rows = np.arange(documents) + redrawn * seed * documents
            made.append(CellPredictions(method, data, corpus or data, seed, rows, labels, predicted))
    return made


def only(found: RunStatistics) -> Comparison:
    (comparison,) = found.comparisons
    return comparison


def accuracy_of(made: list[CellPredictions], **options: Any) -> Comparison:
    return only(compare_run(made, metrics=("accuracy",), **options))


def test_a_large_difference_holds() -> None:
    found = accuracy_of(cells({"weak": 0.7, "strong": 0.8}))
    measured = found.measured
    assert found.verdict is Verdict.HOLDS
    assert measured.difference == pytest.approx(measured.first_score - measured.second_score)
    assert measured.interval.low < measured.difference < measured.interval.high < 0
    assert "documents and seeds" in measured.interval.kind
    assert "these fits" in measured.documents_interval.kind
    assert found.sentence.startswith(f"On MR, strong is better than weak by {-100 * measured.difference:.2f} points of")
    assert found.seeds_needed is None
    assert measured.effect.cohens_h < 0
    assert measured.effect.odds_ratio < 1
    assert [seed.seed for seed in measured.discordant] == [0, 1, 2]
    assert "3 seeds can give no p below" in measured.wilcoxon.note


def test_equal_methods_cannot_be_told_apart_and_what_it_would_take_is_said() -> None:
    found = accuracy_of(cells({"one": 0.80, "other": 0.81}, documents=300, spread=0.02))
    assert found.verdict is Verdict.CANNOT_BE_TOLD
    assert "cannot be told" in found.sentence
    assert "To tell a true difference of this size" in found.sentence
    assert found.detectable_difference is not None
    assert found.detectable_difference > abs(found.measured.difference)


def test_methods_that_are_surely_alike_are_noise() -> None:
    made = cells({"one": 0.9, "other": 0.9}, documents=4000, noise=0.02)
    found = accuracy_of(made)
    assert found.verdict is Verdict.NOISE
    assert "is noise" in found.sentence
    assert "smaller than 1 point." in found.sentence
    wider = accuracy_of(made, margin=0.0001)
    assert wider.verdict is Verdict.CANNOT_BE_TOLD


def test_the_same_answers_are_said_to_be_so() -> None:
    made = cells({"one": 0.9})
    twins = [CellPredictions("twin", *(getattr(c, k) for k in list(c.__dict__)[1:])) for c in made]
    found = compare_run([*made, *twins])
    assert found.tests == 0
    for comparison in found.comparisons:
        assert comparison.measured.p is None
        assert comparison.verdict is Verdict.NOISE
    of_accuracy, of_macro_f1 = (comparison.sentence for comparison in found.comparisons)
    assert of_accuracy == "On MR, one and twin are right and wrong on the same documents."
    assert of_macro_f1 == "On MR, one and twin give the same answers."


def test_which_wrong_class_was_given_makes_no_difference_in_accuracy_and_one_in_macro_f1() -> None:
    made = cells({"one": 0.7}, documents=400)
    others = []
    for cell in made:
        other = np.where(cell.predicted == cell.labels, cell.labels, (cell.labels + 2) % 3)
        others.append(CellPredictions("other", "MR", "MR", cell.seed, cell.documents, cell.labels, other))
    accuracy, macro = compare_run([*made, *others]).comparisons
    assert accuracy.measured.differing_documents == 0
    assert accuracy.measured.p is None
    assert macro.measured.differing_documents > 50
    assert macro.measured.p is not None
    assert "points of macro-F1" in macro.sentence


def test_equal_scores_with_one_seed_put_neither_above_the_other() -> None:
    labels = np.zeros(100, int)
    wrong = {"one": np.arange(100) < 10, "other": np.arange(100) >= 90}
    made = [CellPredictions(name, "MR", "MR", 0, np.arange(100), labels, w.astype(int)) for name, w in wrong.items()]
    assert accuracy_of(made).sentence.startswith("On MR, these fits of one and other have the same accuracy (95 %")


def test_with_one_seed_only_the_fits_are_compared() -> None:
    found = accuracy_of(cells({"weak": 0.7, "strong": 0.8}, seeds=1))
    measured = found.measured
    assert measured.p is not None
    assert measured.p < 0.001
    assert measured.p == pytest.approx(max(measured.documents_p or 0, measured.smallest_p))
    assert measured.test == "McNemar's mid-p"
    assert measured.interval == measured.documents_interval
    assert measured.seeds_interval is None
    assert found.verdict is Verdict.CANNOT_BE_TOLD
    assert "With one seed it cannot be told" in found.sentence


def test_few_documents_that_differ_are_not_tested() -> None:
    labels = np.zeros(100, int)
    made = [
        CellPredictions(method, "d", "d", seed, np.arange(100), labels, (np.arange(100) < wrong).astype(int))
        for seed in range(3)
        for method, wrong in [("one", 4), ("other", 8)]
    ]
    found = accuracy_of(made)
    assert found.measured.p is None
    assert found.measured.smallest_p == 0.0625
    assert found.verdict is Verdict.CANNOT_BE_TOLD
    assert "not tested: they differ on 4 documents, which can give no p below 0.0625" in found.sentence


def test_ten_seeds_are_resampled() -> None:
    found = accuracy_of(cells({"weak": 0.7, "strong": 0.8}, seeds=10, documents=200))
    assert "10 seeds: hierarchical bootstrap" in found.measured.interval.kind
    assert found.measured.wilcoxon.p is not None
    assert found.verdict is Verdict.HOLDS


def test_redrawn_documents_are_paired_within_a_seed_only() -> None:
    run = compare_run(cells({"weak": 0.7, "strong": 0.85}, seeds=4, redrawn=True))
    measured = run.comparisons[0].measured
    assert not measured.same_documents
    assert measured.documents_p is None
    assert measured.seeds_interval is not None
    # Nothing is shared between the seeds: what is over both is the t interval over the seeds.
    assert measured.interval.low == pytest.approx(measured.seeds_interval.low, abs=2e-3)
    assert "On MR, test documents were drawn anew for each seed: documents are paired within a seed only." in run.notes


def test_macro_f1_is_compared_with_a_bootstrap_of_its_own() -> None:
    run = compare_run(cells({"weak": 0.7, "strong": 0.8}))
    accuracy, macro = run.comparisons
    assert macro.measured.metric == "macro_f1"
    assert macro.measured.documents_p is None
    assert macro.measured.interval.low == pytest.approx(accuracy.measured.interval.low, abs=0.02)
    assert "points of macro-F1" in macro.sentence
    assert run.tests == 2
    assert "for 2 comparisons" in macro.sentence


def test_holm_is_over_all_that_is_shown() -> None:
    made = [*cells({"a": 0.7, "b": 0.75, "c": 0.72}), *cells({"a": 0.7, "b": 0.75, "c": 0.72}, data="R8")]
    run = compare_run(made)
    assert run.tests == 12
    p_values = sorted(comparison.measured.p or 1 for comparison in run.comparisons)
    smallest = min(comparison.p_holm or 1 for comparison in run.comparisons)
    assert smallest == pytest.approx(min(1, 12 * p_values[0]))
    fewer = compare_run(made, pairs=[("a", "b")], metrics=("accuracy",))
    assert fewer.tests == 2
    assert {(found.measured.first, found.measured.second) for found in fewer.comparisons} == {("a", "b")}


def test_methods_with_other_seeds_are_compared_on_those_they_share() -> None:
    made = cells({"a": 0.7, "b": 0.8, "c": 0.8})
    made = [cell for cell in made if not (cell.method == "b" and cell.seed == 2)]
    made = [cell for cell in made if not (cell.method == "c" and cell.seed != 2)]
    run = compare_run(made, metrics=("accuracy",))
    assert [(found.measured.first, found.measured.second, found.measured.seeds) for found in run.comparisons] == [
        ("a", "b", (0, 1)),
        ("a", "c", (2,)),
    ]
    assert "On MR, b and c have no seed in common and are not compared." in run.notes
    assert "On MR, a and b share 2 of 3 seeds; only these are compared." in run.notes


def test_over_data_sets(tmp_path: Path) -> None:
    accuracies = {"a": 0.70, "b": 0.78, "c": 0.86}
    made = [cell for name in ("MR", "R8", "R52", "20NG") for cell in cells(accuracies, data=name, documents=400)]
    made += cells(accuracies, data="MR, 50 labels", corpus="MR", documents=400)
    made += cells({"a": 0.7}, data="bbc", documents=400)
    found = compare_run(made, metrics=("accuracy",)).over_data_sets[0]
    assert found.data_sets == ("MR and MR, 50 labels", "R8", "R52", "20NG")
    assert found.left_out == ("bbc",)
    assert found.ranking is not None
    assert found.ranking.average_ranks == (3.0, 2.0, 1.0)
    assert any("c ranks above a" in sentence for sentence in found.sentences)
    assert any("4 data sets can give no p below 0.125" in sentence for sentence in found.sentences)
    assert found.sentences[-1] == "Not among these: bbc, where not all methods are finished."
    assert draw_ranks(found.ranking, tmp_path / "ranks.png")
    assert (tmp_path / "ranks.png").stat().st_size > 5000


def test_nothing_is_drawn_where_nothing_was_tested(tmp_path: Path) -> None:
    found = compare_run(cells({"a": 0.7, "b": 0.8}), metrics=("accuracy",)).over_data_sets[0]
    assert found.ranking is not None
    assert not draw_ranks(found.ranking, tmp_path / "ranks.png")


def test_names_are_drawn_as_they_are(tmp_path: Path) -> None:
    accuracies = {"$x_{$": 0.7, "{rank}": 0.78, "c": 0.86}
    made = [cell for name in "PQRS" for cell in cells(accuracies, data=name, documents=200)]
    ranking = compare_run(made, metrics=("accuracy",)).over_data_sets[0].ranking
    assert ranking is not None
    assert draw_ranks(ranking, tmp_path / "ranks.svg")


def test_all_of_it_is_json_and_the_same_again() -> None:
    made = cells({"a": 0.7, "b": 0.8}, seeds=2)
    first, second = compare_run(made).json(), compare_run(made).json()
    assert first == second
    content = json.loads(first)
    assert content["comparisons"][0]["verdict"] in set(Verdict)
    assert content["comparisons"][0]["measured"]["interval"]["low"] < 0


WRONG = [
    ({"metrics": ("acuracy",)}, "Did you mean 'accuracy'"),
    ({"metrics": ()}, "No metric was named"),
    ({"pairs": [("a", "d")]}, "There are no results of 'd'"),
    ({"pairs": [("a", "a")]}, "paired with itself"),
    ({"pairs": [("a", "b"), ("b", "a")]}, "named twice"),
    ({"margin": 1.0}, "margin is 1.0"),
    ({"margin": math.nan}, "margin is nan"),
]


@pytest.mark.parametrize(("options", "sentence"), WRONG)
def test_what_cannot_work_is_answered(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        compare_run(cells({"a": 0.7, "b": 0.8}, seeds=1), **options)


def test_one_method_is_no_comparison() -> None:
    with pytest.raises(DataError, match="results of a only"):
        compare_run(cells({"a": 0.7}))
