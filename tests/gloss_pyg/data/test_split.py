import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gloss_pyg.data.split import proportional_quota, stratified_parts

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=12).map(np.array)


@given(COUNTS, st.floats(0, 1))
def test_quota_adds_up_stays_in_bounds_and_is_near_the_share(counts: np.ndarray, share: float) -> None:
    least = np.ones_like(counts)
    total = max(round(share * counts.sum()), len(counts))
    quota = proportional_quota(counts, total, least, counts)
    assert quota.sum() == total
    assert (quota >= least).all()
    assert (quota <= counts).all()
    # Classes above their share stand at the bound, or one step above: nobody gets more at another's cost.
    ideal = total * counts / counts.sum()
    assert ((quota <= np.ceil(ideal)) | (quota == least)).all()


def test_quota_without_bounds_that_bind_is_the_largest_remainder() -> None:
    counts = np.array([50, 30, 20])
    quota = proportional_quota(counts, 7, np.zeros(3, dtype=int), counts)  # shares 3.5, 2.1, 1.4
    assert quota.tolist() == [4, 2, 1]


def test_quota_refuses_what_bounds_do_not_allow() -> None:
    with pytest.raises(ValueError, match="Cannot give out 9"):
        proportional_quota(np.array([4, 4]), 9, np.zeros(2, dtype=int), np.array([4, 4]))


@given(st.lists(st.integers(-1, 5), max_size=200).map(lambda ids: np.array(ids, dtype=np.int64)), st.integers(0, 9))
def test_parts_cover_every_document_once_and_leave_each_class_one_for_training(ids: np.ndarray, seed: int) -> None:
    validation, test, rest = stratified_parts(ids, [0.1, 0.3], seed)
    assert np.sort(np.concatenate([validation, test, rest])).tolist() == list(range(len(ids)))
    labelled = int((ids >= 0).sum())
    assert set(ids[rest]) == set(ids)
    assert (ids[np.concatenate([validation, test])] >= 0).all()
    assert len(test) <= round(0.3 * labelled)
    for label in range(6):
        count = int((ids == label).sum())
        if count >= 4:  # below, the document kept for training weighs more than the share
            assert abs((ids[test] == label).sum() - 0.3 * count) <= 2


def test_parts_depend_on_the_seed_alone() -> None:
    ids = np.arange(100) % 3
    first, again, other = (stratified_parts(ids, [0.3], seed)[0] for seed in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()
