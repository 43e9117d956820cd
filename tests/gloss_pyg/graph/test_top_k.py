import jaxtyping
import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import AddSelfLoops

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Compose, DenseCosine, DenseGaussian, KNNGaussian, TopK
from gloss_pyg.graph.edges import is_complete, is_marked_symmetric, squares


def some(n=11):
    return torch.randn(n, 4, generator=torch.Generator().manual_seed(n), dtype=torch.float64)


def matrix(graph):
    return plain.dense(graph.edge_index, graph.edge_weight, graph.num_nodes)


@pytest.mark.parametrize("k", [1, 3, 9])
def test_after_a_gaussian_it_gives_the_nearest_neighbours(k):
    found = Compose([DenseGaussian(0.7), TopK(k)])(Data(x=some()))
    expected = KNNGaussian(k, 0.7)(Data(x=some()))
    assert torch.equal(found.edge_index, expected.edge_index)
    torch.testing.assert_close(found.edge_weight, expected.edge_weight)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_the_same_edges_of_a_list_as_of_a_complete_graph(k):
    whole = DenseCosine()(Data(x=some()))
    order = torch.randperm(whole.edge_index.size(1), generator=torch.Generator().manual_seed(0))
    shuffled = Data(x=whole.x, edge_index=whole.edge_index[:, order], edge_weight=whole.edge_weight[order])
    np.testing.assert_array_equal(matrix(TopK(k)(shuffled)), matrix(TopK(k)(whole)))
    np.testing.assert_array_equal(matrix(TopK(k)(whole)), plain.keep_strongest(matrix(whole), k))


def test_equal_weights_go_by_index_in_both_ways():
    whole = DenseGaussian(1.0)(Data(x=torch.ones(5, 3)))
    copied = Data(edge_index=whole.edge_index.clone(), edge_weight=whole.edge_weight.clone(), num_nodes=5)
    pairs = [[1, 0], [2, 0], [3, 0], [4, 0], [0, 1], [0, 2], [0, 3], [0, 4]]
    for data in (whole, copied):
        assert TopK(1)(data).edge_index.T.tolist() == pairs


def test_directed_edges_are_judged_where_they_end():
    edges = torch.tensor([[1, 2, 3, 0, 0], [0, 0, 0, 2, 3]])
    graph = TopK(1)(Data(edge_index=edges, edge_weight=torch.tensor([3.0, 2.0, 1.0, 0.1, 0.2]), num_nodes=4))
    # Into 0 the strongest is from 1; those from 2 and 3 stay as reverses of the only edges into 2 and 3.
    assert graph.edge_index.T.tolist() == edges.T.tolist()
    graph = TopK(1)(Data(edge_index=edges[:, :4], edge_weight=torch.tensor([3.0, 2.0, 1.0, 0.1]), num_nodes=4))
    assert graph.edge_index.T.tolist() == [[1, 0], [2, 0], [0, 2]]
    assert not is_marked_symmetric(graph.edge_index, graph.edge_weight)


def test_loops_stay_and_are_not_counted_and_zeros_go():
    loops = Compose([KNNGaussian(4, 0.7), AddSelfLoops("edge_weight", fill_value=0.01)])
    graph = TopK(2)(loops(Data(x=some())))
    w = matrix(graph)
    np.testing.assert_array_equal(np.diag(w), 0.01)
    np.fill_diagonal(w, 0)
    np.testing.assert_allclose(w, matrix(KNNGaussian(2, 0.7)(Data(x=some()))), rtol=1e-12)
    opposite = DenseCosine()(Data(x=torch.tensor([[1.0, 0.0], [1.0, 0.5], [-1.0, 0.0]])))
    assert TopK(2)(opposite).edge_index.T.tolist() == [[1, 0], [0, 1]]


def test_a_graph_that_is_small_enough_stays_what_it_is():
    whole = DenseGaussian(0.7)(Data(x=some(6)))
    kept = TopK(5)(whole)
    assert is_complete(kept.edge_index, 6)
    assert squares.get(kept.edge_weight) is not None
    sparse = KNNGaussian(2, 0.7)(Data(x=some()))
    assert TopK(10)(sparse).edge_weight is sparse.edge_weight


def test_other_attributes_of_edges_come_along():
    whole = DenseGaussian(0.7)(Data(x=some()))
    whole.edge_attr = torch.stack([whole.edge_weight, whole.edge_index[0].double()], dim=1)
    graph = TopK(2)(whole)
    assert torch.equal(graph.edge_attr, torch.stack([graph.edge_weight, graph.edge_index[0].double()], dim=1))
    assert whole.edge_attr.size(0) == 110


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "put a rule before it"),
        ({"edge_index": torch.zeros(2, 2).long()}, "put a rule before it"),
        ({"edge_index": torch.zeros(2, 2).long(), "edge_weight": torch.ones(3)}, r"2 edges but .* shape \(3,\)"),
        ({"edge_index": torch.zeros(2, 2).long(), "edge_weight": torch.tensor([1.0, torch.nan])}, "must be finite"),
        ({"edge_index": torch.zeros(2, 2).long(), "edge_weight": torch.tensor([1.0, -1.0])}, "not negative"),
    ],
)
def test_what_is_no_weighted_graph_is_refused(fields, message):
    with pytest.raises(DataError, match=message):
        TopK(1)(Data(x=torch.zeros(3, 2), **fields))


def test_no_edge_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match="k=0"):
        TopK(0)
