"""The series of the matrix exponential: its gradient, its digits far from labels, and what it keeps in memory."""

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from solver_graphs import C, N, complain, graph_of, rows_of, symmetric_direction

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.propagation import HeatKernel
from gloss_pyg.propagation.solvers import exponential as module
from gloss_pyg.propagation.solvers.choose import weight_matrix
from gloss_pyg.propagation.solvers.exponential import _Trail, exponential, poisson
from gloss_pyg.propagation.solvers.sparse import Iteration

SETTINGS = {"tolerance": 1e-13, "max_terms": 1000, "complain": complain}


@pytest.mark.parametrize("kept", [2, 64])
@pytest.mark.parametrize("solver", ["direct", "iterative"])
@pytest.mark.parametrize("kind", ["complete", "knn", "disconnected", "directed", "loops", "shuffled"])
def test_gradients(kind, solver, kept, monkeypatch):
    monkeypatch.setattr(module, "KEPT", kept)
    monkeypatch.setattr(module, "KEPT_NUMBERS", 1)
    edge_index, edge_weight = graph_of(kind)
    edge_weight = edge_weight / edge_weight.sum()
    rows, mixing, time = rows_of(4).abs(), rows_of(5), torch.tensor(3.0, dtype=torch.float64)

    def value(weight, rows, time):
        matrix = weight_matrix(edge_index, weight, N, solver, Iteration(solver, 1e-13, 5000, complain))
        return (exponential(matrix, rows, time, **SETTINGS) * mixing).sum()

    leaves = [tensor.clone().requires_grad_() for tensor in (edge_weight, rows, time)]
    found = torch.autograd.grad(value(*leaves), leaves)
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
        assert float((found[place] * direction).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rows_far_from_all_labels_keep_their_digits(dtype):
    # A chain of thirty: the last row is about 1e-25 of the first, and its classes are still told apart.
    n = 30
    chain = torch.arange(n - 1)
    edge_index = torch.cat([torch.stack([chain, chain + 1]), torch.stack([chain + 1, chain])], dim=1)
    y, mask = torch.tensor([0, 1] + [-100] * (n - 2)), torch.arange(n) < 2
    found = HeatKernel(4.0, num_classes=2)(y, edge_index, mask, torch.ones(2 * n - 2, dtype=dtype))
    # Terms of the exact rational series, by which the reference does not lose the far rows either.
    w = np.zeros((n, n))
    w[edge_index[1], edge_index[0]] = 1
    s = w / np.sqrt(np.outer(w.sum(1), w.sum(1)))
    state, total = np.eye(n)[:, :2], np.zeros((n, 2))
    for k in range(200):
        total += poisson(k, 4.0) * state
        state = s @ state
    expected = total / total.sum(axis=1, keepdims=True)
    assert total[-1].sum() < 1e-15
    assert np.abs(expm(4.0 * (s - np.eye(n)))[:, :2] - total).max() < 1e-14
    np.testing.assert_allclose(found, expected, rtol=1e-4 if dtype == torch.float32 else 1e-9)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 64, 137])
def test_states_come_back_in_order_from_a_bounded_trail(length):
    trail, steps, held = _Trail(4), 0, 0

    def step(state):
        nonlocal steps
        steps += 1
        return state + 1

    for number in range(length):
        trail.add(torch.tensor(number))
        held = max(held, len(trail.kept))
    found = [(number, int(state)) for number, state in trail.backwards(step)]
    assert found == [(number, number) for number in reversed(range(length))]
    assert held <= 5
    assert steps <= length * 3


def test_a_series_cut_short_says_so():
    edge_index, edge_weight = graph_of("knn")
    y, mask = torch.arange(N) % C, torch.arange(N) % 3 == 0
    with pytest.warns(NumericalWarning, match=r"HeatKernel stopped after max_iterations=5"):
        HeatKernel(5.0, max_iterations=5, num_classes=C)(y, edge_index, mask, edge_weight)
