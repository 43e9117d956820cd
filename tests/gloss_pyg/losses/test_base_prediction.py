"""A base prediction on its way to the layers that work on one: by hand, by `HybridLoss`, in training."""

import pytest
import torch

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.propagation import CorrectAndSmooth, LabelPropagation

LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])
MASK = torch.arange(8) < 5


def batch():
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(8, 4, generator=generator).requires_grad_()
    return embeddings, torch.randn(8, 3, generator=generator).requires_grad_()


def test_the_loss_is_that_of_the_layer_called_by_hand():
    embeddings, logits = batch()
    base = logits.detach().softmax(dim=1)
    loss = GLoss(DenseGaussian(0.7), CorrectAndSmooth())
    found = loss.propagate(embeddings, LABELS, MASK, base=base)
    graph = found.graph
    by_hand = CorrectAndSmooth()(torch.eye(3)[LABELS], graph.edge_index, MASK, graph.edge_weight, base=base)
    torch.testing.assert_close(found.probabilities, by_hand)
    expected = -by_hand[~MASK].gather(1, LABELS[~MASK, None]).log().mean()
    torch.testing.assert_close(loss(embeddings, LABELS, MASK, base=base), expected)


def test_the_hybrid_loss_hands_over_its_classifier_detached():
    embeddings, logits = batch()
    hybrid = HybridLoss(GLoss(DenseGaussian(0.7), CorrectAndSmooth()).eval())
    part = hybrid.parts(embeddings, logits, LABELS)["graph_loss"]
    torch.testing.assert_close(part, hybrid.graph_loss(embeddings, LABELS, base=logits.detach().softmax(dim=1)))
    in_embeddings, in_logits = torch.autograd.grad(part, [embeddings, logits], allow_unused=True)
    assert in_logits is None
    assert in_embeddings.abs().max() > 1e-4


def test_half_precision_logits_become_float32_probabilities():
    embeddings, logits = batch()
    hybrid = HybridLoss(GLoss(DenseGaussian(0.7), CorrectAndSmooth()).eval())
    part = hybrid.parts(embeddings.half(), logits.half(), LABELS)["graph_loss"]
    assert part.dtype == torch.float32
    torch.testing.assert_close(part, hybrid.parts(embeddings, logits, LABELS)["graph_loss"], rtol=1e-2, atol=1e-2)


def test_a_batch_without_the_last_class_takes_the_number_of_classes_from_the_base_prediction():
    embeddings, logits = batch()
    labels = LABELS.clamp(max=1)
    loss = GLoss(DenseGaussian(0.7), CorrectAndSmooth())
    found = loss.propagate(embeddings, labels, MASK, base=logits.softmax(dim=1))
    assert found.probabilities.shape == (8, 3)


def test_other_layers_and_plain_callables_never_get_it():
    embeddings, logits = batch()
    base = logits.softmax(dim=1)

    def plain(y, edge_index, mask, edge_weight, x):
        return LabelPropagation()(y, edge_index, mask, edge_weight)

    for propagation in (plain, LabelPropagation()):
        loss = GLoss(DenseGaussian(0.7), propagation)
        assert not loss.needs_base
        with_base = loss.propagate(embeddings, LABELS, MASK, base=base)
        assert torch.equal(with_base.probabilities, loss.propagate(embeddings, LABELS, MASK).probabilities)
        assert HybridLoss(loss)(embeddings, logits, LABELS).isfinite()


def test_what_is_missing_or_does_not_fit_is_refused(monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no such checks
    embeddings, logits = batch()
    loss = GLoss(DenseGaussian(0.7), CorrectAndSmooth())
    with pytest.raises(ConfigError, match="HybridLoss hands over its classifier's"):
        loss(embeddings, LABELS)
    with pytest.raises(DataError, match=r"shape \(8, 3\)"):
        loss(embeddings, LABELS, base=logits[:5].softmax(dim=1))
    with pytest.raises(DataError, match="A label is 2, but base with 2 columns"):
        loss(embeddings, LABELS, base=logits[:, :2].softmax(dim=1))
