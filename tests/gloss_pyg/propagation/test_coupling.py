"""Coupling matrices: what they are whatever is learned, their gradient, and what is refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gloss_pyg.errors import ConfigError
from gloss_pyg.propagation.coupling import Coupling

HOMOPHILY = (0.5 * (np.eye(4) - 1 / 4)).tolist()


@pytest.mark.parametrize("learned", [True, False])
def test_it_is_what_was_given(learned):
    np.testing.assert_allclose(Coupling(HOMOPHILY, learned=learned)().detach(), HOMOPHILY, atol=1e-6)
    assert len(list(Coupling(HOMOPHILY, learned=learned).parameters())) == learned


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.sampled_from([0.0, 1e-6, 1.0, 30.0]))
def test_whatever_is_learned_is_a_coupling(seed, classes, size):
    layer = Coupling(np.zeros((classes, classes)).tolist(), learned=True)
    noise = torch.randn(classes, classes, generator=torch.Generator().manual_seed(seed))
    layer.free.data.copy_(size * noise)
    found = layer()
    torch.testing.assert_close(found, found.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(found.sum(dim=1), torch.zeros(classes), atol=1e-5, rtol=0)
    assert float(torch.linalg.eigvalsh(found.detach()).abs().max()) <= 1 + 1e-6
    found[0, 0].backward()
    assert bool(layer.free.grad.isfinite().all())


@pytest.mark.parametrize("spread", [0.0, 1e-9, 1.0])
def test_the_gradient_holds_for_equal_eigenvalues(spread):
    layer = Coupling(HOMOPHILY, learned=True).double()
    noise = torch.randn(4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    free = (layer.free.detach() + spread * noise).requires_grad_()
    assert torch.autograd.gradcheck(lambda free: torch.func.functional_call(layer, {"free": free}, ()), free)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[0.5, -0.5], [-0.5]], r"rows of different lengths"),
        ([[0.5, -0.5]], r"shape \(1, 2\).*as many rows as columns"),
        ([[float("nan")]], r"finite"),
        ([[0.5, -0.5], [0.5, -0.5]], r"not symmetric"),
        ([[0.5, 0.1], [0.1, 0.5]], r"do not sum to 0.*take 1 / C off"),
        ([[0.5, -0.5], [-0.5, 0.5]], r"eigenvalue of size 1"),
    ],
)
def test_other_matrices_are_refused(matrix, message):
    with pytest.raises(ConfigError, match=message):
        Coupling(matrix, learned=False)
