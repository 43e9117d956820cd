import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.graph import Compose, DenseCosine, DenseGaussian, KNNGaussian, TopK
from gloss_pyg.graph.log_weights import leads, log_weights
from gloss_pyg.graph.reach import reached

X = torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("sigma", [1.0, 0.01])
@pytest.mark.parametrize(
    "rule", [DenseGaussian, lambda s: KNNGaussian(3, s), lambda s: Compose([DenseGaussian(s), TopK(3)])]
)
def test_logarithms_are_those_of_the_formula(rule, sigma):
    data = rule(sigma)(Data(x=X.float()))
    source, target = data.edge_index
    everything = torch.arange(source.numel())
    expected = -(plain.distances(X.float()) ** 2)[target, source] / (2 * sigma**2)
    np.testing.assert_allclose(log_weights(data.edge_weight, everything), expected, rtol=2e-6, atol=1e-5)
    chosen = everything[::3].flip(0)
    np.testing.assert_allclose(log_weights(data.edge_weight, chosen), expected[chosen], rtol=2e-6, atol=1e-5)
    assert leads(data.edge_weight).all()


def test_a_copy_has_lost_what_the_number_format_lost():
    data = DenseGaussian(0.01)(Data(x=X.float()))
    assert leads(data.edge_weight).all()
    copy = data.edge_weight.clone()
    assert torch.equal(leads(copy), copy > 0)
    assert int((copy > 0).sum()) < copy.numel()


def test_pairs_at_a_right_angle_lead_nowhere():
    data = DenseCosine()(Data(x=torch.eye(3).repeat(2, 1)))
    source, target = data.edge_index
    assert torch.equal(leads(data.edge_weight), source % 3 == target % 3)


def test_paths_of_so_many_edges():
    chain = torch.tensor([[0, 1, 2], [1, 2, 3]])
    sources, mask = torch.tensor([[True], [False], [False], [False]]), torch.tensor([True, False, False, False])
    for hops in range(5):
        found = reached(sources, mask, chain, torch.ones(3), absorbing=True, hops=hops)
        assert found.squeeze(1).tolist() == [hops >= node for node in range(4)]
