import pytest
import torch
from torch_geometric.data import Batch, Data

from gloss_pyg.errors import DataError
from gloss_pyg.graph import Compose, DenseGaussian, EpsilonGaussian, TopK


def some(n):
    return torch.randn(n, 3, generator=torch.Generator().manual_seed(n))


@pytest.mark.parametrize(
    ("batch", "message"),
    [([0, 1, 0, 1], "got 4 numbers out of order"), ([0, 0, 1], "got 3 numbers"), ([1, 1, 1, 0], "out of order")],
)
def test_a_batch_that_is_not_one_graph_after_the_other_is_refused(batch, message):
    with pytest.raises(DataError, match=message):
        DenseGaussian(1.0)(Data(x=some(4), batch=torch.tensor(batch)))


def test_a_batch_made_by_hand_is_one_too():
    graph = DenseGaussian(1.0)(Data(x=some(5), batch=torch.tensor([0, 0, 0, 2, 2])))
    assert set(map(tuple, graph.edge_index.T.tolist())) == {
        *((i, j) for i in range(3) for j in range(3) if i != j),
        (3, 4),
        (4, 3),
    }


@pytest.mark.parametrize(
    "step", [DenseGaussian(1.0), EpsilonGaussian(1.0, 1.0), Compose([DenseGaussian(1.0), TopK(1)])]
)
def test_a_batch_comes_apart_into_the_graphs_of_its_parts(step):
    """Old places of edges would cut new edges wrongly; PyG keeps both in the batch."""
    graphs = [Data(x=some(n), edge_index=torch.zeros(2, n).long(), edge_attr=torch.ones(n, 2)) for n in (4, 0, 6, 0)]
    joined = Batch.from_data_list(graphs)
    result = step(joined)
    assert result.num_graphs == 4
    for part, graph in zip(result.to_data_list(), graphs, strict=True):
        expected = step(graph)
        assert torch.equal(part.edge_index, expected.edge_index)
        assert torch.equal(part.edge_weight, expected.edge_weight)
        assert torch.equal(part.x, graph.x)
    assert torch.equal(result[2].edge_index, step(graphs[2]).edge_index)
    assert all(torch.equal(a.edge_attr, b.edge_attr) for a, b in zip(joined.to_data_list(), graphs, strict=True))
