"""Who looks on while a method trains."""

import threading

import pytest

from gloss_pyg.methods import FineTuning
from gloss_pyg.training import tell_validation, watch


def test_the_innermost_watcher_is_told_and_only_within_its_block():
    outer, inner = [], []
    with watch(lambda *row: outer.append(row)):
        tell_validation(1, 0.1)
        with watch(lambda *row: inner.append(row)):
            tell_validation(2, 0.2)
        with watch(None):
            tell_validation(3, 0.3)
        tell_validation(4, 0.4)
    tell_validation(5, 0.5)
    assert outer == [(1, 0.1), (4, 0.4)]
    assert inner == [(2, 0.2)]


def test_other_threads_have_watchers_of_their_own():
    seen = []
    with watch(lambda *row: seen.append(row)):
        thread = threading.Thread(target=tell_validation, args=(1, 0.1))
        thread.start()
        thread.join()
    assert seen == []


def test_fine_tuning_tells_each_validation_and_ends_where_the_watcher_says_so(tiny_texts, tiny_bert):
    seen = []

    def look(step, score):
        seen.append((step, score))
        if step >= 4:
            raise InterruptedError

    method = FineTuning(model=str(tiny_bert), max_length=16, batch_size=8, max_steps=20, evaluate_every=2)
    with watch(look), pytest.raises(InterruptedError):
        method.fit(tiny_texts["train"], tiny_texts["validation"], seed=0)
    assert [step for step, _ in seen] == [2, 4]
    assert all(0 <= score <= 1 for _, score in seen)
