import math

import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian, MultiHeadEdges, median_distance
from gloss_pyg.losses import GLoss


def some(n=12, d=6):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(n), dtype=torch.float64)


def test_maps_start_orthonormal_and_heads_differ():
    rule = MultiHeadEdges(dim=6, num_heads=3)
    maps = [head.weight for head in rule.heads]
    assert [tuple(a.shape) for a in maps] == [(2, 6)] * 3
    for a in maps:
        torch.testing.assert_close(a @ a.T, torch.eye(2))
    assert not torch.allclose(maps[0], maps[1])
    wide = MultiHeadEdges(dim=2, num_heads=3, head_dim=5).heads[0].weight
    torch.testing.assert_close(wide.T @ wide, torch.eye(2))


def test_each_head_has_a_bandwidth_of_its_own():
    given = DenseGaussian("learned")
    rule = MultiHeadEdges(dim=6, num_heads=2, rule=given)
    names = [name for name, _ in rule.named_parameters()]
    assert names == [f"heads.{h}.{name}" for h in (0, 1) for name in ("weight", "rule.bandwidth.log_sigma")]
    assert all(parameter is not given.bandwidth.log_sigma for parameter in rule.parameters())


def test_bandwidths_are_fitted_on_what_the_heads_see():
    rule = MultiHeadEdges(dim=6, num_heads=2, rule=DenseGaussian("sqrt"))
    assert rule.needs_fit
    rule.fit_sigma(some(30).float())
    assert not rule.needs_fit
    for head in rule.heads:
        view = some(30).float() @ head.weight.T
        assert float(head.rule.bandwidth.sigma) == pytest.approx(math.sqrt(median_distance(view) / 3), rel=1e-5)
    loss = GLoss(MultiHeadEdges(dim=6, rule=DenseGaussian("sqrt")))
    loss.fit_sigma(some(30).half())
    assert not loss.needs_fit


def test_whole_maps_give_the_rule_itself():
    rule = MultiHeadEdges(dim=6, num_heads=2, head_dim=6, rule=KNNGaussian(3, 0.6)).double()  # rotations
    for head in rule.heads:
        head.weight.data = torch.linalg.qr(head.weight.data)[0]
    found, expected = rule(Data(x=some())), KNNGaussian(3, 0.6)(Data(x=some()))
    assert torch.equal(found.edge_index, expected.edge_index)
    torch.testing.assert_close(found.edge_weight, expected.edge_weight, rtol=1e-9, atol=0)


def test_heads_learn_which_columns_carry_the_labels():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 2
    x = torch.randn(40, 8, generator=generator)
    x[:, 0] = 2.0 * labels - 1 + 0.3 * x[:, 0]  # one column in eight tells the classes apart
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        loss = GLoss(MultiHeadEdges(dim=8, num_heads=2, rule=DenseGaussian(0.5)))
    mask = torch.arange(40) < 20
    optimizer = torch.optim.Adam(loss.parameters(), lr=0.05)
    values = []
    for _ in range(40):
        optimizer.zero_grad()
        values.append(loss(x, labels, mask=mask))
        values[-1].backward()
        optimizer.step()
    assert values[-1].item() < 0.5 * values[0].item()


def test_other_embeddings_are_refused():
    with pytest.raises(DataError, match=r"made for embeddings of dim=6 columns; got 5"):
        MultiHeadEdges(dim=6)(Data(x=some(4, 5)))


def test_a_pair_that_one_head_connects_has_its_share():
    rule = MultiHeadEdges(dim=2, num_heads=2, head_dim=1, rule=KNNGaussian(1, 1.0)).double()
    rule.heads[0].weight.data, rule.heads[1].weight.data = torch.eye(2).double().split(1)
    # A head that sees one column sees its sign only.
    x = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]], dtype=torch.float64)
    graph = rule(Data(x=x))
    w = plain.dense(graph.edge_index, graph.edge_weight.detach(), 4)
    np.testing.assert_allclose(w, [[0, 0.5, 0.5, 0], [0.5, 0, 0, 0.5], [0.5, 0, 0, 0.5], [0, 0.5, 0.5, 0]])
