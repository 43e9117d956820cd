"""Scores of the layers that solve a system, against their formulas written plainly with numpy in float64."""

import warnings

import numpy as np
import plain_reference as plain
import pytest
import torch
from scipy.linalg import expm
from solver_graphs import C, N, graph_of

from gloss_pyg.errors import ConfigError, NumericalWarning
from gloss_pyg.propagation import (
    AbsorbingWalk,
    HarmonicFunction,
    HeatKernel,
    LabelSpreading,
    LaplacianRegularization,
    LinearBeliefPropagation,
    ModifiedAdsorption,
    PersonalizedPageRank,
    PoissonLearning,
)

SYMMETRIC = ("complete", "knn", "disconnected", "loops", "shuffled")
FAR = {"direct": 1e-10, "conjugate_gradients": 1e-8, "iterative": 1e-8}  # relative, of the largest score


@pytest.fixture(params=SYMMETRIC)
def kind(request):
    return request.param


@pytest.fixture(params=[*SYMMETRIC, "directed"])
def any_kind(request):
    return request.param


@pytest.fixture(params=FAR)
def solver(request):
    if request.param == "conjugate_gradients" and request.node.callspec.params.get("any_kind") == "directed":
        pytest.skip("conjugate gradients refuse directed graphs")
    return request.param


def problem(kind):
    """Edges, seeds and mask, and the dense weights."""
    edge_index, edge_weight = graph_of(kind)
    mask = torch.arange(N) % 3 == 0
    seeds = torch.eye(C, dtype=torch.float64)[torch.arange(N) // 3 % C] * mask[:, None]
    return edge_index, edge_weight, seeds, mask, plain.dense(edge_index, edge_weight, N)


def components(w):
    """Whether two nodes are in one component."""
    return np.array([plain.reachable(w + w.T, np.arange(N) == i) for i in range(N)])


def component_means(w):
    """Mean degree of each node's component, one where there are no edges."""
    same = components(w)
    means = same @ w.sum(axis=1) / same.sum(axis=1)
    return np.where(means > 0, means, 1)


def laplacian(w):
    return np.diag(w.sum(axis=1)) - w


def normalised(w):
    d = w.sum(axis=1)
    s = np.where(d > 0, 1 / np.sqrt(np.where(d > 0, d, 1)), 0)
    return s[:, None] * w * s


def check(layer, kind, expected, tolerance):
    edge_index, edge_weight, seeds, mask, _ = problem(kind)
    found = layer.scores(seeds, edge_index, edge_weight, mask).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


def test_personalized_page_rank(any_kind, solver):
    kind = any_kind
    *_, seeds, _, w = problem(kind)
    expected = 0.2 * np.linalg.solve(np.eye(N) - 0.8 * normalised(w), seeds.numpy())
    check(PersonalizedPageRank(0.2, solver=solver), kind, expected, FAR[solver])
    check(PersonalizedPageRank(0.2, learned=True, solver=solver).double(), kind, expected, 1e-7)  # made in float32
    check(LabelSpreading(0.8, solver=solver), kind, expected, FAR[solver])


def plain_harmonic(w, seeds, mask, class_masses):
    """Hidden rows as weighted means of their neighbours' rows; columns of each component scaled to its shares."""
    hidden = ~mask & plain.reachable(w, mask)
    known = hidden | mask
    result = seeds.copy()
    system = np.diag(w[np.ix_(hidden, known)].sum(axis=1)) - w[np.ix_(hidden, hidden)]
    result[hidden] = np.linalg.solve(system, w[np.ix_(hidden, mask)] @ seeds[mask])
    if class_masses:
        for members in np.unique(components(w), axis=0):
            unseen = members & ~mask
            mass = result[unseen].sum(axis=0)
            result[unseen] *= (seeds[members].sum(axis=0) + 1) / np.where(mass > 0, mass, 1)
    return result


@pytest.mark.parametrize("class_masses", [False, True])
def test_harmonic_function(any_kind, solver, class_masses):
    *_, seeds, mask, w = problem(any_kind)
    expected = plain_harmonic(w, seeds.numpy(), mask.numpy(), class_masses)
    layer = HarmonicFunction(class_mass_normalisation=class_masses, solver=solver)
    check(layer, any_kind, expected, FAR[solver])


def test_absorbing_walk(any_kind, solver):
    kind = any_kind
    *_, seeds, _, w = problem(kind)
    scaled = laplacian(w) / component_means(w)[:, None]
    expected = np.linalg.solve(0.3 * np.eye(N) + scaled, 0.3 * seeds.numpy())
    check(AbsorbingWalk(0.3, solver=solver), kind, expected, FAR[solver])


@pytest.mark.parametrize("power", [1, 2, 3])
def test_laplacian_regularization(kind, solver, power):
    if power > 1 and solver == "iterative":
        pytest.skip("refused")
    *_, seeds, mask, w = problem(kind)
    scaled = laplacian(w) / component_means(w)[:, None]
    m = np.diag(mask.numpy().astype(float))
    system = m + 0.2 * np.linalg.matrix_power(scaled, power)
    expected = np.linalg.lstsq(system, m @ seeds.numpy(), rcond=1e-12)[0]  # zero where none is seen
    check(LaplacianRegularization(0.2, power, solver=solver), kind, expected, FAR[solver] * 100 ** (power - 1))


@pytest.mark.parametrize("solver", ["direct", "iterative"])
@pytest.mark.parametrize("kind", [*SYMMETRIC, "directed"])
@pytest.mark.parametrize("time", [0.01, 1.0, 40.0])
def test_heat_kernel(kind, solver, time):
    *_, seeds, _, w = problem(kind)
    d = w.sum(axis=1)
    s = 1 / np.sqrt(np.where(d > 0, d, component_means(w)))
    expected = expm(time * (s[:, None] * w * s - np.eye(N))) @ seeds.numpy()
    check(HeatKernel(time, solver=solver), kind, expected, 1e-10)
    check(HeatKernel(time, learned=True, solver=solver).double(), kind, expected, 1e-5)  # made in float32


def plain_poisson(w, seeds):
    """The potential, component by component, by the pseudo-inverse."""
    result, d = np.zeros_like(seeds), w.sum(axis=1)
    for members in np.unique(components(w), axis=0):
        labelled = members & seeds.any(axis=1)
        if not labelled.any() or members.sum() == 1:
            continue
        sources = np.where(labelled[:, None], seeds - seeds[labelled].mean(axis=0), 0)[members]
        u = np.linalg.pinv(laplacian(w)[np.ix_(members, members)]) @ sources
        result[members] = u - d[members] @ u / d[members].sum()
    return result


def test_poisson_learning(kind, solver):
    if solver == "iterative":
        pytest.skip("refused")
    *_, seeds, _, w = problem(kind)
    check(PoissonLearning(solver=solver), kind, plain_poisson(w, seeds.numpy()), FAR[solver])


@pytest.mark.parametrize("spread", [0, 6, 30, 60])
def test_poisson_learning_on_a_chain_of_weights_far_apart(spread):
    # On a chain the flow over each edge is the sum of the sources behind it, so that its potential is known exactly.
    n = 8
    weight = 10.0 ** (spread * (np.array([3, 0, 6, 2, 5, 1, 4]) / 6 - 0.5))
    chain = torch.arange(n - 1)
    edge_index = torch.cat([torch.stack([chain, chain + 1]), torch.stack([chain + 1, chain])], dim=1)
    y = torch.tensor([0, 0, -1, 1, -1, 2, -1, 1])
    seeds = torch.eye(3, dtype=torch.float64)[y.clamp(min=0)] * (y >= 0)[:, None]
    sources = np.where(y[:, None] >= 0, seeds.numpy() - seeds.numpy()[y >= 0].mean(axis=0), 0)
    drops = np.cumsum(sources, axis=0)[:-1] / weight[:, None]
    u = np.concatenate([np.zeros((1, 3)), -np.cumsum(drops, axis=0)])
    degree = np.concatenate([[0], weight]) + np.concatenate([weight, [0]])
    u = u - degree @ u / degree.sum()
    found = PoissonLearning(solver="direct").scores(seeds, edge_index, torch.tensor(weight).repeat(2), y >= 0)
    np.testing.assert_allclose(found, u, rtol=0, atol=1e-10 * np.abs(u).max())


def plain_adsorption(w, seeds, mu1, mu2, mu3, beta):
    """Probabilities and system of algorithm 1, node by node and edge by edge, with the dummy label's column."""
    n = len(w)
    onward, injected = np.zeros(n), np.zeros(n)
    for v in range(n):
        shares = [weight / w[v].sum() for weight in w[v] if weight > 0]
        entropy = -sum(share * np.log(share) for share in shares)
        c = np.log(beta) / np.log(beta + np.exp(entropy))
        j = (1 - c) * np.sqrt(max(entropy, 0.01)) if seeds[v].any() else 0
        onward[v], injected[v] = c / max(c + j, 1), j / max(c + j, 1)
    unit, system = component_means(w), np.zeros((n, n))
    for v in range(n):
        system[v, v] = mu1 * injected[v] + mu3
        for u in range(n):
            weight = mu2 * (onward[v] * w[v, u] + onward[u] * w[u, v]) / unit[v]
            system[v, v] += weight
            system[v, u] -= weight
    dummy = mu3 * (1 - onward - injected)
    return np.linalg.solve(system, np.column_stack([mu1 * injected[:, None] * seeds, dummy]))


@pytest.mark.parametrize("arguments", [(1.0, 0.01, 0.01, 2.0), (2.0, 1.0, 0.1, 5.0)])
def test_modified_adsorption(kind, solver, arguments):
    *_, seeds, _, w = problem(kind)
    expected = plain_adsorption(w, seeds.numpy(), *arguments)
    check(ModifiedAdsorption(*arguments, solver=solver), kind, expected[:, :C], FAR[solver])
    assert (expected[:, C] > 0).all()  # the dummy takes its share everywhere, and is no class


def test_a_labelled_leaf_injects_its_label_and_edges_at_zero_have_a_gradient():
    edge_index = torch.tensor([[0, 1, 1, 2, 0, 2], [1, 0, 2, 1, 2, 0]])
    weight = torch.tensor([1.0, 1.0, 2.0, 2.0, 0.0, 0.0], requires_grad=True)
    y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
    found = ModifiedAdsorption(num_classes=2)(y, edge_index, mask, weight)
    assert bool((found > 0).all())
    found[1, 0].log().backward()
    assert bool(weight.grad.isfinite().all())
    assert bool(weight.grad[:4].all())


COUPLING = [[0.25, -0.125, -0.125], [-0.125, 0.5, -0.375], [-0.125, -0.375, 0.5]]


@pytest.mark.parametrize("coupling", [0.5, -0.9, COUPLING])
def test_linear_belief_propagation(kind, solver, coupling):
    if solver == "iterative":
        pytest.skip("refused")
    *_, seeds, mask, w = problem(kind)
    a = normalised(w)
    d = np.diag((a**2).sum(axis=1))
    h = np.array(coupling) if isinstance(coupling, list) else coupling * (np.eye(C) - 1 / C)
    e = (seeds.numpy() - 1 / C) * mask.numpy()[:, None]
    system = np.eye(N * C) - np.kron(a, h) + np.kron(d, h @ h)  # rows of B one after the other; h is symmetric
    expected = np.linalg.solve(system, e.ravel()).reshape(N, C)
    check(LinearBeliefPropagation(coupling, solver=solver), kind, expected, FAR[solver])
    learned = LinearBeliefPropagation(coupling, learned=True, num_classes=C, solver=solver).double()
    check(learned, kind, expected, 1e-5)  # made in float32


@pytest.mark.parametrize("solver", ["direct", "conjugate_gradients"])
def test_the_gradient_of_a_learned_coupling(solver):
    edge_index, edge_weight, seeds, mask, _ = problem("knn")
    layer = LinearBeliefPropagation(COUPLING, learned=True, solver=solver).double()
    start = layer.coupling.free.detach() + 0.1 * torch.randn(C, C, generator=torch.Generator().manual_seed(0)).double()

    def value(free):
        return torch.func.functional_call(layer, {"coupling.free": free}, (seeds, edge_index, mask, edge_weight))

    torch.autograd.gradcheck(value, start.requires_grad_(), eps=1e-5, atol=1e-7, rtol=1e-5)


def test_what_is_learned_tells_unlike_neighbours():
    # Two groups in which every edge leads from one to the other: neighbours are of different classes.
    n, generator = 20, torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 2
    w = torch.rand(n, n, generator=generator) * (labels[:, None] != labels)
    w = w.triu() + w.triu().T
    target, source = w.nonzero().T
    mask = torch.arange(n) < 6
    given = (labels, torch.stack([source, target]), mask, w[target, source])
    layer = LinearBeliefPropagation(0.2, learned=True, num_classes=2)
    assert float((layer(*given).argmax(dim=1) == labels)[~mask].float().mean()) < 0.5
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.1)
    for _ in range(40):
        optimiser.zero_grad()
        (-layer(*given)[~mask].gather(1, labels[~mask, None]).log().mean()).backward()
        optimiser.step()
    assert float((layer(*given).argmax(dim=1) == labels)[~mask].float().mean()) == 1
    assert float(layer.coupling().detach()[0, 0]) < 0


def test_little_regularization_is_the_harmonic_function(kind):
    edge_index, edge_weight, seeds, mask, _ = problem(kind)
    expected = HarmonicFunction()(seeds, edge_index, mask, edge_weight)
    found = LaplacianRegularization(1e-9)(seeds, edge_index, mask, edge_weight)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_the_learned_time_is_learned():
    layer = HeatKernel(3.0, learned=True, num_classes=C)
    assert layer.time == pytest.approx(3.0)
    assert HeatKernel(3.0).time == 3.0
    edge_index, edge_weight, seeds, mask, _ = problem("knn")
    layer(seeds, edge_index, mask, edge_weight)[~mask, 0].log().mean().backward()
    assert abs(float(layer.log_time.grad)) > 1e-3


def test_teleport_is_read_back_and_learned():
    layer = PersonalizedPageRank(0.3, learned=True, num_classes=C)
    assert layer.teleport == pytest.approx(0.3)
    assert PersonalizedPageRank(0.3).teleport == 0.3
    assert not list(PersonalizedPageRank(0.3).parameters())
    edge_index, edge_weight, seeds, mask, _ = problem("knn")
    optimiser = torch.optim.SGD(layer.parameters(), lr=1.0)
    for _ in range(20):
        optimiser.zero_grad()
        (-layer(seeds, edge_index, mask, edge_weight)[~mask, 0].log().mean()).backward()
        optimiser.step()
    assert 0 < layer.teleport < 1
    assert abs(layer.teleport - 0.3) > 0.01


@pytest.mark.parametrize("log_odds", [-25.0, 25.0])
def test_a_learned_teleport_reaches_neither_end(log_odds):
    layer = PersonalizedPageRank(learned=True)
    with torch.no_grad():
        layer.log_odds.fill_(log_odds)
    edge_index, edge_weight, seeds, mask, _ = problem("knn")
    found = layer(seeds, edge_index, mask, edge_weight.float())
    torch.testing.assert_close(found.sum(dim=1), torch.ones(N))
    found[:, 0].sum().backward()
    assert bool(layer.log_odds.grad.isfinite())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PersonalizedPageRank(0.0), r"teleport=0.0.*between 0 and 1"),
        (lambda: PersonalizedPageRank(1.0, learned=True), r"teleport=1.0.*between 0 and 1"),
        (lambda: AbsorbingWalk(0.0), r"rate=0.0.*positive"),
        (lambda: HeatKernel(0.0), r"time=0.0.*positive"),
        (lambda: PoissonLearning(solver="iterative"), r"expected one of auto, direct, conjugate_gradients"),
        (lambda: ModifiedAdsorption(mu2=0.0), r"mu2=0.0.*above 0"),
        (lambda: ModifiedAdsorption(beta=1.0), r"beta=1.0.*above 1"),
        (lambda: LinearBeliefPropagation(1.0), r"coupling=1.0.*between -1 and 1"),
        (lambda: LinearBeliefPropagation(0.0), r"coupling=0.0.*not 0"),
        (lambda: LinearBeliefPropagation([[0.5, -0.5], [-0.5, 0.5]], num_classes=3), r"2 rows, and num_classes=3"),
        (lambda: LinearBeliefPropagation(solver="iterative"), r"expected one of auto, direct, conjugate_gradients"),
        (lambda: LaplacianRegularization(-1.0), r"gamma=-1.0.*positive"),
        (lambda: LaplacianRegularization(power=0), r"power=0.*at least 1"),
        (lambda: LaplacianRegularization(power=2, solver="iterative"), r"messages do not converge"),
        (lambda: LaplacianRegularization(temperature=0.5), r"temperature is for power > 1"),
    ],
)
def test_unsound_arguments_are_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_directed_graphs_are_refused_where_the_formula_has_no_sense():
    edge_index, edge_weight = graph_of("directed")
    _, _, seeds, mask, _ = problem("knn")
    with pytest.raises(ConfigError, match=r"LaplacianRegularization is defined for symmetric graphs.*ToUndirected"):
        LaplacianRegularization(power=2)(seeds, edge_index, mask, edge_weight)
    with pytest.raises(ConfigError, match=r"PoissonLearning is defined for symmetric graphs"):
        PoissonLearning()(seeds, edge_index, mask, edge_weight)
    with pytest.raises(ConfigError, match=r"PoissonLearning is defined for symmetric graphs.*ToUndirected"):
        PoissonLearning(solver="conjugate_gradients")(seeds, edge_index, mask, edge_weight)
    LaplacianRegularization()(seeds, edge_index, mask, edge_weight)


def test_heat_that_is_not_felt_is_counted():
    chain = torch.arange(399)
    edge_index = torch.cat([torch.stack([chain, chain + 1]), torch.stack([chain + 1, chain])], dim=1)
    y = torch.full((400,), -1)
    y[0], y[150] = 0, 1
    layer = HeatKernel(num_classes=2)
    with pytest.warns(
        NumericalWarning, match=r"HeatKernel: (\d+) documents are further .* time=5 .*float32.*zero"
    ) as said:
        found = layer(y, edge_index, y >= 0, torch.ones(798))
    assert f" {int((~found.any(dim=1)).sum())} documents" in str(said[0].message)
    apart = edge_index[:, (edge_index < 20).all(dim=0)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        HeatKernel(num_classes=2)(y[:30], apart, y[:30] >= 0, torch.ones(38))  # no label leads to the last ten


@pytest.mark.parametrize(
    ("layer", "remedy"),
    [
        (HeatKernel(2000.0, solver="direct"), r"Choose a shorter one, or give max_iterations \(not beside"),
        (LinearBeliefPropagation(COUPLING, max_iterations=1), r"Choose a coupling nearer 0, or raise max_iterations"),
    ],
)
def test_what_is_advised_can_be_done(layer, remedy):
    edge_index, edge_weight, seeds, mask, _ = problem("knn")
    with pytest.warns(NumericalWarning, match=remedy):
        layer(seeds, edge_index, mask, edge_weight)
