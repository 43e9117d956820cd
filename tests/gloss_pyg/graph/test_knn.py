import jaxtyping
import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import KNNGaussian
from gloss_pyg.graph.neighbours import nearest_neighbours


def matrix(graph):
    return plain.dense(graph.edge_index, graph.edge_weight.detach(), graph.num_nodes)


@pytest.mark.parametrize("k", [1, 3, 8, 9, 50])
@pytest.mark.parametrize("sigma", [0.4, 1.5])
def test_kept_weights_follow_the_formula(k, sigma):
    x = torch.randn(9, 4, generator=torch.Generator().manual_seed(k), dtype=torch.float64)
    expected = plain.keep_nearest(plain.gaussian(x, sigma), plain.distances(x), k)
    graph = KNNGaussian(k, sigma)(Data(x=x))
    np.testing.assert_allclose(matrix(graph), expected, rtol=1e-12)
    assert graph.edge_index.size(1) == int((expected > 0).sum())
    code = graph.edge_index[1] * 9 + graph.edge_index[0]
    assert bool((code[1:] > code[:-1]).all())  # sorted by target, then source; none twice


def test_ties_go_to_the_smaller_index():
    equal = torch.ones(6, 3)
    assert nearest_neighbours(equal, 2).tolist() == [
        [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5],
        [1, 2, 0, 2, 0, 1, 0, 1, 0, 1, 0, 1],
    ]
    square = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])  # two neighbours equally near each
    assert KNNGaussian(1, 1.0)(Data(x=square)).edge_index.T.tolist() == [[1, 0], [3, 0], [0, 1], [2, 1], [1, 2], [0, 3]]


def test_blocks_of_rows_find_the_same_neighbours(monkeypatch):
    x = torch.randn(40, 5, generator=torch.Generator().manual_seed(0))
    whole = nearest_neighbours(x, 4)
    monkeypatch.setattr("gloss_pyg.graph.neighbours.BLOCK", 130)
    assert torch.equal(nearest_neighbours(x, 4), whole)


def test_no_neighbour_is_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match="k=0, expected at least 1"):
        KNNGaussian(0, 1.0)


def test_another_search_is_named_or_refused(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match="search='trees', expected 'blocks' or 'faiss'"):
        KNNGaussian(1, 1.0, search="trees")
