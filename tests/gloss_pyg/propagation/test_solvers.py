"""Systems solved by every solver, against numpy in float64, and their gradients against finite differences."""

import warnings

import numpy as np
import plain_reference as plain
import pytest
import torch
from solver_graphs import C, N, complain, graph_of, rows_of, symmetric_direction

from gloss_pyg.errors import ConfigError, NumericalWarning
from gloss_pyg.propagation import HarmonicFunction, LabelSpreading
from gloss_pyg.propagation.solvers.choose import COMPLETE_NODES, DENSE_NODES, choose_solver, weight_matrix
from gloss_pyg.propagation.solvers.conjugate_gradients import conjugate_gradients
from gloss_pyg.propagation.solvers.sparse import Iteration

SOLVERS = ("direct", "conjugate_gradients", "iterative")
KINDS = ("complete", "knn", "disconnected", "loops", "directed", "shuffled")


def matrix_of(kind, solver, edge_weight=None):
    if kind == "directed" and solver == "conjugate_gradients":
        pytest.skip("conjugate gradients refuse directed graphs")
    edge_index, weights = graph_of(kind)
    weights = weights if edge_weight is None else edge_weight
    return weight_matrix(edge_index, weights, N, solver, Iteration(solver, 1e-13, 5000, complain))


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=SOLVERS)
def solver(request):
    return request.param


def test_products_degrees_and_maps(kind, solver):
    matrix, w = matrix_of(kind, solver), plain.dense(*graph_of(kind), N)
    rows, factor = rows_of(1), rows_of(2, 1).abs()[:, 0]
    f = factor.numpy()
    np.testing.assert_allclose(matrix @ rows, w @ rows.numpy(), atol=1e-13)
    np.testing.assert_allclose(matrix.degree, w.sum(axis=1), atol=1e-13)
    np.testing.assert_allclose(matrix.scaled(factor) @ rows, (f[:, None] * w * f) @ rows.numpy(), atol=1e-13)
    mapped = matrix.map_edges(lambda weight, target, source: weight**2 * target(factor) + source(factor))
    pattern = (w != 0) if matrix.values.dim() == 1 else np.ones_like(w)
    expected = (w**2 * f[:, None] + f) * pattern
    np.testing.assert_allclose(mapped @ rows, expected @ rows.numpy(), atol=1e-12)


def test_components_and_what_sources_lead_to(kind, solver):
    matrix, w = matrix_of(kind, solver), plain.dense(*graph_of(kind), N)
    sources = torch.zeros(N, dtype=torch.bool)
    sources[1] = True
    np.testing.assert_array_equal(matrix.led_to(sources), plain.reachable(w, sources.numpy()))
    both = w + w.T
    for i in range(N):
        start = np.arange(N) == i
        np.testing.assert_array_equal(matrix.component == matrix.component[i], plain.reachable(both, start))


@pytest.mark.parametrize("some", [True, False])
def test_grounded_systems(kind, solver, some):
    matrix, w = matrix_of(kind, solver), plain.dense(*graph_of(kind), N)
    exits, right = rows_of(3, 1)[:, 0].abs() + 0.1, rows_of(4)
    free = torch.arange(N) % 4 != 1 if some else torch.ones(N, dtype=torch.bool)
    f = free.numpy()
    between = w[np.ix_(f, f)]
    system = np.diag(between.sum(axis=1) + exits.numpy()[f]) - between
    expected = np.zeros((N, C))
    expected[f] = np.linalg.solve(system, right.numpy()[f])
    np.testing.assert_allclose(matrix.solve_grounded(exits, right, free if some else None), expected, atol=1e-10)


def test_gradients_of_a_grounded_system(kind, solver):
    edge_index, edge_weight = graph_of(kind)
    exits, right, mixing = rows_of(3, 1)[:, 0].abs() + 0.1, rows_of(4), rows_of(5)
    free = torch.arange(N) % 4 != 1
    leaves = [tensor.clone().requires_grad_() for tensor in (edge_weight, exits, right)]

    def value(weight, leaving, given):
        # Unmarked copies of symmetric weights: each direction of an edge is looked at by itself.
        matrix = weight_matrix(edge_index, weight, N, solver, Iteration(solver, 1e-13, 5000, complain))
        return (matrix.solve_grounded(leaving, given, free) * mixing).sum()

    if kind == "directed" and solver == "conjugate_gradients":
        pytest.skip("conjugate gradients refuse directed graphs")
    found = torch.autograd.grad(value(*leaves), leaves)
    assert all(float(gradient.abs().max()) > 1e-3 for gradient in found)
    generator = torch.Generator().manual_seed(11)
    for place, leaf in enumerate(leaves):
        direction = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        if place == 0:
            direction = symmetric_direction(edge_index, direction, kind) * edge_weight
        ends = []
        for sign in (1, -1):
            moved = [other.detach() for other in leaves]
            moved[place] = moved[place] + sign * 1e-5 * direction
            ends.append(float(value(*moved)))
        expected = (ends[0] - ends[1]) / 2e-5
        assert float((found[place] * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("solver", ["direct", "conjugate_gradients"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "directed"])
def test_any_symmetric_operator(kind, solver):
    edge_index, edge_weight = graph_of(kind)
    right, mixing = rows_of(4), rows_of(5)
    strength = torch.tensor(0.7, dtype=torch.float64)

    def operator(matrix, rows, strength):
        def laplacian(x):
            return matrix.degree[:, None] * x - matrix @ x

        return rows + strength * laplacian(laplacian(rows))

    def value(weight, strength, right):
        matrix = weight_matrix(edge_index, weight, N, solver, Iteration(solver, 1e-13, 5000, complain))
        return matrix.solve(operator, right, strength, diagonal=1 + strength * matrix.degree**2)

    w = plain.dense(edge_index, edge_weight, N)
    laplacian = np.diag(w.sum(axis=1)) - w
    expected = np.linalg.solve(np.eye(N) + 0.7 * laplacian @ laplacian, right.numpy())
    np.testing.assert_allclose(value(edge_weight, strength, right), expected, atol=1e-10)

    leaves = [tensor.clone().requires_grad_() for tensor in (edge_weight, strength, right)]
    found = torch.autograd.grad((value(*leaves) * mixing).sum(), leaves)
    generator = torch.Generator().manual_seed(11)
    for place, leaf in enumerate(leaves):
        direction = torch.randn(leaf.shape, generator=generator, dtype=torch.float64)
        if place == 0:
            direction = symmetric_direction(edge_index, direction, kind) * edge_weight
        ends = []
        for sign in (1, -1):
            moved = [other.detach() for other in leaves]
            moved[place] = moved[place] + sign * 1e-5 * direction
            ends.append(float((value(*moved) * mixing).sum()))
        assert float((found[place] * direction).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-8)


def test_an_unsound_operator_gives_zero_rows_and_a_warning():
    matrix = matrix_of("knn", "direct")
    with pytest.warns(NumericalWarning, match="could not be solved"):
        found = matrix.solve(lambda w, rows: -rows, rows_of(1), diagonal=torch.ones(N))
    assert not found.any()


def test_conjugate_gradients_refuse_directed_graphs():
    edge_index, edge_weight = graph_of("directed")
    with pytest.raises(ConfigError, match=r"symmetric graph.*ToUndirected"):
        choose_solver("conjugate_gradients", edge_index, edge_weight, N)


def test_auto_chooses_by_size_density_and_symmetry():
    ring = torch.stack([torch.arange(DENSE_NODES + 1), (torch.arange(DENSE_NODES + 1) + 1) % (DENSE_NODES + 1)])
    both = torch.cat([ring, ring.flip(0)], dim=1)
    assert choose_solver("auto", both, torch.ones(both.size(1)), DENSE_NODES + 1) == "conjugate_gradients"
    assert choose_solver("auto", ring, torch.ones(ring.size(1)), DENSE_NODES + 1) == "iterative"
    assert choose_solver("auto", *graph_of("knn"), N) == "direct"
    assert DENSE_NODES < COMPLETE_NODES


def test_conjugate_gradients_say_what_they_did_not_reach():
    chain = torch.arange(399)
    edge_index = torch.cat([torch.stack([chain, chain + 1]), torch.stack([chain + 1, chain])], dim=1)
    y, mask = torch.zeros(400, dtype=torch.long), torch.arange(400) == 0
    layer = HarmonicFunction(solver="conjugate_gradients", max_iterations=20, num_classes=1)
    with pytest.warns(NumericalWarning, match=r"HarmonicFunction stopped after max_iterations=20.*Said once"):
        layer(y, edge_index, mask, torch.ones(798))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(y, edge_index, mask, torch.ones(798))
        HarmonicFunction(solver="conjugate_gradients", num_classes=1)(y, edge_index, mask, torch.ones(798))


def test_float32_conjugate_gradients_reach_the_residual_on_an_ill_conditioned_system():
    torch.manual_seed(0)
    basis = torch.linalg.qr(torch.randn(60, 60, dtype=torch.float64))[0]
    matrix = basis @ torch.diag(torch.logspace(0, -5, 60, dtype=torch.float64)) @ basis.T
    right = torch.randn(60, 2)
    found = conjugate_gradients(
        lambda rows: matrix.to(rows.dtype) @ rows,
        right,
        torch.ones(60),
        tolerance=1e-6,
        max_iterations=5000,
        complain=complain,
    )
    exact = torch.linalg.solve(matrix, right.double())
    assert float((found - exact).norm() / exact.norm()) < 1e-2  # condition 1e5 times a residual of 1e-6, and to spare


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("weight", [1e-30, 1e30, 1e-12])
def test_weights_of_any_size(solver, weight):
    edge_index, edge_weight = graph_of("knn")
    y, mask = torch.arange(N) % C, torch.arange(N) % 3 == 0
    for layer in (HarmonicFunction, LabelSpreading):
        expected = layer(solver=solver, num_classes=C)(y, edge_index, mask, edge_weight)
        found = layer(solver=solver, num_classes=C)(y, edge_index, mask, (edge_weight * weight).float())
        torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("gap", [1e-6, 1e-12, 1e-30])
def test_a_cluster_that_hangs_by_a_thread_keeps_its_answer(gap):
    # Two triangles, the second hidden and tied to the seeds by weights far below rounding, three to one.
    triangle = torch.tensor([[0, 1], [1, 2], [2, 0]]).T
    edges = torch.cat([triangle + 3, torch.tensor([[0], [3]]), torch.tensor([[1], [4]])], dim=1)
    weight = torch.tensor([1.0, 1.0, 1.0, 3 * gap, gap])
    y, mask = torch.tensor([0, 1, -1, -1, -1, -1]), torch.tensor([True, True, False, False, False, False])
    both = torch.cat([edges, edges.flip(0)], dim=1)
    found = HarmonicFunction(solver="direct", num_classes=2)(y, both, mask, weight.repeat(2))
    torch.testing.assert_close(found[3:], torch.tensor([[0.75, 0.25]]).expand(3, 2), atol=1e-4, rtol=0)
    assert not found[2].any()
