"""What holds for every graph rule, from one table; a public rule that is not in it fails a test."""

import copy
import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import jaxtyping
import numpy as np
import plain_reference as plain
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Batch, Data

import gloss_pyg
from gloss_pyg import graph as family
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import (
    Compose,
    DenseCosine,
    DenseGaussian,
    DenseStudentT,
    EpsilonGaussian,
    GraphStep,
    KNNGaussian,
    MultiHeadEdges,
    MutualKNNGaussian,
    TopK,
)
from gloss_pyg.graph.edges import is_complete, is_marked_symmetric, off_diagonal, squares
from gloss_pyg.losses import GLoss
from gloss_pyg.propagation import LabelPropagation

DIM = 5


@dataclass(frozen=True)
class Case:
    """One rule: how to make it, what its weights are, and how far it goes."""

    rule: type[GraphStep]
    make: Callable[[], GraphStep]
    weights: Callable[[GraphStep, np.ndarray], np.ndarray]  # the plain formula, of the rule and the embeddings
    extremes: tuple[Callable[[], GraphStep], ...]
    learned: Callable[[], GraphStep] | None = None
    fitted: Callable[[], GraphStep] | None = None
    isolates: bool = False  # whether the rule itself may leave a document without an edge
    complete: bool = True
    refused: tuple[dict, ...] = ()
    parameters: tuple[str, ...] = field(default=())


def multi_head(rule, head_dim=3):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MultiHeadEdges(DIM, num_heads=2, head_dim=head_dim, rule=rule)


def mean_over_heads(rule, x, weigh):
    maps = [head.weight.detach().double().numpy() for head in rule.heads]
    return sum(weigh(plain.unit(x) @ a.T) for a in maps) / len(maps)


def bandwidths(make):
    return tuple((lambda sigma=sigma: make(sigma)) for sigma in (1e-9, 1e-3, 1e6, "local", "median"))


def mutual(sigma):
    return MutualKNNGaussian(3, sigma)


def knn(sigma):
    return KNNGaussian(3, sigma)


def epsilon(sigma):
    return EpsilonGaussian(1.3, sigma)


def strongest(sigma):
    return Compose([DenseStudentT(sigma), TopK(3)])


def sigma_case(rule, make, weigh, **more):
    return Case(
        rule,
        lambda: make(0.6),
        lambda _, x: weigh(x, 0.6),
        bandwidths(make),
        lambda: make("learned"),
        lambda: make("sqrt"),
        **more,
    )


BAD_SIGMAS = ({"sigma": 0.0}, {"sigma": "wide"}, {"sigma": True}, {"sigma": math.nan})
CASES = {
    "DenseGaussian": sigma_case(DenseGaussian, DenseGaussian, plain.gaussian, refused=BAD_SIGMAS),
    "DenseStudentT": sigma_case(
        DenseStudentT,
        lambda sigma: DenseStudentT(sigma, nu=2.5),
        lambda x, sigma: plain.student_t(x, sigma, 2.5),
        refused=(*BAD_SIGMAS, {"nu": 0.0}, {"nu": math.inf}, {"nu": math.nan}, {"nu": True}),
    ),
    "DenseCosine": Case(
        DenseCosine,
        DenseCosine,
        lambda _, x: plain.cosine(x, 3),
        (lambda: DenseCosine(1.0), lambda: DenseCosine(40.5), lambda: DenseCosine(1000.0)),
        isolates=True,
        refused=({"power": 0.5}, {"power": 1001}, {"power": math.nan}, {"power": True}),
    ),
    "KNNGaussian": sigma_case(
        KNNGaussian,
        knn,
        lambda x, sigma: plain.keep_nearest(plain.gaussian(x, sigma), plain.distances(x), 3),
        complete=False,
        refused=(*BAD_SIGMAS, {"k": 0}),
    ),
    "MutualKNNGaussian": sigma_case(
        MutualKNNGaussian,
        mutual,
        lambda x, sigma: plain.keep_mutual(plain.gaussian(x, sigma), plain.distances(x), 3),
        isolates=True,
        complete=False,
        refused=(*BAD_SIGMAS, {"k": 0}),
    ),
    "EpsilonGaussian": sigma_case(
        EpsilonGaussian,
        epsilon,
        lambda x, sigma: plain.keep_nearer(plain.gaussian(x, sigma), plain.distances(x), 1.3),
        isolates=True,
        complete=False,
        refused=(*BAD_SIGMAS, {"epsilon": 0.0}, {"epsilon": 2.1}, {"epsilon": math.nan}, {"epsilon": True}),
    ),
    "MultiHeadEdges": Case(
        MultiHeadEdges,
        lambda: multi_head(DenseGaussian(0.6)),
        lambda rule, x: mean_over_heads(rule, x, lambda view: plain.gaussian(view, 0.6)),
        bandwidths(lambda sigma: multi_head(DenseGaussian(sigma))),
        lambda: multi_head(DenseGaussian("learned")),
        lambda: multi_head(DenseGaussian("sqrt"), head_dim=7),
        refused=({"dim": 0}, {"dim": 4, "num_heads": 0}, {"dim": 4, "head_dim": 0}),
    ),
    "MultiHeadEdges-cosine": Case(
        MultiHeadEdges,
        lambda: multi_head(DenseCosine(2.0)),
        lambda rule, x: mean_over_heads(rule, x, lambda view: plain.cosine(view, 2.0)),
        (lambda: multi_head(DenseCosine(300.0)),),
        lambda: multi_head(DenseCosine(2.0)),
        isolates=True,
    ),
    "MultiHeadEdges-knn": Case(
        MultiHeadEdges,
        lambda: multi_head(KNNGaussian(3, 0.6)),
        lambda rule, x: mean_over_heads(
            rule, x, lambda view: plain.keep_nearest(plain.gaussian(view, 0.6), plain.distances(view), 3)
        ),
        bandwidths(lambda sigma: multi_head(KNNGaussian(3, sigma))),
        lambda: multi_head(KNNGaussian(3, "learned")),
        lambda: multi_head(KNNGaussian(3, "sqrt")),
        complete=False,
    ),
    "TopK": sigma_case(
        TopK,
        strongest,
        lambda x, sigma: plain.keep_strongest(plain.student_t(x, sigma, 1.0), 3),
        complete=False,
        refused=({"k": 0},),
    ),
}


@pytest.fixture(params=list(CASES))
def case(request):
    return CASES[request.param]


def some(n=9, seed=0, dtype=torch.float64):
    return torch.randn(n, DIM, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def matrix(graph):
    return plain.dense(graph.edge_index, graph.edge_weight.detach(), graph.num_nodes)


def keeps_the_contract(graph, n, *, dtype=None):
    """Assert what holds of every graph that a rule gave, and return its matrix."""
    edge_index, weight = graph.edge_index, graph.edge_weight
    assert edge_index.dtype == torch.long
    assert weight.shape == edge_index.shape[1:]
    assert dtype is None or weight.dtype == dtype
    assert bool(weight.isfinite().all())
    assert bool((weight >= 0).all())
    assert not bool((edge_index[0] == edge_index[1]).any())
    code = edge_index[1] * max(n, 1) + edge_index[0]
    assert bool((code[1:] > code[:-1]).all())  # each once, by target, then source
    w = plain.dense(edge_index, weight.detach(), n)
    np.testing.assert_allclose(w, w.T, rtol=3e-7 if weight.dtype == torch.float32 else 1e-12)
    assert is_marked_symmetric(edge_index, weight)
    return w


def test_every_public_rule_has_a_case():
    public = {
        found
        for name in family.__all__
        if isinstance(found := getattr(family, name), type) and issubclass(found, GraphStep) and found is not Compose
    }
    concrete = {found for found in public if not inspect.isabstract(found) and found is not GraphStep}
    assert concrete == {case.rule for case in CASES.values()}
    assert {found.__name__ for found in concrete} <= set(gloss_pyg.__all__)
    assert all(getattr(gloss_pyg, found.__name__) is found for found in concrete)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 12])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_contract(case, n, dtype):
    x = some(n, dtype=dtype).requires_grad_()
    graph = case.make()(Data(x=x))
    w = keeps_the_contract(graph, n, dtype=dtype)
    assert n > 2 or graph.edge_index.size(1) in ((0,) if n < 2 else (0, 2))
    assert case.isolates or n < 2 or (w.sum(axis=1) > 0).all()
    graph.edge_weight.sum().backward()
    assert bool(x.grad.isfinite().all())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 5e-5)])
@pytest.mark.parametrize("seed", range(3))
def test_weights_follow_the_plain_formula(case, dtype, tolerance, seed):
    x = (some(12, seed) * 3).to(dtype)
    rule = case.make()
    expected = case.weights(rule, x)
    assert 0 < (expected > 0).sum() <= 12 * 11
    np.testing.assert_allclose(matrix(rule(Data(x=x))), expected, rtol=tolerance, atol=1e-3 * tolerance)


def test_gradient_in_embeddings(case):
    x = some(7).requires_grad_()
    rule = case.make().double()
    weight = rule(Data(x=x)).edge_weight
    assert torch.autograd.grad(weight.square().sum(), x)[0].abs().max() > 1e-3
    assert torch.autograd.gradcheck(lambda x: rule(Data(x=x)).edge_weight, x)


def test_gradient_in_parameters(case):
    if case.learned is None:
        assert not list(case.make().parameters())
        return
    rule, x = case.learned().double(), some(7)
    names, values = zip(*((name, value.detach()) for name, value in rule.named_parameters()), strict=True)

    def weights(*parameters):
        given = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(rule, given, (Data(x=x),)).edge_weight

    leaves = [value.clone().requires_grad_() for value in values]
    for gradient in torch.autograd.grad(weights(*leaves).square().sum(), leaves):
        assert gradient.abs().max() > 1e-4
    assert torch.autograd.gradcheck(weights, leaves)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_rows_that_are_not_finite_are_named(case, bad):
    x = some(7)
    x[3, 1] = x[5, 0] = bad
    for make in (case.make, *case.extremes):
        with pytest.raises(DataError, match=r"NaN or infinity in 2 of 7 rows \(the first is row 3\)"):
            make()(Data(x=x))


@pytest.mark.parametrize("x", [None, torch.zeros(3), torch.zeros(3, 2, dtype=torch.long), torch.zeros(3, 0)])
def test_what_is_no_matrix_of_floats_is_refused(case, x):
    with pytest.raises(DataError, match=r"needs embeddings as data\.x"):
        case.make()(Data(x=x))


def test_extremes_lose_no_document_and_stay_finite(case):
    for make in case.extremes:
        for dtype in (torch.float32, torch.float64):
            x = some(10, dtype=dtype).requires_grad_()
            graph = make()(Data(x=x))
            w = keeps_the_contract(graph, 10, dtype=dtype)
            assert w.sum() > 0
            if not case.isolates:
                assert (w.sum(axis=1) > 0).all()
            graph.edge_weight.sum().backward()
            assert bool(x.grad.isfinite().all())


def test_equal_rows(case):
    for make in (case.make, *case.extremes):
        x = torch.ones(6, DIM).requires_grad_()
        graph = make()(Data(x=x))
        keeps_the_contract(graph, 6)
        assert graph.edge_weight.numel() > 0
        torch.testing.assert_close(graph.edge_weight.max(), torch.tensor(1.0), rtol=1e-5, atol=0)
        graph.edge_weight.sum().backward()
        assert bool((x.grad.abs() < 1e-4).all())


def test_zero_rows(case):
    x = some(8)
    x[2] = x[5] = 0
    for make in (case.make, *case.extremes):
        leaf = x.clone().requires_grad_()
        graph = make()(Data(x=leaf))
        keeps_the_contract(graph, 8)
        graph.edge_weight.sum().backward()
        assert torch.equal(leaf.grad[[2, 5]], torch.zeros(2, DIM, dtype=torch.float64))
        assert bool(leaf.grad.isfinite().all())
    rule = case.make()
    np.testing.assert_allclose(matrix(rule(Data(x=x))), case.weights(rule, x), rtol=1e-10, atol=1e-14)


def test_near_rows_in_float32_have_the_gradient_of_float64(case):
    x = some(8, seed=3, dtype=torch.float32)
    x[1], x[6] = x[0] + 1e-5 * x[2], x[7]
    gradients = []
    for dtype in (torch.float32, torch.float64):
        leaf = x.detach().to(dtype, copy=True).requires_grad_()
        weight = case.make()(Data(x=leaf)).edge_weight
        (weight * torch.linspace(1, 2, weight.numel(), dtype=dtype)).sum().backward()
        gradients.append(leaf.grad.double())
    assert (gradients[0] - gradients[1]).abs().max() <= 1e-4 * gradients[1].abs().max()


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(case, half):
    x = some(8).to(half).requires_grad_()
    wide = x.detach().float().requires_grad_()
    weight, expected = (case.make()(Data(x=leaf)).edge_weight for leaf in (x, wide))
    torch.testing.assert_close(weight, expected, rtol=0, atol=0)
    weight.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(x.grad, wide.grad.to(half), rtol=0, atol=0)


def test_autocast_does_not_round_a_graph(case):
    x = some(8).float()
    expected = case.make()(Data(x=x)).edge_weight
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = case.make()(Data(x=x)).edge_weight
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_lengths_of_rows_do_not_matter(case):
    x = some(8, dtype=torch.float32)
    lengths = torch.tensor([1e-25, 1e-14, 1e-3, 1, 1e3, 1e14, 1e30, 1])[:, None]
    found, expected = (case.make()(Data(x=rows)) for rows in (x * lengths, x))
    np.testing.assert_allclose(matrix(found), matrix(expected), rtol=1e-4, atol=1e-6)


def test_order_of_documents_does_not_matter(case):
    x, order = some(11), torch.randperm(11, generator=torch.Generator().manual_seed(1))
    for make in (case.make, *case.extremes[1:]):
        w, permuted = matrix(make()(Data(x=x))), matrix(make()(Data(x=x[order])))
        np.testing.assert_allclose(permuted, w[np.ix_(order, order)], rtol=1e-9, atol=1e-99)


def test_callers_data_is_unchanged(case):
    old = torch.tensor([[0, 1], [1, 0]])
    data = Data(x=some(), y=torch.arange(9), edge_index=old, edge_weight=torch.ones(2), edge_attr=torch.ones(2, 3))
    before = copy.deepcopy(data)
    graph = case.make()(data)
    assert data.edge_index is old
    assert sorted(data.keys()) == sorted(before.keys())
    assert all(torch.equal(data[key], before[key]) for key in before.keys())  # noqa: SIM118 - a Data is no dict
    assert graph is not data
    assert graph.x is data.x
    assert "edge_attr" not in graph


def test_state_travels(case):
    for make in (case.make, case.learned, case.fitted):
        if make is None:
            continue
        first, second = make(), make()
        first.fit_sigma(some(20))
        for parameter in second.parameters():
            torch.nn.init.normal_(parameter)
        missing = second.load_state_dict(first.state_dict())
        assert not missing.missing_keys
        assert not missing.unexpected_keys
        assert torch.equal(first(Data(x=some())).edge_weight, second(Data(x=some())).edge_weight)
        assert torch.equal(copy.deepcopy(first)(Data(x=some())).edge_weight, first(Data(x=some())).edge_weight)


def test_fit(case):
    assert not case.make().needs_fit
    if case.fitted is None:
        return
    for make in (case.fitted, lambda: Compose([case.fitted()]), lambda: GLoss(case.fitted())):
        step = make()
        assert step.needs_fit
        step.fit_sigma(some(20))
        assert not step.needs_fit
    rule = case.fitted()
    with pytest.raises(ConfigError, match="fit_sigma"):
        rule(Data(x=some()))


def test_senseless_arguments_are_refused(case, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users have no run-time checks of annotations
    for arguments in case.refused:
        name = list(arguments)[-1]
        with pytest.raises(ConfigError, match=f"{name}="):
            case.rule(**arguments)


def test_complete_graphs_keep_what_makes_solvers_fast(case):
    graph = case.make()(Data(x=some(6)))
    square = squares.get(graph.edge_weight)
    assert is_complete(graph.edge_index, 6) == case.complete == (square is not None)
    if square is not None:
        torch.testing.assert_close(off_diagonal(square.matrix), graph.edge_weight, rtol=1e-14, atol=0)
        assert square.degree is None or torch.equal(square.degree, square.matrix.sum(dim=1))


SIZES = [(4, 1, 6), (5, 0, 7), (0, 3, 0), (6,)]


@pytest.mark.parametrize("sizes", SIZES)
def test_batch_of_graphs_equals_the_loop(case, sizes):
    makes = [case.make, case.extremes[-1], *([case.fitted] if case.fitted else [])]
    for make in makes:
        rule = make()
        rule.fit_sigma(some(20))
        graphs = [Data(x=some(n, seed=n), edge_index=torch.zeros(2, 1).long()) for n in sizes]
        joined = Batch.from_data_list(graphs)
        for result, graph in zip(rule(joined).to_data_list(), graphs, strict=True):
            expected = rule(graph)
            assert torch.equal(result.edge_index, expected.edge_index)
            torch.testing.assert_close(result.edge_weight, expected.edge_weight, rtol=1e-12, atol=0)
        whole = rule(joined)
        assert is_marked_symmetric(whole.edge_index, whole.edge_weight)
        assert [len(part.edge_index.T) for part in joined.to_data_list()] == [1] * len(sizes)  # the caller's is whole


@pytest.mark.parametrize("solver", ["direct", "iterative"])
@pytest.mark.parametrize("sizes", SIZES)
def test_propagation_on_a_batch_equals_the_loop(case, solver, sizes):
    rule, layer = case.make(), LabelPropagation(solver, num_classes=3)
    graphs = [Data(x=some(n, seed=n), y=torch.arange(n) % 3, mask=torch.arange(n) % 2 == 0) for n in sizes]
    joined = Batch.from_data_list(graphs)
    joined.x.requires_grad_()
    graph = rule(joined)
    found = layer(joined.y, graph.edge_index, joined.mask, graph.edge_weight)
    weights = torch.linspace(1, 2, found.numel(), dtype=torch.float64).view(found.shape)
    ((found * weights).sum() + 0 * graph.edge_weight.sum()).backward()  # where nothing is solved labels come back
    start = 0
    for part in graphs:
        end = start + part.num_nodes
        part.x.requires_grad_()
        alone = rule(part)
        expected = layer(part.y, alone.edge_index, part.mask, alone.edge_weight)
        torch.testing.assert_close(found[start:end], expected, rtol=1e-8, atol=1e-10)
        ((expected * weights[start:end]).sum() + 0 * alone.edge_weight.sum()).backward()
        torch.testing.assert_close(joined.x.grad[start:end], part.x.grad, rtol=1e-6, atol=1e-9)
        start = end


def test_the_loss_learns_through_every_rule(case):
    labels, mask = torch.arange(12) % 3, torch.arange(12) < 6
    for make in (case.make, case.learned):
        if make is None:
            continue
        loss = GLoss(make())
        x = (some(12) + 1.5 * torch.eye(3, DIM).double()[labels]).requires_grad_()
        value = loss(x, labels, mask=mask)
        value.backward()
        assert value.item() > 0
        assert x.grad.abs().max() > 1e-4
        assert all(parameter.grad.abs().max() > 1e-6 for parameter in loss.parameters())


def test_a_document_without_an_edge_is_a_zero_row_that_does_not_count():
    angles = torch.tensor([0.0, 0.1, 0.2, math.pi / 2, math.pi / 2 + 0.1, math.pi + 0.6])
    x = torch.stack([angles.cos(), angles.sin()], dim=1).requires_grad_()
    labels, mask = torch.tensor([0, 0, 0, 1, 1, 1]), torch.tensor([1, 0, 0, 1, 0, 0]).bool()
    for rule in (MutualKNNGaussian(2, 0.5), EpsilonGaussian(0.5, 0.5), DenseCosine()):
        loss = GLoss(rule)
        found = loss.propagate(x, labels, mask)
        assert not bool((found.graph.edge_index == 5)[:, found.graph.edge_weight > 0].any())
        assert torch.equal(found.probabilities[5], torch.zeros(2))
        assert found.counted.tolist() == [False, True, True, False, True, False]
        value = loss(x, labels, mask=mask)
        assert bool(value.isfinite())
        assert bool(torch.autograd.grad(value, x)[0].isfinite().all())


@settings(max_examples=25, deadline=None)
@given(
    name=st.sampled_from(list(CASES)),
    extreme=st.integers(0, 10),
    n=st.integers(1, 9),
    repeats=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=6),
    exponent=st.integers(-30, 30),
    seed=st.integers(0, 99),
)
def test_any_rows_give_a_sound_graph_and_gradient(name, extreme, n, repeats, exponent, seed):
    case = CASES[name]
    makes = (case.make, *case.extremes)
    x = some(n, seed, dtype=torch.float32)
    for i, j in repeats:
        x[i % n] = x[j % n]  # ties, and with a factor of rounding near ones
    x[0] *= 10.0**exponent
    x.requires_grad_()
    graph = makes[extreme % len(makes)]()(Data(x=x))
    keeps_the_contract(graph, n, dtype=torch.float32)
    graph.edge_weight.sum().backward()
    assert bool(x.grad.isfinite().all())
