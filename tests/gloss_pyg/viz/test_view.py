import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData
from torch_geometric.utils import homophily

from gloss_pyg import DenseGaussian, GLoss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import view
from gloss_pyg.viz.strongest import strongest_pairs

EDGES = torch.tensor([[0, 1, 1, 2, 2, 3, 0, 0], [1, 0, 2, 1, 3, 2, 0, 1]])  # a chain, a loop, a parallel edge


def small(**more):
    return Data(edge_index=EDGES, y=torch.tensor([0, 0, 1, -100]), num_nodes=4, **more)


def test_parallel_edges_are_added_up_and_loops_left_out():
    graph = view(small(edge_weight=torch.arange(1.0, 9.0)))
    assert graph.weights.toarray().tolist() == [[0, 2, 0, 0], [9, 0, 4, 0], [0, 3, 0, 6], [0, 0, 5, 0]]
    first, second, weight = graph.pairs()
    assert (first.tolist(), second.tolist(), weight.tolist()) == ([0, 1, 2], [1, 2, 3], [9, 4, 6])


def test_figures_are_those_of_pyg_and_of_the_formula():
    torch.manual_seed(0)
    y = torch.arange(20) % 3
    data = DenseGaussian(sigma=0.5)(Data(x=torch.randn(20, 6), y=y))
    graph = view(data)
    assert graph.homophily() == pytest.approx(homophily(data.edge_index, y, method="edge"))
    source, target = data.edge_index
    between = y[source] != y[target]
    assert graph.between_share() == pytest.approx(float(data.edge_weight[between].sum() / data.edge_weight.sum()))


def test_a_propagated_batch_says_what_was_seen_and_inferred():
    torch.manual_seed(0)
    y = torch.arange(12) % 3
    y[5] = -100
    batch = GLoss(DenseGaussian(sigma=0.5)).propagate(torch.randn(12, 6), y)
    graph = view(batch, labels=y)
    assert graph.seen.tolist() == batch.seen.tolist()
    assert graph.hidden.tolist() == batch.hidden.tolist()
    assert graph.labels[5] == -1
    inferred = batch.probabilities.argmax(dim=1)
    assert graph.wrong.tolist() == (batch.hidden & (inferred != y)).tolist()
    assert not view(batch).hidden.any()  # their labels are not in the batch


def test_the_mask_of_a_data_set_says_what_is_seen():
    mask = torch.tensor([True, False, False, True])
    graph = view(small(train_mask=mask))
    assert graph.seen.tolist() == [True, False, False, False]
    assert graph.hidden.tolist() == [False, True, True, False]


def test_a_document_without_any_probability_has_no_class():
    rows = [[0.0, 0.0], [0.2, 0.8], [0.9, 0.1], [0.0, 0.0]]
    graph = view(small(), seen=[False] * 4, probabilities=rows)
    assert graph.inferred.tolist() == [-1, 1, 0, -1]
    assert graph.wrong.tolist() == [False, True, True, False]


BAD = {
    "another object": (HeteroData(), {}, "Got a HeteroData; expected a torch_geometric Data"),
    "no edges": (Data(x=torch.ones(2, 2)), {}, "no edge_index"),
    "no nodes": (Data(edge_index=torch.zeros(2, 0, dtype=torch.long), num_nodes=0), {}, "no documents"),
    "edges beyond": (Data(edge_index=EDGES, x=torch.ones(2, 2)), {}, "names document 3"),
    "weights": (small(edge_weight=torch.ones(3)), {}, "3 numbers for 8 edges"),
    "negative": (small(edge_weight=-torch.ones(8)), {}, "negative numbers"),
    "NaN": (small(edge_weight=torch.full((8,), torch.nan)), {}, "edge_weight holds NaN"),
    "labels": (small(), {"labels": [0, 1]}, "expected one class for each of the 4"),
    "float labels": (small(), {"labels": [0.5, 1, 1, 1]}, "labels are float64; expected whole numbers"),
    "mask": (small(train_mask=torch.ones(4, 10, dtype=torch.bool)), {}, "Of several splits give one"),
    "rows": (small(), {"probabilities": [[1.0]]}, "probabilities has 1 rows for 4 documents"),
    "names": (small(), {"class_names": ["one"]}, "1 names for 2 classes"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_said(name, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    data, given, message = BAD[name]
    with pytest.raises(DataError, match=message):
        view(data, **given)


def test_each_document_keeps_its_strongest_edges():
    torch.manual_seed(0)
    data = DenseGaussian(sigma=0.5)(Data(x=torch.randn(15, 4)))
    graph = view(data)
    dense = graph.weights.toarray()
    expected = {tuple(sorted((i, int(j)))) for i in range(15) for j in np.argsort(-dense[i], kind="stable")[:2]}
    first, second, weight = strongest_pairs(graph, 2)
    assert set(zip(first.tolist(), second.tolist(), strict=True)) == expected
    np.testing.assert_allclose(weight, dense[first, second])
    assert len(strongest_pairs(graph, None)[0]) == 15 * 14 / 2
    with pytest.raises(ConfigError, match="strongest=0; expected"):
        strongest_pairs(graph, 0)
