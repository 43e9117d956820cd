import pytest

from gloss_pyg.data.budget import apply_budget
from gloss_pyg.data.checks import Documents
from gloss_pyg.data.request import check_budget
from gloss_pyg.errors import ConfigError

TRAIN = Documents([f"text {row}" for row in range(20)], ["a"] * 12 + ["b"] * 5 + [None] * 3)


def test_no_budget_keeps_everything_labelled() -> None:
    kept, notes = apply_budget(TRAIN, train_size=None, labels_per_class=None, unlabelled="keep", seed=0)
    assert kept == TRAIN
    assert notes == []
    dropped, notes = apply_budget(TRAIN, train_size=None, labels_per_class=None, unlabelled="drop", seed=0)
    assert dropped == Documents(TRAIN.texts[:17], TRAIN.labels[:17])
    assert notes[0].startswith("3 training documents without a label (-1) were dropped")
    assert notes[0].endswith("-1 means that there is no label; if it is a class, give it a name such as 'negative'")


@pytest.mark.parametrize(("size", "expected"), [(2, (1, 1)), (7, (5, 2)), (0.5, (6, 2)), (17, (12, 5))])
def test_train_size_is_stratified_over_labelled_documents(size: int | float, expected: tuple[int, int]) -> None:
    kept, _ = apply_budget(TRAIN, train_size=size, labels_per_class=None, unlabelled="drop", seed=3)
    assert (kept.labels.count("a"), kept.labels.count("b")) == expected
    assert None not in kept.labels


def test_a_larger_budget_contains_a_smaller_one() -> None:
    drawn = [
        set(apply_budget(TRAIN, train_size=None, labels_per_class=k, unlabelled="drop", seed=4)[0].texts)
        for k in (1, 3, 5)
    ]
    assert drawn[0] < drawn[1] < drawn[2]


def test_keeping_the_rest_hides_its_labels_only() -> None:
    kept, _ = apply_budget(TRAIN, train_size=None, labels_per_class=2, unlabelled="keep", seed=0)
    assert kept.texts == TRAIN.texts
    assert [kept.labels.count(label) for label in ("a", "b", None)] == [2, 2, 16]
    assert all(label in (None, truth) for label, truth in zip(kept.labels, TRAIN.labels, strict=True))


def test_unknown_treatment_of_unlabelled_documents() -> None:
    with pytest.raises(ConfigError, match=r"unlabelled='ignore'; expected 'drop'.*'keep'"):
        check_budget(None, None, "ignore", 0)


@pytest.mark.parametrize("size", [True, "5"])
def test_sizes_that_are_no_numbers(size: int) -> None:
    with pytest.raises(Exception, match="train_size"):
        check_budget(size, None, "drop", 0)
