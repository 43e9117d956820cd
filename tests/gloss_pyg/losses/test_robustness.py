"""Any batch gives a finite loss and a finite gradient. `benchmarks/bench_robustness.py` tries many more."""

import warnings

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss
from gloss_pyg.propagation import LabelPropagation


@st.composite
def batches(draw):
    """Embeddings, labels and a mask: rows scattered, equal, nearly equal, zero, opposite, of any length."""
    n, classes, dim = draw(st.integers(1, 64)), draw(st.integers(1, 20)), draw(st.integers(1, 12))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    base = torch.randn(draw(st.integers(1, n)), dim, generator=generator, dtype=torch.float64)
    x = base[torch.randint(0, base.size(0), (n,), generator=generator)]
    apart = draw(st.sampled_from([0.0, 1e-12, 1e-8, 1e-6, 1e-4, 1e-2, 1.0]))
    x = x + apart * torch.randn(n, dim, generator=generator, dtype=torch.float64)
    x = x * draw(st.sampled_from([1e-20, 1e-3, 1.0, 1e3, 1e15]))
    if draw(st.booleans()):
        x = x * torch.randint(-1, 2, (n, 1), generator=generator)
    labels = torch.tensor(draw(st.lists(st.integers(-1, classes - 1), min_size=n, max_size=n)))
    mask = torch.rand(n, generator=generator) < 0.5 if draw(st.booleans()) else None
    dtype = draw(st.sampled_from([torch.float32, torch.float32, torch.float64]))
    return x.to(dtype).requires_grad_(), labels.masked_fill(labels < 0, -100), mask


SIGMA = st.floats(-6, 6).map(lambda power: 10.0**power) | st.sampled_from(["local", "median"])
GRAPHS = st.builds(DenseGaussian, SIGMA) | st.builds(KNNGaussian, st.integers(1, 12), SIGMA)


@pytest.mark.parametrize("solver", ["direct", "iterative"])
@given(batch=batches(), graph=GRAPHS, seed=st.integers(0, 2**31))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_loss_and_gradient_are_finite(solver, batch, graph, seed):
    x, labels, mask = batch
    propagation = LabelPropagation() if solver == "direct" else LabelPropagation("iterative", max_iterations=40)
    loss = GLoss(graph, propagation)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        value = loss(x, labels, mask, torch.Generator().manual_seed(seed))
        value.backward()
    assert bool(value.isfinite())
    assert value.item() > -1e-5
    assert bool(x.grad.isfinite().all())
    if not loss.statistics.summary()["usable_batches"]:
        assert value.item() == 0
        assert torch.equal(x.grad, torch.zeros_like(x))


@pytest.mark.parametrize("seed", [38, 40, 65, 66, 111, 134])
def test_gradients_of_both_directions_of_an_edge_can_be_added(seed):
    """Both are at the end of float32's range here: their sum was infinite, and a rescued weight's gradient NaN."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(5, 3, generator=generator).requires_grad_()
    labels = torch.randint(0, 2, (5,), generator=generator)
    mask = torch.rand(5, generator=generator) < 0.5
    GLoss(KNNGaussian(3, 0.02))(x, labels, mask=mask).backward()
    assert bool(x.grad.isfinite().all())
