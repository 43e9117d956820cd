import math

import pytest
import torch

from gloss_pyg.graph.reach import reached
from gloss_pyg.testing.example import Example
from gloss_pyg.testing.examples import named_examples, random_example
from gloss_pyg.testing.paths import path_strength


def test_strength_of_a_chain():
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, weights 1 and 3
    y, x = torch.eye(3, 2, dtype=torch.float64), torch.zeros(3, 1, dtype=torch.float64)
    weight = torch.tensor([1.0, 1, 3, 3], dtype=torch.float64)
    mask = torch.tensor([True, False, False])
    example = Example("a chain", "", y, mask, edges, weight, x, y)
    found = path_strength(example, absorbing=False, hops=None)
    assert found[:, 0].exp().tolist() == pytest.approx([1, 1 / 4, 3 / 16], rel=1e-12)  # degrees 1, 4, 3
    assert found[:, 1].tolist() == [-math.inf] * 3
    assert path_strength(example, absorbing=False, hops=1)[2, 0] == -math.inf


def test_labels_fade_by_the_mean_degree_where_they_pass_through_seeds():
    edges = torch.tensor([[0, 1, 1, 2, 3, 4], [1, 0, 2, 1, 4, 3]])  # 0 - 1 - 2, weights 3 and 1000; 3 - 4, weight 2
    y, x = torch.eye(5, dtype=torch.float64), torch.zeros(5, 1, dtype=torch.float64)
    weight = torch.tensor([3.0, 3, 1000, 1000, 2, 2], dtype=torch.float64)
    mask = torch.tensor([True, False, True, True, False])
    example = Example("two components", "", y, mask, edges, weight, x, y)
    found = path_strength(example, absorbing=False, hops=None).exp()
    assert found[1, 0] == pytest.approx(3 / 1003, rel=1e-12)  # its own degree exceeds the mean, 2006 / 3
    assert found[4, 3] == pytest.approx(1, rel=1e-12)  # the other component's degrees do not count
    far = Example(
        "a hub",
        "",
        y,
        mask,
        torch.cat([edges, torch.tensor([[0, 3], [3, 0]])], 1),
        torch.cat([weight, torch.ones(2, dtype=torch.float64)]),
        x,
        y,
    )  # degrees 4, 1003, 1000, 3, 2
    assert path_strength(far, absorbing=False, hops=None)[4, 3].exp() == pytest.approx(2 / (2012 / 5), rel=1e-12)
    assert path_strength(far, absorbing=True, hops=None)[4, 3].exp() == pytest.approx(2 / 3, rel=1e-12)


def test_what_is_tied_is_what_is_reached():
    for seed in range(100):
        example = random_example(seed, None, 3)
        for absorbing in (True, False):
            expected = reached(
                example.seeds > 0, example.mask, example.edge_index, example.edge_weight, absorbing=absorbing
            )
            assert torch.equal(path_strength(example, absorbing=absorbing, hops=None) > -math.inf, expected), seed


def test_random_graphs_are_of_every_kind():
    drawn = [random_example(seed, None, 3) for seed in range(300)]
    assert {example.y.size(1) for example in drawn} == set(range(1, 7))
    assert {example.y.size(0) for example in drawn} == set(range(1, 25))
    assert any(not example.mask.any() for example in drawn)
    assert any(bool(example.mask.all()) for example in drawn)
    assert any(example.edge_index.numel() == 0 for example in drawn)
    assert any(bool((example.edge_weight == 0).any()) for example in drawn)
    weights = [example.edge_weight[example.edge_weight > 0] for example in drawn if not example.tame]
    assert max(float(weight.max() / weight.min()) for weight in weights if weight.numel()) > 1e50
    ties = [path_strength(example, absorbing=True, hops=None) > -math.inf for example in drawn if example.mask.any()]
    assert any(not bool(tie.any(dim=1).all()) for tie in ties)


def test_a_number_of_classes_that_the_layer_fixes():
    assert {example.y.size(1) for example in named_examples(5, 2)} == {5}
    assert {random_example(seed, 5, 2).y.size(1) for seed in range(20)} == {5}
