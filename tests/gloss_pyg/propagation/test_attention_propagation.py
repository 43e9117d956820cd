import math

import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.propagation import AttentionPropagation, HarmonicFunction


def documents(rule, n=14, dim=6):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    y = torch.eye(3, dtype=torch.float64)[torch.randint(0, 3, (n,), generator=generator)]
    data = rule(Data(x=x))
    return x, data.edge_index, data.edge_weight, y, torch.rand(n, generator=generator) < 0.5


def layer_of(dim=6, **arguments):
    torch.manual_seed(1)
    layer = AttentionPropagation(dim, **({"num_heads": 2, "head_dim": 3} | arguments)).double()
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(4)  # well away from where it starts
    return layer


def attention(x, weights, layer):
    """`A` of the formula by loops."""
    n, heads, m = len(x), layer.num_heads, layer.head_dim
    rows = plain.unit(x) * math.sqrt(x.shape[1])
    query = (rows @ layer.query.weight.detach().numpy().T).reshape(n, heads, m)
    key = (rows @ layer.key.weight.detach().numpy().T).reshape(n, heads, m)
    result = np.zeros((n, n))
    for i in range(n):
        for h in range(heads):
            shares = {
                j: weights[i, j] * math.exp(query[i, h] @ key[j, h] / math.sqrt(m))
                for j in range(n)
                if weights[i, j] > 0
            }
            for j, share in shares.items():
                result[i, j] += share / sum(shares.values()) / heads
    return result


@pytest.mark.parametrize("solver", ["direct", "iterative"])
@pytest.mark.parametrize("rule", [DenseGaussian(0.7), KNNGaussian(3, 0.7)], ids=["dense", "nearest"])
def test_scores_equal_the_plain_formula(rule, solver):
    x, edge_index, edge_weight, y, mask = documents(rule)
    layer = layer_of(solver=solver)
    a = attention(x.numpy(), plain.dense(edge_index, edge_weight, 14), layer)
    assert np.abs(a - a.T).max() > 0.05
    u, seen = np.flatnonzero(~mask), np.flatnonzero(mask)
    expected = np.where(mask[:, None], y, 0)
    expected[u] = np.linalg.solve(np.eye(len(u)) - a[np.ix_(u, u)], a[np.ix_(u, seen)] @ y.numpy()[seen])
    found = layer.scores(y * mask[:, None], edge_index, edge_weight, mask, x)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-10 if solver == "direct" else 1e-8)


def test_heads_at_zero_give_the_harmonic_function():
    x, edge_index, edge_weight, y, mask = documents(KNNGaussian(3, 0.7))
    layer = layer_of()
    with torch.no_grad():
        layer.query.weight.zero_()
    found = layer(y, edge_index, mask, edge_weight, x)
    torch.testing.assert_close(found, HarmonicFunction()(y, edge_index, mask, edge_weight))


@pytest.mark.parametrize("rule", [DenseGaussian(0.7), KNNGaussian(3, 0.7)], ids=["dense", "nearest"])
def test_gradients_in_weights_labels_embeddings_and_parameters(rule):
    x, edge_index, edge_weight, y, mask = documents(rule, n=8, dim=3)
    layer = layer_of(3)
    names = [name for name, _ in layer.named_parameters()]

    def result(weight, y, x, *parameters):
        state = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, state, (y, edge_index, mask, weight, x))

    weight = edge_weight.detach().clone().requires_grad_()
    parameters = [parameter.detach().clone().requires_grad_() for parameter in layer.parameters()]
    y = (y + 0.2) / 1.6  # the weight of a label may go up and down
    assert torch.autograd.gradcheck(result, (weight, y.requires_grad_(), x.requires_grad_(), *parameters))


def test_the_length_of_embeddings_does_not_matter():
    x, edge_index, edge_weight, y, mask = documents(DenseGaussian(0.7))
    layer = layer_of().float()
    expected = layer(y.float(), edge_index, mask, edge_weight.float(), x.float())
    for factor in (1e-20, 1e20):
        found = layer(y.float(), edge_index, mask, edge_weight.float(), x.float() * factor)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_faint_weights_beside_float32_parameters():
    x, edge_index, edge_weight, y, mask = documents(DenseGaussian(0.7))
    layer = layer_of().float()
    faint = (edge_weight * 1e-33).float().requires_grad_()
    found = layer(y.float(), edge_index, mask, faint, x.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found, layer(y.float(), edge_index, mask, edge_weight.float(), x.float()), rtol=1e-3, atol=1e-5
    )
    found[~mask].square().sum().backward()
    assert all(p.grad.dtype == torch.float32 and p.grad.abs().max() > 0 for p in layer.parameters())


def test_it_learns_to_listen_to_the_right_neighbours():
    # Every document is as near to one of the other class as to its own; the first column tells them apart.
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(40) % 2
    x = torch.randn(40, 6, generator=generator)
    x[:, 0] = 1.0 * (2 * labels - 1)
    source, target = torch.randint(0, 40, (2, 400), generator=generator)
    edges = torch.cat([torch.stack([source, target]), torch.stack([target, source])], dim=1)
    mask = torch.arange(40) < 20
    torch.manual_seed(0)
    layer = AttentionPropagation(6, num_heads=1, num_classes=2)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
    losses = []
    for _ in range(30):
        found = layer(labels, edges, mask, torch.ones(800), x)[~mask]
        loss = -found.gather(1, labels[~mask, None]).log().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[0] > 0.6
    assert losses[-1] < 0.2


def test_what_does_not_fit_is_refused():
    x, edge_index, edge_weight, y, mask = documents(DenseGaussian(0.7))
    with pytest.raises(ConfigError, match="reads the embeddings"):
        layer_of()(y, edge_index, mask, edge_weight)
    with pytest.raises(DataError, match="dim=5 columns; got 6"):
        layer_of(5)(y, edge_index, mask, edge_weight, x)
    with pytest.raises(ConfigError, match="num_heads=0"):
        AttentionPropagation(6, num_heads=0)
    with pytest.raises(ConfigError, match="expected one of auto, direct, iterative"):
        AttentionPropagation(6, solver="conjugate_gradients")
