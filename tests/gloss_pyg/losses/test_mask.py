from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gloss_pyg.losses import stratified_mask

LABELS = st.lists(st.sampled_from([-100, -1, 0, 0, 1, 1, 2, 7, 9000]), max_size=40)


@given(LABELS, st.floats(0.01, 0.99), st.integers(0, 2**31))
@settings(deadline=None, max_examples=200)
def test_what_the_docstring_promises(labels, fraction, seed):
    labels = torch.tensor(labels, dtype=torch.long)
    mask = stratified_mask(labels, fraction, torch.Generator().manual_seed(seed))
    assert mask.shape == labels.shape
    assert not bool(mask[labels < 0].any())
    sizes = Counter(labels[labels >= 0].tolist())
    seen = Counter(labels[mask].tolist())
    for label, size in sizes.items():
        if size > 1:
            assert 1 <= seen[label] <= size - 1
            assert abs(seen[label] - size * fraction) <= 1
    lonely = [label for label, size in sizes.items() if size == 1]
    if len(lonely) == len(sizes) > 1:
        assert sum(seen[label] for label in lonely) == len(lonely) - 1
    else:
        assert all(seen[label] == 1 for label in lonely)
    if sum(sizes.values()) > 1:
        assert 0 < int(mask.sum()) < sum(sizes.values())


def test_fraction_is_met_on_average_and_everybody_is_hidden_some_time():
    labels = torch.tensor([0] * 5 + [1] * 7)
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([stratified_mask(labels, 0.5, generator) for _ in range(4000)]).double()
    assert float(draws[:, :5].sum(1).mean()) == pytest.approx(2.5, abs=0.05)
    assert float(draws[:, 5:].sum(1).mean()) == pytest.approx(3.5, abs=0.05)
    torch.testing.assert_close(draws.mean(0), torch.full((12,), 0.5).double(), rtol=0, atol=0.05)


def test_same_generator_same_mask():
    labels = torch.arange(30) % 4
    one, two = (stratified_mask(labels, 0.6, torch.Generator().manual_seed(5)) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, stratified_mask(labels, 0.6, torch.Generator().manual_seed(6)))
