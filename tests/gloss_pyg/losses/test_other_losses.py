import jaxtyping
import pytest
import torch
import torch.nn.functional as F

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import ClassificationLoss, GLoss, HybridLoss, NegativeLogProbability, PublishedCode


def batch():
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 1, 2, 0, 1, 2, 0, -100])
    embeddings = torch.randn(8, 4, generator=generator).requires_grad_()
    return embeddings, torch.randn(8, 3, generator=generator).requires_grad_(), labels


@pytest.mark.parametrize("weights", [None, [1.0, 2.0, 0.0]])
def test_classification_loss_is_torchs(weights):
    embeddings, logits, labels = batch()
    found = ClassificationLoss(weights)(embeddings, logits, labels)
    expected = F.cross_entropy(logits, labels, weight=None if weights is None else torch.tensor(weights))
    assert found.item() == pytest.approx(expected.item(), rel=1e-6)
    gradients = [torch.autograd.grad(value, logits)[0] for value in (found, expected)]
    assert gradients[0].abs().max() > 1e-3
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-7)
    assert ClassificationLoss(weights)(embeddings, logits, labels.masked_fill(labels < 0, -1)).item() == found.item()


@pytest.mark.parametrize("labels", [[-100] * 8, [-1] * 8, [2] * 8])
def test_classification_loss_of_nothing_is_zero_with_a_gradient(labels):
    embeddings, logits, _ = batch()
    value = ClassificationLoss([1.0, 1.0, 0.0])(embeddings, logits, torch.tensor(labels))
    assert value.item() == 0
    value.backward()
    assert torch.equal(logits.grad, torch.zeros_like(logits))


def test_half_precision_logits_are_computed_in_float32():
    embeddings, logits, labels = batch()
    half = (100 * logits).half()
    found = ClassificationLoss()(embeddings, half, labels)
    assert found.dtype == torch.float32
    assert found.item() == ClassificationLoss()(embeddings, half.float(), labels).item()


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_hybrid_loss_is_the_weighted_sum_of_its_parts(weight):
    embeddings, logits, labels = batch()
    graph_loss = GLoss(DenseGaussian(0.7)).eval()
    loss = HybridLoss(graph_loss, weight=weight)
    parts = loss.parts(embeddings, logits, labels)
    assert list(parts) == ["graph_loss", "classification_loss"]
    assert parts["graph_loss"].item() == graph_loss(embeddings, labels).item()
    assert parts["classification_loss"].item() == ClassificationLoss()(embeddings, logits, labels).item()
    expected = weight * parts["graph_loss"].item() + (1 - weight) * parts["classification_loss"].item()
    assert loss(embeddings, logits, labels).item() == pytest.approx(expected, rel=1e-6)


def test_hybrid_loss_with_torchs_cross_entropy_and_a_graph_loss_of_ones_own():
    embeddings, logits, labels = batch()

    class Lengths(torch.nn.Module):
        def forward(self, embeddings, labels):
            return embeddings.square().sum()

    loss = HybridLoss(Lengths(), weight=0.5, classification_loss=torch.nn.CrossEntropyLoss(label_smoothing=0.1))
    expected = 0.5 * embeddings.square().sum() + 0.5 * F.cross_entropy(logits, labels, label_smoothing=0.1)
    assert loss(embeddings, logits, labels.masked_fill(labels < 0, -1)).item() == pytest.approx(expected.item())


def test_parameters_of_a_learned_bandwidth_are_trained_with_the_total():
    loss = HybridLoss(GLoss(DenseGaussian("learned")))
    loss(*batch()).backward()
    assert loss.graph_loss.graph.bandwidth.log_sigma.grad.abs() > 1e-6


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan")])
def test_share_outside_its_range_is_refused(weight):
    with pytest.raises(ConfigError, match="weight="):
        HybridLoss(GLoss(), weight=weight)


@pytest.mark.parametrize("weights", [[1.0, -1.0], [float("nan")], [float("inf"), 1.0]])
@pytest.mark.parametrize("loss", [ClassificationLoss, PublishedCode])
def test_class_weights_must_be_finite_and_not_negative(loss, weights, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match="class_weights="):
        loss(weights)


def test_a_probability_that_underflowed_costs_87_and_has_no_gradient():
    p = torch.tensor([[0.0, 1.0], [0.5, 0.5]], requires_grad=True)
    everyone = torch.tensor([True, True])
    value = NegativeLogProbability()(p, torch.tensor([0, 0]), everyone, everyone)
    assert value.item() == pytest.approx((87.3365 + 0.693147) / 2, rel=1e-5)
    value.backward()
    torch.testing.assert_close(p.grad, torch.tensor([[0.0, 0.0], [-1.0, 0.0]]))


def test_published_code_with_weights_of_zero_is_finite():
    p = torch.tensor([[0.2, 0.8]], requires_grad=True)
    everyone = torch.tensor([True])
    value = PublishedCode([0.0, 1.0])(p, torch.tensor([0]), everyone, everyone)
    value.backward()
    assert value.item() == 0
    assert bool(p.grad.isfinite().all())
