import math

import numpy as np
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg import GLoss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, MultiHeadEdges
from gloss_pyg.graph.leave_one_out import EQUAL, leave_one_out_sigma


def documents(n=24, classes=3, spread=0.4, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = np.arange(n) % classes
    centres = torch.randn(classes, 6, generator=generator, dtype=torch.float64)
    return centres[labels] + spread * torch.randn(n, 6, generator=generator, dtype=torch.float64), labels


def plain_loss(x, labels, sigma):
    """The formula by loops, all documents in one group."""
    rows = x.numpy() / np.linalg.norm(x.numpy(), axis=1, keepdims=True)
    total = 0.0
    for i in range(len(rows)):
        weights = [math.exp(-(((rows[i] - rows[j]) ** 2).sum()) / (2 * sigma**2)) for j in range(len(rows))]
        others = [j for j in range(len(rows)) if j != i]
        own = sum(weights[j] for j in others if labels[j] == labels[i])
        total -= math.log(own / sum(weights[j] for j in others))
    return total / len(rows)


def test_no_bandwidth_is_better_and_no_wider_one_as_good():
    x, labels = documents()
    found = leave_one_out_sigma(x, labels)
    tried = np.geomspace(0.1, 2, 60)
    losses = np.array([plain_loss(x, labels, sigma) for sigma in tried])
    assert plain_loss(x, labels, found) <= losses.min() + EQUAL + 1e-3
    assert tried[losses <= losses.min() + EQUAL / 2].max() <= found * 1.001
    assert 0.1 < found < 1.5


def test_overlapping_classes_get_a_wider_kernel_than_clear_ones_of_the_same_spread():
    near, labels = documents(n=60, spread=2.0)
    clear, _ = documents(n=60, spread=0.2)
    assert leave_one_out_sigma(near, labels) > leave_one_out_sigma(clear, labels)


def test_documents_without_a_label_do_not_count():
    x, labels = documents()
    with_others = torch.cat([x, 100 * torch.randn(9, 6, dtype=torch.float64)])
    assert leave_one_out_sigma(with_others, np.concatenate([labels, np.full(9, -1)])) == leave_one_out_sigma(x, labels)


def test_groups_are_as_large_as_batches_whatever_the_number_of_documents():
    few, labels = documents(n=30, spread=1.0)
    many, many_labels = documents(n=3000, spread=1.0)
    assert 0.7 < leave_one_out_sigma(few, labels) / leave_one_out_sigma(many, many_labels) < 1.5


@pytest.mark.parametrize("case", ["equal", "zero", "half"])
def test_hostile_embeddings(case):
    x, labels = documents()
    hostile = {"equal": x[:1].repeat(24, 1), "zero": x * 0, "half": x.half()}[case]
    assert 0.02 <= leave_one_out_sigma(hostile, labels) <= 2


@pytest.mark.parametrize("labels", [[0, 1, 2], [-1, -1, -1], [0, 1, -100]])
def test_without_two_documents_of_a_class_it_says_so(labels):
    with pytest.raises(DataError, match="no two are of the same"):
        leave_one_out_sigma(torch.eye(3), np.array(labels))


def test_the_rule_is_fitted_with_labels_and_kept_in_the_state():
    x, labels = documents()
    rule = DenseGaussian("leave-one-out")
    with pytest.raises(ConfigError, match='sigma="leave-one-out" has no value yet'):
        rule(Data(x=x))
    with pytest.raises(ConfigError, match="is fitted on labels"):
        rule.fit_sigma(x)
    loss = GLoss(rule)
    assert loss.needs_fit
    loss.fit_sigma(x, labels)
    assert not loss.needs_fit
    sigma = leave_one_out_sigma(x, labels)
    expected = DenseGaussian(sigma)(Data(x=x)).edge_weight
    torch.testing.assert_close(rule(Data(x=x)).edge_weight, expected, rtol=1e-6, atol=0)
    other = DenseGaussian("leave-one-out")
    other.load_state_dict(rule.state_dict())
    assert "leave-one-out, sigma=" in repr(other)
    heads = MultiHeadEdges(6, 2, rule=DenseGaussian("leave-one-out"))
    heads.fit_sigma(x, labels)
    assert not heads.needs_fit
