"""`FocalLoss` and label smoothing: the controls of cross-entropy."""

import math
from typing import Any

import jaxtyping
import pytest
import torch
import torch.nn.functional as F

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses import ClassificationLoss, FocalLoss, GLoss, HybridLoss, PairwiseCosine, StandaloneLoss
from gloss_pyg.propagation import CorrectAndSmooth

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, -100])
X = torch.zeros(8, 4)


def logits(scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return (scale * torch.randn(8, 3, generator=generator, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0, 5.0])
def test_focal_loss_is_the_formula(gamma: float, weights: Any) -> None:
    z = logits()
    found = FocalLoss(gamma, weights)(X, z, LABELS)
    w = [1.0] * 3 if weights is None else weights
    p = [(z[i].exp() / z[i].exp().sum())[LABELS[i]] for i in range(7)]
    mass = sum(w[label] for label in LABELS[:7])
    expected = -sum(w[LABELS[i]] * (1 - p[i]) ** gamma * p[i].log() for i in range(7)) / mass
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    gradients = [torch.autograd.grad(value, z)[0] for value in (found, expected)]
    assert gradients[0].abs().max() > 1e-3
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)
    if gamma == 0:
        torch.testing.assert_close(found, ClassificationLoss(weights)(X, z, LABELS), rtol=1e-9, atol=0)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
@pytest.mark.parametrize("scale", [1e3, 1e30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_certain_documents_have_a_finite_gradient(gamma: float, scale: float, dtype: torch.dtype) -> None:
    z = (F.one_hot(LABELS.clamp(min=0), 3) * scale).clamp(max=6e4).to(dtype).requires_grad_()
    FocalLoss(gamma)(X, z, LABELS).backward()
    assert bool(z.grad.isfinite().all())


def test_focal_loss_of_nothing_is_zero_with_a_gradient() -> None:
    z = logits()
    FocalLoss()(X, z, torch.full((8,), -100)).backward()
    assert torch.equal(z.grad, torch.zeros_like(z))


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.5]])
def test_label_smoothing_is_the_formula(weights: Any) -> None:
    z, share = logits(), 0.1
    found = ClassificationLoss(weights, label_smoothing=share)(X, z, LABELS)
    w = torch.tensor([1.0] * 3 if weights is None else weights, dtype=torch.float64)
    terms, mass = [], 0.0
    for i in range(7):
        log_p = (z[i].exp() / z[i].exp().sum()).log()
        terms.append(-(1 - share) * w[LABELS[i]] * log_p[LABELS[i]] - share / 3 * (w * log_p).sum())
        mass += float(w[LABELS[i]])
    expected = torch.stack(terms).sum() / mass
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    gradients = [torch.autograd.grad(value, z)[0] for value in (found, expected)]
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)


def test_a_hybrid_takes_the_controls() -> None:
    x = torch.eye(8, 4, dtype=torch.float64)
    for control in (FocalLoss(), ClassificationLoss(label_smoothing=0.2)):
        parts = HybridLoss(PairwiseCosine(), classification_loss=control).parts(x, logits(), LABELS)
        assert parts["classification_loss"] == control(x, logits(), LABELS)


def test_a_standalone_loss_gives_logits_no_gradient() -> None:
    x, z = torch.randn(8, 4, requires_grad=True), logits()
    value = StandaloneLoss(PairwiseCosine())(x, z, LABELS)
    value.backward()
    assert value.item() == PairwiseCosine()(x, LABELS).item()
    assert x.grad.any()
    assert z.grad is None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: FocalLoss(-1.0), "gamma=-1.0, expected a finite number of at least 0"),
        (lambda: FocalLoss(math.inf), "gamma=inf"),
        (lambda: FocalLoss(class_weights=[-1.0]), "class_weights="),
        (lambda: ClassificationLoss(label_smoothing=1.0), "label_smoothing=1.0: expected a share from 0 to below 1"),
        (lambda: ClassificationLoss(label_smoothing=True), "label_smoothing=True"),
        (lambda: StandaloneLoss(GLoss(propagation=CorrectAndSmooth())), "CorrectAndSmooth corrects a classifier's"),
        (lambda: StandaloneLoss(PairwiseCosine), "graph_loss is the class PairwiseCosine"),
    ],
)
def test_what_cannot_work_is_refused(make: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match=message):
        make()
