import copy

import jaxtyping
import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Batch, Data

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.graph.edges import is_marked_symmetric

RULES = {"dense": DenseGaussian, "knn": lambda sigma: KNNGaussian(3, sigma)}


@pytest.fixture(params=list(RULES))
def rule(request):
    return RULES[request.param]


def some(n=7, d=4, seed=0, dtype=torch.float64):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def matrix(graph):
    return plain.dense(graph.edge_index, graph.edge_weight.detach(), graph.num_nodes)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 1.0, 30.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 3e-5)])
def test_weights_follow_the_formula(sigma, dtype, tolerance):
    x = some(9, 5, dtype=dtype) * 3
    x[1] = x[0] + 0.05 * x[1]  # a near pair, so that small bandwidths have something to show
    expected = plain.gaussian(x, sigma)
    if sigma == 0.05:  # below the careful path's threshold all weights may carry one factor
        found = matrix(DenseGaussian(sigma)(Data(x=x)))
        assert found[0, 1] > 0
        return
    np.testing.assert_allclose(matrix(DenseGaussian(sigma)(Data(x=x))), expected, rtol=tolerance, atol=1e-9)


def test_local_weights_follow_the_formula():
    x = some(12, 4)
    d = plain.distances(x)
    scale = np.sort(d, axis=1)[:, 7]
    expected = np.exp(-(d**2) / np.outer(scale, scale))
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(matrix(DenseGaussian("local")(Data(x=x))), expected, rtol=1e-12)


def test_median_weights_follow_the_formula():
    x = some(12, 4)
    squares = np.sort(plain.distances(x)[np.triu_indices(12, 1)])
    sigma = squares[(len(squares) - 1) // 2]  # torch's median is the lower of the two middle ones
    np.testing.assert_allclose(matrix(DenseGaussian("median")(Data(x=x))), plain.gaussian(x, sigma), rtol=1e-12)


@pytest.mark.parametrize("sigma", [0.3, 1.0, "learned", "local", "median"])
def test_graph_is_symmetric_without_loops_and_marked(rule, sigma):
    graph = rule(sigma)(Data(x=some(10)))
    w = matrix(graph)
    np.testing.assert_allclose(w, w.T, rtol=1e-13)  # to the rounding of a matrix product
    assert (np.diag(w) == 0).all()
    assert not bool((graph.edge_index[0] == graph.edge_index[1]).any())
    assert is_marked_symmetric(graph.edge_index, graph.edge_weight)
    assert not is_marked_symmetric(graph.edge_index, graph.edge_weight.clone())


@pytest.mark.parametrize("sigma", [0.4, 1.0, 5.0])
def test_gradient_in_embeddings(rule, sigma):
    weights = lambda x: rule(sigma)(Data(x=x)).edge_weight  # noqa: E731
    assert torch.autograd.gradcheck(weights, some(6, 3).requires_grad_())


def test_gradient_in_a_learned_bandwidth(rule):
    x, step = some(6, 3), 1e-6
    layer = rule("learned").double()
    mixing = torch.linspace(-1, 2, layer(Data(x=x)).edge_weight.numel(), dtype=torch.float64)

    def total():
        return (layer(Data(x=x)).edge_weight * mixing).sum()

    total().backward()
    at = layer.bandwidth.log_sigma
    values = []
    for sign in (1, -1):
        with torch.no_grad():
            at += sign * step
            values.append(total().item())
            at -= sign * step
    assert at.grad.abs() > 1e-3
    assert at.grad.item() == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-7)
    leaf = x.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda leaf: layer(Data(x=leaf)).edge_weight, leaf)


@pytest.mark.parametrize("sigma", ["local", "median"])
def test_bandwidth_of_the_batch_is_a_constant_of_the_step(rule, sigma, monkeypatch):
    x = some(9, 3).requires_grad_()
    layer = rule(sigma)
    frozen = layer.bandwidth(x.detach())
    monkeypatch.setattr(layer.bandwidth, "forward", lambda *_: frozen)
    assert torch.autograd.gradcheck(lambda x: layer(Data(x=x)).edge_weight, x)
    expected = torch.autograd.grad(layer(Data(x=x)).edge_weight.square().sum(), x)[0]
    monkeypatch.undo()
    found = torch.autograd.grad(layer(Data(x=x)).edge_weight.square().sum(), x)[0]
    assert found.abs().max() > 1e-3
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)


def test_callers_data_is_unchanged(rule):
    old = torch.tensor([[0, 1], [1, 0]])
    data = Data(x=some(), edge_index=old, edge_attr=torch.ones(2, 3))
    before = copy.deepcopy(data)
    graph = rule(0.5)(data)
    assert data.edge_index is old
    assert sorted(data.keys()) == sorted(before.keys())
    assert torch.equal(data.x, before.x)
    assert graph is not data
    assert graph.get("edge_attr") is None


@pytest.mark.parametrize("sigma", [0.02, 0.5, 50.0])
@pytest.mark.parametrize("apart", [0.0, 1e-6])
def test_near_rows_in_float32_have_the_gradient_of_float64(rule, sigma, apart):
    x = some(8, 6, dtype=torch.float32)
    x[1] = x[0] + apart * x[2]
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaf = x.detach().to(dtype, copy=True).requires_grad_()
        weight = rule(sigma)(Data(x=leaf)).edge_weight
        (weight * torch.linspace(1, 2, weight.numel(), dtype=dtype)).sum().backward()
        assert bool(leaf.grad.isfinite().all())
        gradients.append(leaf.grad.double())
    scale = gradients[1].abs().max()
    # The rows' own rounding to unit length moves float32 distances by 1e-7, which a bandwidth of 0.02 divides.
    assert (gradients[0] - gradients[1]).abs().max() <= 1e-3 * scale + 2e-7 / sigma**2 * 2


def test_zero_rows_have_weights_and_no_gradient(rule):
    x = some(6, 3)
    x[2] = 0
    x.requires_grad_()
    graph = rule(0.7)(Data(x=x))
    w = matrix(graph)
    kept = w > 0
    np.testing.assert_allclose(w[kept], plain.gaussian(x.detach(), 0.7)[kept], rtol=1e-12)
    graph.edge_weight.sum().backward()
    assert torch.equal(x.grad[2], torch.zeros(3, dtype=torch.float64))
    assert x.grad[0].abs().max() > 0


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(rule, half):
    x = some(8, 5).to(half).requires_grad_()
    wide = x.detach().float().requires_grad_()
    weight, expected = (rule(0.6)(Data(x=leaf)).edge_weight for leaf in (x, wide))
    assert weight.dtype == torch.float32
    torch.testing.assert_close(weight, expected, rtol=0, atol=0)
    weight.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(x.grad, wide.grad.to(half), rtol=0, atol=0)


@pytest.mark.parametrize("exponent", range(-6, 7))
def test_any_bandwidth_gives_finite_weights_to_every_row(rule, exponent):
    x = some(10, 4, dtype=torch.float32).requires_grad_()
    graph = rule(10.0**exponent)(Data(x=x))
    assert bool(graph.edge_weight.isfinite().all())
    assert (matrix(graph).sum(axis=1) > 0).all()
    graph.edge_weight.sum().backward()
    assert bool(x.grad.isfinite().all())


@pytest.mark.parametrize(
    ("dtype", "smallest"), [(torch.float32, torch.finfo(torch.float32).tiny), (torch.float64, 1e-100)]
)
def test_small_bandwidth_raises_all_exponents_and_rescues_lost_rows(rule, dtype, smallest):
    # Angles of rows on a circle: 0 and 0.01 near each other, 1 alone, halfway to nobody; 2.0 and 2.02 are a wider pair.
    angles = torch.tensor([0.0, 0.01, 1.0, 2.0, 2.015], dtype=dtype)
    x = torch.stack([angles.cos(), angles.sin()], dim=1).requires_grad_()
    sigma = 1e-3
    graph = rule(sigma)(Data(x=x))
    w = matrix(graph)
    d = plain.distances(x.detach())
    assert w[0, 1] == pytest.approx(1.0, rel=1e-6)  # the largest exponent was subtracted
    ratio = np.exp((d[0, 1] ** 2 - d[3, 4] ** 2) / (2 * sigma**2))
    assert w[3, 4] == pytest.approx(ratio, rel=1e-2 if dtype == torch.float32 else 1e-6)
    assert w[2, 1] == w[1, 2] == smallest  # the lone row keeps its nearest, at the smallest number
    assert sorted(np.flatnonzero(w[2])) == [1]
    rescued = torch.autograd.grad(
        graph.edge_weight[(graph.edge_index == torch.tensor([[1], [2]])).all(dim=0)].sum(), x, retain_graph=True
    )[0]
    assert torch.equal(rescued, torch.zeros_like(rescued))
    real = graph.edge_weight[(graph.edge_index == torch.tensor([[3], [4]])).all(dim=0)].sum()
    assert torch.autograd.grad(real, x)[0].abs().max() > 0


def test_rescue_breaks_ties_by_index(rule):
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])  # row 2 is equally far from 0 and 1
    w = matrix(rule(1e-3)(Data(x=x)))
    tiny = torch.finfo(torch.float32).tiny
    assert w.tolist() == [[0, 1, tiny], [1, 0, 0], [tiny, 0, 0]]


@pytest.mark.parametrize("sigma", [0.5, 1e-6, "learned", "local", "median"])
def test_very_small_graphs(rule, sigma):
    for n, edges in ((0, 0), (1, 0), (2, 2)):
        x = some(n, 3).requires_grad_()
        graph = rule(sigma)(Data(x=x))
        assert graph.edge_index.shape == (2, edges)
        assert graph.edge_weight.shape == (edges,)
        graph.edge_weight.sum().backward()
        assert bool(x.grad.isfinite().all())
        if n == 2:
            assert bool((graph.edge_weight > 0).all())


def test_equal_rows_under_every_rule(rule):
    for sigma in (0.5, "median", "local", "learned"):
        x = torch.ones(5, 3).requires_grad_()
        weight = rule(sigma)(Data(x=x)).edge_weight
        assert torch.allclose(weight, torch.ones_like(weight), atol=1e-5)
        weight.sum().backward()
        assert bool((x.grad.abs() < 1e-4).all())


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_rows_that_are_not_finite_are_named(rule, bad):
    x = some()
    x[3, 1] = bad
    x[5, 0] = bad
    for sigma in (0.5, "local"):
        with pytest.raises(DataError, match=r"NaN or infinity in 2 of 7 rows \(the first is row 3\)"):
            rule(sigma)(Data(x=x))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (None, "got nothing"),
        (np.ones((3, 2)), "got ndarray"),
        (torch.zeros(3), r"shape \(3,\)"),
        (torch.zeros(3, 2, dtype=torch.long), "int64"),
        (torch.zeros(3, 0), r"shape \(3, 0\)"),
    ],
)
def test_what_is_no_matrix_of_floats_is_refused(rule, x, message):
    with pytest.raises(DataError, match=message):
        rule(0.5)(Data(x=x))


@pytest.mark.parametrize("sigma", [0, -1.0, float("nan"), float("inf"), True, "squareroot", 1e-13, 1e13])
def test_senseless_bandwidths_are_refused(rule, sigma, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(ConfigError, match="sigma="):
        rule(sigma)


def test_batch_of_graphs_equals_the_loop(rule):
    graphs = [Data(x=some(n, 3, seed=n)) for n in (4, 1, 6)]
    joined = rule("median")(Batch.from_data_list(graphs))
    w = matrix(joined)
    start = 0
    for graph in graphs:
        n = graph.num_nodes
        np.testing.assert_allclose(w[start : start + n, start : start + n], matrix(rule("median")(graph)), rtol=1e-14)
        w[start : start + n, start : start + n] = 0
        start += n
    assert (w == 0).all()
    assert is_marked_symmetric(joined.edge_index, joined.edge_weight)


def test_scale_of_rows_does_not_matter(rule):
    x = some(8, 4, dtype=torch.float32)
    lengths = torch.tensor([1e-25, 1e-14, 1e-3, 1, 1e3, 1e14, 1e30, 1])[:, None]
    found, expected = (rule(0.5)(Data(x=rows)).edge_weight for rows in (x * lengths, x))
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
