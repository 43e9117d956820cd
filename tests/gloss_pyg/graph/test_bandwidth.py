import math

import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Bandwidth, DenseGaussian, KNNGaussian, median_distance
from gloss_pyg.graph.distances import unit_rows
from gloss_pyg.graph.neighbours import nearest_neighbours


def embeddings(n=11):
    return 5 * torch.randn(n, 4, generator=torch.Generator().manual_seed(n), dtype=torch.float64)


def lower_median(x):
    pairs = np.sort(plain.distances(x)[np.triu_indices(len(x), 1)])
    return pairs[(len(pairs) - 1) // 2]


@pytest.mark.parametrize("n", [2, 3, 11, 40])
def test_median_over_pairs_without_the_diagonal(n):
    assert median_distance(embeddings(n)) == pytest.approx(lower_median(embeddings(n)), rel=1e-6)


def test_median_in_blocks_and_of_a_sample(monkeypatch):
    x = torch.randn(1500, 3, generator=torch.Generator().manual_seed(0))
    rows = (x / x.norm(dim=1, keepdim=True)).double()
    assert median_distance(x) == pytest.approx(float(torch.pdist(rows).median()), rel=1e-6)
    monkeypatch.setattr("gloss_pyg.graph.bandwidth.DOCUMENTS_FOR_MEDIAN", 300)
    assert median_distance(x) == median_distance(x) != pytest.approx(float(torch.pdist(rows).median()), rel=1e-9)
    assert median_distance(x) == pytest.approx(float(torch.pdist(rows).median()), rel=0.05)


@pytest.mark.parametrize("rule", [DenseGaussian, lambda sigma: KNNGaussian(3, sigma)])
def test_square_root_rule_raises_until_it_was_fitted(rule):
    graph = rule("sqrt")
    assert graph.needs_fit
    with pytest.raises(ConfigError, match="call once"):
        graph(Data(x=embeddings()))
    graph.fit_sigma(embeddings())
    assert not graph.needs_fit
    sigma = math.sqrt(lower_median(embeddings()) / 3)
    found, expected = graph(Data(x=embeddings(6))), rule(sigma)(Data(x=embeddings(6)))
    torch.testing.assert_close(found.edge_weight, expected.edge_weight, rtol=1e-5, atol=0)


def test_fitted_value_travels_with_the_state():
    graph, other = DenseGaussian("sqrt"), DenseGaussian("sqrt")
    graph.fit_sigma(embeddings())
    other.load_state_dict(graph.state_dict())
    assert not other.needs_fit
    x = Data(x=embeddings(5))
    assert torch.equal(graph(x).edge_weight, other(x).edge_weight)


def test_learned_rule_starts_at_the_fitted_value():
    graph = DenseGaussian("learned")
    assert graph.needs_fit
    graph.fit_sigma(embeddings())
    assert not graph.needs_fit
    assert float(graph.bandwidth.log_sigma.detach().exp()) == pytest.approx(
        math.sqrt(lower_median(embeddings()) / 3), rel=1e-6
    )


@pytest.mark.parametrize("sigma", [0.7, "median", "local"])
def test_other_rules_have_nothing_to_fit(sigma):
    graph = DenseGaussian(sigma)
    before = graph(Data(x=embeddings(5))).edge_weight
    graph.fit_sigma(embeddings())
    assert not graph.needs_fit
    assert torch.equal(graph(Data(x=embeddings(5))).edge_weight, before)


def test_a_fit_needs_two_different_documents():
    with pytest.raises(DataError, match="1 was given"):
        Bandwidth("sqrt").fit(embeddings(1))
    with pytest.raises(DataError, match="median distance of the 6 training embeddings is 0"):
        Bandwidth("learned").fit(torch.ones(6, 3))


def test_number_as_precision():
    assert float(Bandwidth(0.25)(embeddings())) == pytest.approx(1 / (math.sqrt(2) * 0.25))
    for sigma, text in ((0.25, "0.25"), ("sqrt", "sqrt"), ("learned", "learned")):
        assert text in repr(DenseGaussian(sigma))


@pytest.mark.parametrize("sigma", ["median", "local"])
def test_own_bandwidths_of_many_documents_are_those_of_few(sigma, monkeypatch):
    x = embeddings(60)
    expected = Bandwidth(sigma)(x.clone())
    monkeypatch.setattr("gloss_pyg.graph.bandwidth.DOCUMENTS_AT_ONCE", 10)
    torch.testing.assert_close(Bandwidth(sigma)(x.clone()), expected, rtol=1e-6, atol=0)
    kept = KNNGaussian(9, sigma)
    torch.testing.assert_close(kept.bandwidth(x, nearest_neighbours(unit_rows(x)[0], 9)), expected, rtol=1e-6, atol=0)


def test_own_bandwidths_follow_what_is_written_to_the_embeddings():
    x = embeddings(20)
    bandwidth = Bandwidth("local")
    before = bandwidth(x)
    assert bandwidth(x) is before
    x[:, 0] += 3
    assert not torch.allclose(bandwidth(x), before)
    assert Bandwidth("median")(x).dim() == 0
