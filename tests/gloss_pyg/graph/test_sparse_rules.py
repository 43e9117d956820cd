"""Which pairs the mutual and the epsilon graph keep, where it is a matter of ties and blocks."""

import math

import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.graph import EpsilonGaussian, KNNGaussian, MutualKNNGaussian
from gloss_pyg.graph.neighbours import near_pairs

SQUARE = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])


def pairs(graph):
    return {(i, j) for i, j in graph.edge_index.T.tolist() if i < j}


def test_mutual_edges_are_those_of_both_ends():
    x = torch.randn(30, 3, generator=torch.Generator().manual_seed(0))
    mutual, union = pairs(MutualKNNGaussian(4, 1.0)(Data(x=x))), pairs(KNNGaussian(4, 1.0)(Data(x=x)))
    assert mutual < union
    graph = MutualKNNGaussian(4, 1.0)(Data(x=x))
    assert torch.bincount(graph.edge_index[1], minlength=30).max() <= 4
    assert len(mutual) + len(union) == 30 * 4  # each choice is one end of an edge


def test_ties_go_by_index_and_may_leave_documents_alone():
    assert pairs(MutualKNNGaussian(1, 1.0)(Data(x=SQUARE))) == {(0, 1)}  # 2 chose 1, 3 chose 0
    assert pairs(MutualKNNGaussian(2, 1.0)(Data(x=torch.ones(5, 3)))) == {(0, 1), (0, 2), (1, 2)}
    assert len(pairs(MutualKNNGaussian(4, 1.0)(Data(x=torch.ones(5, 3))))) == 10


def test_a_pair_at_epsilon_is_out_whatever_rounding_says():
    right_angle = math.sqrt(2)
    turned = SQUARE.double() @ torch.tensor([[math.cos(0.3), math.sin(0.3)], [-math.sin(0.3), math.cos(0.3)]]).double()
    for x in (SQUARE, turned, 7 * turned.float()):
        assert pairs(EpsilonGaussian(right_angle, 1.0)(Data(x=x))) == set()
        assert len(pairs(EpsilonGaussian(right_angle * (1 + 1e-5), 1.0)(Data(x=x)))) == 4
        assert len(pairs(EpsilonGaussian(2.0, 1.0)(Data(x=x)))) == 4


def test_blocks_of_rows_find_the_same_pairs(monkeypatch):
    x = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    whole = near_pairs(x, 2.5)
    assert 40 < whole.size(1) < 700
    distances = torch.cdist(x.double(), x.double())
    assert {tuple(pair) for pair in whole.T.tolist()} == {
        (i, j) for i in range(40) for j in range(i + 1, 40) if distances[i, j] < 2.5
    }
    monkeypatch.setattr("gloss_pyg.graph.neighbours.BLOCK", 130)
    assert torch.equal(near_pairs(x, 2.5), whole)


@pytest.mark.parametrize("rule", [MutualKNNGaussian(1, 1e-4), EpsilonGaussian(0.5, 1e-4)])
def test_rescue_by_small_bandwidths_ties_nobody_whom_the_rule_left_alone(rule):
    angles = torch.tensor([0.0, 0.3, math.pi / 2, math.pi / 2 + 0.01])
    angles = torch.cat([angles, torch.tensor([math.pi])])
    graph = rule(Data(x=torch.stack([angles.cos(), angles.sin()], dim=1)))
    assert pairs(graph) == {(0, 1), (2, 3)}
    assert bool((graph.edge_weight > 0).all())
