import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, NumericalWarning
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.graph.edges import mark_symmetric
from gloss_pyg.propagation import SinkhornPropagation
from gloss_pyg.propagation.solvers import scaling
from gloss_pyg.propagation.solvers.dense import DenseMatrix

STAR = torch.tensor([[0, 0, 0, 0, 1, 2, 3, 4], [1, 2, 3, 4, 0, 0, 0, 0]])
CHAIN = torch.tensor([[0, 1, 1, 2, 2, 3, 3, 4], [1, 0, 2, 1, 3, 2, 4, 3]])


def doubly_stochastic(weights, share):
    """`diag(f) (W + share D) diag(f)` by the damped iteration, to rounding."""
    n = len(weights)
    kernel = np.array([[weights[i, j] + share * (i == j) * weights[i].sum() for j in range(n)] for i in range(n)])
    f = np.ones(n)
    for _ in range(200_000):
        step = np.sqrt(1 / (f * (kernel @ f)))
        f = f * step
        if np.abs(step - 1).max() < 1e-15:
            break
    return f[:, None] * kernel * f


def plain_scores(weights, seeds, mask, share):
    """The harmonic function on the doubly stochastic kernel."""
    k = doubly_stochastic(weights, share)
    np.fill_diagonal(k, 0)
    u, seen = np.flatnonzero(~mask), np.flatnonzero(mask)
    system = np.diag(k[u].sum(axis=1)) - k[np.ix_(u, u)]
    result = np.where(mask[:, None], seeds, 0)
    result[u] = np.linalg.solve(system, k[np.ix_(u, seen)] @ seeds[seen])
    return result


def graphs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(14, 5, generator=generator, dtype=torch.float64)
    for rule in (DenseGaussian(0.7), KNNGaussian(3, 0.7)):
        data = rule(Data(x=x))
        yield data.edge_index, data.edge_weight
    for edges in (STAR, CHAIN):
        weight = 0.2 + torch.rand(5, 5, generator=generator, dtype=torch.float64)
        yield edges, (weight + weight.T)[edges[0], edges[1]]


@pytest.mark.parametrize("share", [1e-4, 0.01, 0.3])
@pytest.mark.parametrize("solver", ["direct", "conjugate_gradients"])
@pytest.mark.parametrize("graph", list(graphs()), ids=["complete", "nearest", "star", "chain"])
def test_scores_equal_the_plain_formula(graph, solver, share):
    edge_index, edge_weight = graph
    n = int(edge_index.max()) + 1
    mask = torch.arange(n) % 3 == 1
    seeds = torch.eye(3, dtype=torch.float64)[torch.arange(n) // 3 % 3] * mask[:, None]
    found = SinkhornPropagation(share, solver=solver).scores(seeds, edge_index, edge_weight, mask)
    expected = plain_scores(plain.dense(edge_index, edge_weight, n), seeds.numpy(), mask.numpy(), share)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-13)


def test_without_self_weight_the_complete_kernel_is_near():
    edge_index, edge_weight = next(graphs())
    weights = plain.dense(edge_index, edge_weight, 14)
    with_share, without = doubly_stochastic(weights, 0.01), doubly_stochastic(weights, 0)
    np.testing.assert_allclose(without.sum(axis=0), 1, atol=1e-12)
    off = ~np.eye(14, dtype=bool)
    np.testing.assert_allclose(with_share[off], without[off], rtol=0.02)


@pytest.mark.parametrize("exponent", [0, 30])
def test_rows_sum_to_one_however_far_apart_the_weights_are(exponent):
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        powers = exponent * (2 * torch.rand(8, 8, generator=generator, dtype=torch.float64) - 1)
        weights = (10.0 ** (powers + powers.T)).fill_diagonal_(0)
        weights[7] = weights[:, 7] = 0  # a node alone
        factor = scaling.stochastic_scaling(DenseMatrix(weights, symmetric=True), 0.01)
        kernel = factor[:, None] * (weights + 0.01 * weights.sum(dim=1).diag()) * factor
        torch.testing.assert_close(kernel.sum(dim=1)[:7], torch.ones(7, dtype=torch.float64), rtol=0, atol=1e-11)
        assert factor[7] == 1


@pytest.mark.parametrize("edges", [STAR, CHAIN], ids=["star", "chain"])
@pytest.mark.parametrize("solver", ["direct", "conjugate_gradients"])
def test_gradient_in_the_weights(edges, solver):
    pairs = torch.rand(edges.size(1) // 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64) + 0.2
    order = (torch.minimum(edges[0], edges[1]) * 5 + torch.maximum(edges[0], edges[1])).argsort(stable=True)
    place = torch.empty_like(order)
    place[order] = torch.arange(order.numel()) // 2  # both directions of an edge carry one number
    mask = torch.tensor([False, True, False, False, True])
    y = torch.tensor([[0, 0], [0.7, 0.3], [0, 0], [0, 0], [0, 1]], dtype=torch.float64)

    def result(pairs):
        return SinkhornPropagation(0.05, solver=solver)(y, edges, mask, mark_symmetric(edges, pairs[place]))

    assert torch.autograd.gradcheck(result, pairs.requires_grad_())


def test_crowding_is_taken_out():
    # Two hidden documents between one seed and a crowd of the other class; the walk on the weights prefers the crowd.
    x = torch.tensor([[1.0, 0.0], [1.0, 0.6], [0.8, 1.0], *([[0.0, 1.0]] * 6)], dtype=torch.float64)
    data = DenseGaussian(0.5)(Data(x=x))
    mask = torch.tensor([True, False] + [True] * 7)
    y = torch.tensor([0, -100] + [1] * 7)
    from gloss_pyg.propagation import HarmonicFunction

    scaled = SinkhornPropagation(num_classes=2)(y, data.edge_index, mask, data.edge_weight)[1, 0]
    plain_walk = HarmonicFunction(num_classes=2)(y, data.edge_index, mask, data.edge_weight)[1, 0]
    assert scaled > plain_walk + 0.05


def test_one_way_edges_and_settings_out_of_range_are_refused():
    edges, mask = torch.tensor([[0], [1]]), torch.tensor([True, False])
    with pytest.raises(ConfigError, match="SinkhornPropagation is defined for symmetric graphs"):
        SinkhornPropagation()(torch.eye(2), edges, mask, torch.ones(1))
    with pytest.raises(ConfigError, match=r"self_weight=0\.0, expected a share"):
        SinkhornPropagation(0.0)
    with pytest.raises(ConfigError, match="expected one of auto, direct, conjugate_gradients"):
        SinkhornPropagation(solver="iterative")


def test_a_kernel_that_does_not_get_there_is_reported(monkeypatch):
    monkeypatch.setattr(scaling, "CHEAP_STEPS", 1)
    monkeypatch.setattr(scaling, "NEWTON_STEPS", 0)
    with pytest.warns(NumericalWarning, match="give a larger self_weight"):
        SinkhornPropagation()(torch.eye(5), STAR, torch.arange(5) < 2, torch.ones(8))
