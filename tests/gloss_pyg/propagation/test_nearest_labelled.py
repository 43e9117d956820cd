import math

import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.graph import (
    Compose,
    DenseCosine,
    DenseGaussian,
    DenseStudentT,
    EpsilonGaussian,
    KNNGaussian,
    MutualKNNGaussian,
    TopK,
)
from gloss_pyg.losses import GLoss
from gloss_pyg.propagation import NearestLabelled

LAYER = NearestLabelled()


def documents(n=20, dtype=torch.float64, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 6, generator=generator, dtype=torch.float64).to(dtype)
    y = torch.eye(3, dtype=dtype)[torch.randint(0, 3, (n,), generator=generator)]
    return x, y, torch.rand(n, generator=generator) < 0.5


def mean_of_neighbours(logs, y, mask):
    """The formula by loops, shifted by the largest logarithm of each row."""
    result = np.where(mask[:, None], y, 0.0)
    for i in np.flatnonzero(~mask):
        near = [j for j in np.flatnonzero(mask) if logs[i, j] > -math.inf]
        if near:
            top = max(logs[i, j] for j in near)
            shares = {j: math.exp(logs[i, j] - top) for j in near}
            result[i] = sum(shares[j] * y[j] for j in near) / sum(shares.values())
    return result


RULES = [
    (DenseGaussian(0.7), lambda x: np.log(plain.gaussian(x, 0.7))),
    (DenseCosine(), lambda x: np.log(plain.cosine(x, 3))),
    (DenseStudentT(0.3, 2.0), lambda x: np.log(plain.student_t(x, 0.3, 2.0))),
    (KNNGaussian(4, 0.7), lambda x: np.log(plain.keep_nearest(plain.gaussian(x, 0.7), plain.distances(x), 4))),
]


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize(("rule", "logs"), RULES, ids=lambda part: type(part).__name__)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_scores_equal_the_plain_formula(rule, logs, noted):
    x, y, mask = documents()
    data = rule(Data(x=x))
    weight = data.edge_weight if noted else data.edge_weight.clone()
    found = LAYER.scores(y * mask[:, None], data.edge_index, weight, mask)
    np.testing.assert_allclose(found, mean_of_neighbours(logs(x), y.numpy(), mask.numpy()), rtol=1e-10, atol=1e-300)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sigma", [0.1, 0.01, 1e-3, 1e-5])
@pytest.mark.parametrize("make", [DenseGaussian, lambda sigma: KNNGaussian(12, sigma)], ids=["dense", "nearest"])
def test_any_bandwidth_gives_what_exact_arithmetic_gives(make, sigma, dtype):
    x, y, mask = documents(dtype=dtype)
    data = make(sigma)(Data(x=x))
    distances = plain.distances(x)
    logs = -(distances**2) / (2 * sigma**2)
    if data.edge_index.size(1) < 20 * 19:
        logs = np.where(plain.keep_nearest(np.ones((20, 20)), distances, 12) > 0, logs, -math.inf)
    expected = mean_of_neighbours(logs, y.double().numpy(), mask.numpy())
    found = LAYER(y, data.edge_index, mask, data.edge_weight)
    assert found.dtype == dtype
    # At the smaller bandwidths rows of the float32 weights are all zero, and the nearest labelled neighbour decides.
    np.testing.assert_allclose(found, expected, rtol=1e-5 if dtype == torch.float32 else 1e-9, atol=1e-12)
    if sigma <= 1e-3:
        nearest = np.where(mask.numpy(), distances, math.inf).argmin(axis=1)
        hidden = ~mask.numpy()
        assert np.array_equal(found[~mask].argmax(dim=1), y.numpy()[nearest].argmax(axis=1)[hidden])
        assert float(found[~mask].amax(dim=1).min()) == 1


@pytest.mark.parametrize(
    "rule",
    [
        DenseGaussian(0.04),
        KNNGaussian(5, 0.04),
        MutualKNNGaussian(8, 0.04),
        EpsilonGaussian(1.5, 0.04),
        Compose([DenseGaussian(0.04), TopK(6)]),
        DenseCosine(power=300.0),
        DenseStudentT(1e-3, 100.0),
        DenseGaussian("learned"),
    ],
    ids=lambda rule: type(rule).__name__,
)
def test_gradient_in_embeddings_where_weights_have_vanished(rule):
    generator = torch.Generator().manual_seed(3)
    centre = torch.tensor([1.0, 0.2, 0.1], dtype=torch.float64)
    # Far from each other in units of the bandwidth, and nearly equally far, so that shares are no zeros and ones.
    x = centre + 0.2 * torch.nn.functional.normalize(torch.randn(8, 3, generator=generator, dtype=torch.float64))
    mask = torch.arange(8) < 5
    y = torch.eye(5, dtype=torch.float64)[torch.arange(8) % 5]
    if getattr(rule, "needs_fit", False):
        rule.fit_sigma(x)

    def result(x):
        data = rule(Data(x=x))
        return LAYER(y, data.edge_index, mask, data.edge_weight)

    assert torch.autograd.gradcheck(result, x.requires_grad_(), atol=1e-4, rtol=1e-4)
    (gradient,) = torch.autograd.grad(result(x)[~mask].square().sum(), x)
    assert gradient.abs().max() > 1e-6


def test_gradient_in_weights_and_labels():
    edges = torch.tensor([[0, 1, 2, 0, 3, 4], [3, 3, 4, 4, 4, 3]])
    mask = torch.tensor([True, True, True, False, False])
    weight = torch.tensor([0.5, 0.1, 2.0, 1.0, 3.0, 3.0], dtype=torch.float64, requires_grad=True)
    y = torch.rand(5, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y, weight: LAYER(y, edges, mask, weight), (y, weight))


def test_a_learned_bandwidth_moves_where_weights_have_vanished():
    x, y, mask = documents(dtype=torch.float32)
    rule = DenseGaussian("learned")
    rule.fit_sigma(x)
    with torch.no_grad():
        next(rule.parameters()).sub_(3.5)  # the logarithm of sigma
    data = rule(Data(x=x))
    assert float(data.edge_weight.detach().min()) < 1e-30
    LAYER(y, data.edge_index, mask, data.edge_weight)[~mask].square().sum().backward()
    assert next(rule.parameters()).grad.abs() > 0


def test_the_loss_counts_documents_one_hop_from_a_seed_of_their_class():
    chain = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    labels, mask = torch.tensor([0, 0, 0, 1]), torch.tensor([True, False, False, True])

    def graph(data):
        weight = (data.x[chain[0]] * data.x[chain[1]]).sum(dim=1).exp()
        return Data(x=data.x, edge_index=chain, edge_weight=weight)

    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found = GLoss(graph, NearestLabelled()).propagate(x, labels, mask)
    assert found.hidden.tolist() == [False, True, True, False]
    assert found.counted.tolist() == [False, True, False, False]  # document 2 is next to a seed of class 1 alone
    assert GLoss(graph).propagate(x, labels, mask).counted.tolist() == [False, True, True, False]


@pytest.mark.parametrize("rule", [DenseGaussian(1e-3), KNNGaussian(8, 1e-3)], ids=["dense", "nearest"])
def test_the_loss_counts_documents_whose_weights_have_vanished(rule):
    x, y, mask = documents(n=10, dtype=torch.float32)
    labels = y.argmax(dim=1)
    found = GLoss(rule, NearestLabelled()).propagate(x.requires_grad_(), labels, mask)
    assert (found.graph.edge_weight == 0).sum() > 40
    assert torch.allclose(found.probabilities[~mask].sum(dim=1), torch.ones(int((~mask).sum())))
    wide = GLoss(type(rule)(**{"sigma": 1.0} | ({"k": 8} if hasattr(rule, "k") else {})), NearestLabelled())
    assert torch.equal(found.counted, wide.propagate(x, labels, mask).counted)
    assert found.counted.any()
