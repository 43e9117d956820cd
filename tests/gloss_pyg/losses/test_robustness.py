"""Any batch gives a finite loss and a finite gradient. `benchmarks/bench_robustness.py` tries many more."""

import pytest
import torch
from hostile_batches import SOLVERS, Case, cases, draw_rows, outcome
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss


@pytest.mark.parametrize("solver", SOLVERS)
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_loss_and_gradient_are_finite(solver, data):
    assert outcome(data.draw(cases([solver]))) in ("usable", "zero", "beyond half precision")


@pytest.mark.parametrize(("dtype", "length"), [(torch.float64, 1e300), (torch.float32, 1e37)])
@pytest.mark.parametrize("labels", [[0], [0, -100], [-100, -100, -100]])
def test_a_batch_that_counts_nothing_gives_zero_for_rows_of_any_length(dtype, length, labels):
    """In float64 they were rounded to float32's infinity first, and infinity times zero is NaN."""
    x = torch.full((len(labels), 3), length, dtype=dtype, requires_grad=True)
    value = GLoss(DenseGaussian(0.5))(x, torch.tensor(labels))
    value.backward()
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


@pytest.mark.parametrize(
    ("seed", "size", "length", "k", "sigma", "unlabelled"),
    [
        (8, (56, 15), 1.0, None, 1e-6, 0.2),
        (15, (56, 15), 1.0, None, 1e-6, 0.2),
        (402, (41, 6), 1e-3, 6, 0.0038, 0.0),
    ],
)
def test_conjugate_gradients_on_documents_tied_by_less_than_rounding(seed, size, length, k, sigma, unlabelled):
    """A step along what the system shrinks to rounding was of any length: a NaN loss, an infinite gradient."""
    generator = torch.Generator().manual_seed(seed)
    x = (draw_rows("opposite", *size, generator) * length).float().requires_grad_()
    labels = torch.randint(0, 10, size[:1], generator=generator)
    labels[torch.rand(size[0], generator=generator) < unlabelled] = -100
    case = Case(x, labels, None, seed, "opposite", k, sigma, 1.0, "conjugate_gradients", published=False)
    assert outcome(case) == "usable"
