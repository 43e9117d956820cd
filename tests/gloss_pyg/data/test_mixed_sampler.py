import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gloss_pyg.data import MixedSampler
from gloss_pyg.errors import ConfigError, DataError

LABELS = st.lists(st.integers(-1, 4), min_size=2, max_size=60).filter(lambda ids: min(ids) < 0 <= max(ids))


@given(LABELS, st.integers(1, 12), st.integers(1, 12), st.integers(0, 5))
def test_every_block_has_its_ratio_and_every_document_its_turn(labels, labelled, unlabelled, seed):
    sampler = MixedSampler(labels, labelled=labelled, unlabelled=unlabelled, seed=seed)
    ids = np.array(labels)
    order = np.array(list(sampler))
    assert len(order) == len(sampler)
    blocks = order.reshape(-1, sampler.batch_size)
    assert len(blocks) == max(-(-(ids >= 0).sum() // sampler.labelled), -(-(ids < 0).sum() // sampler.unlabelled))
    for block in blocks:
        assert (ids[block[: sampler.labelled]] >= 0).all()
        assert (ids[block[sampler.labelled :]] < 0).all()
        assert len(set(block)) == len(block)
    for kind in (ids >= 0, ids < 0):
        times = np.bincount(order, minlength=len(ids))[kind]
        assert times.min() >= 1
        assert times.max() - times.min() <= 1


def test_classes_are_spread_over_the_blocks():
    labels = np.array([0] * 40 + [1] * 20 + [2] * 20 + [-1] * 100)
    sampler = MixedSampler(labels, labelled=16, unlabelled=4, seed=3)
    for block in np.array(list(sampler)).reshape(-1, 20):
        counts = np.bincount(labels[block[:16]], minlength=3)
        assert abs(counts[0] - 8) <= 2
        assert abs(counts[1] - counts[2]) <= 2


def test_the_order_depends_on_seed_and_epoch_alone():
    labels = [0, 1, 0, 1, -1, -1, -1, -1, -1, -1]

    def orders(seed):
        sampler = MixedSampler(labels, labelled=2, unlabelled=3, seed=seed)
        return list(sampler), list(sampler)

    first, second = orders(0)
    assert (first, second) == orders(0)
    assert first != second
    assert first != orders(1)[0]
    resumed = MixedSampler(labels, labelled=2, unlabelled=3, seed=0)
    resumed.set_epoch(1)
    assert list(resumed) == second


def test_fewer_documents_than_asked_for_are_all_in_every_block():
    sampler = MixedSampler([0, 1, -1, -1, -1], labelled=8, unlabelled=2)
    assert (sampler.labelled, sampler.batch_size) == (2, 4)


@pytest.mark.parametrize("labels", [[0, 1, 2], [-1, -100], []])
def test_one_kind_alone_is_refused(labels):
    with pytest.raises(DataError, match=r"documents have a label; batches can be mixed only of both kinds"):
        MixedSampler(np.array(labels, dtype=np.int64), labelled=1, unlabelled=1)


@pytest.mark.parametrize("arguments", [{"labelled": 0}, {"unlabelled": 0}, {"labelled": True}, {"seed": -1}])
def test_numbers_out_of_range_are_refused(arguments):
    with pytest.raises(ConfigError, match="expected a whole number from"):
        MixedSampler([0, -1], **({"labelled": 1, "unlabelled": 1} | arguments))


def test_labels_that_are_none_are_refused(monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(DataError, match="expected whole numbers"):
        MixedSampler([0.5, -1], labelled=1, unlabelled=1)
