"""Losses over unlabelled documents: the formula by loops, who gets a gradient, how they rise, what they refuse."""

import math

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data
from torch_geometric.nn import GCNConv

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import AgreementLoss, GLoss, HybridLoss, SelfTraining
from gloss_pyg.losses.memory import DocumentMemory
from gloss_pyg.losses.targets import sharpen, to_shares
from gloss_pyg.propagation import (
    AttentionPropagation,
    ConvPropagation,
    CorrectAndSmooth,
    HarmonicFunction,
    LabelPropagation,
    PersonalizedPageRank,
)


def batch(n=12, classes=3, dim=4, seed=0, unlabelled=0.6, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, dim, generator=generator, dtype=torch.float64).to(dtype)
    logits = torch.randn(n, classes, generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
    labels = torch.arange(n) % classes
    labels[torch.rand(n, generator=generator) < unlabelled] = -100
    return x, logits, labels


def agreement(graph=None, propagation=None, **arguments):
    return AgreementLoss(
        DenseGaussian(0.7) if graph is None else graph, propagation, **({"class_shares": "any"} | arguments)
    )


def plain(targets, logits, labels, shares, power):
    """The formula by loops in numpy."""
    chosen = [i for i in range(len(labels)) if labels[i] < 0 and targets[i].sum() > 0]
    rows = targets[chosen]
    if shares is not None:
        mass = rows.mean(axis=0)
        rows = rows * np.divide(shares, mass, out=np.zeros_like(mass), where=mass > 0)
        rows = rows / rows.sum(axis=1, keepdims=True)
    total = 0.0
    for i, row in zip(chosen, rows, strict=True):
        q = row**power / (row**power).sum()
        logs = logits[i] - math.log(np.exp(logits[i]).sum())
        total -= float(q @ logs)
    return total / len(chosen)


@pytest.mark.parametrize("shares", ["labels", "uniform", "any", [1.0, 2.0, 3.0]], ids=str)
@pytest.mark.parametrize("kind", [AgreementLoss, SelfTraining])
def test_the_formula(kind, shares):
    x, logits, labels = batch()
    given_parts = {"graph": DenseGaussian(0.7), "propagation": HarmonicFunction()} if kind is AgreementLoss else {}
    loss = kind(**given_parts, sharpness=2.0, class_shares=shares)
    loss.fit_labels(labels, 3)
    counts = np.bincount(labels[labels >= 0], minlength=3)
    numbers = {"labels": counts / counts.sum(), "uniform": np.full(3, 1 / 3), "any": None}
    expected_shares = np.array([1, 2, 3]) / 6 if isinstance(shares, list) else numbers[shares]
    if kind is AgreementLoss:
        graph = DenseGaussian(0.7)(Data(x=x))
        seeds = torch.zeros(12, 3, dtype=torch.float64)
        seeds[labels >= 0, labels[labels >= 0]] = 1
        targets = HarmonicFunction()(seeds, graph.edge_index, labels >= 0, graph.edge_weight).numpy()
    else:
        targets = logits.detach().softmax(1).numpy()
    expected = plain(targets, logits.detach().numpy(), labels.numpy(), expected_shares, 2.0)
    assert loss(x, logits, labels).item() == pytest.approx(expected, rel=1e-9)


def test_only_the_classifier_of_unlabelled_documents_gets_a_gradient():
    x, logits, labels = batch()
    x.requires_grad_()
    agreement()(x, logits, labels).backward()
    assert x.grad is None
    assert not logits.grad[labels >= 0].any()
    assert bool(logits.grad[labels < 0].any(dim=1).all())


def test_the_gradient_against_finite_differences():
    x, logits, labels = batch()
    loss = agreement().eval()
    torch.autograd.gradcheck(lambda given: loss(x, given, labels), (logits,))


def test_propagation_sees_every_label():
    x, logits, labels = batch()
    seen = []

    def spy(y, edge_index, mask, edge_weight, embeddings):
        seen.append((y.clone(), mask.clone()))
        return y + 1 / 3

    agreement(propagation=spy)(x, logits, labels)
    y, mask = seen[0]
    assert torch.equal(mask, labels >= 0)
    assert torch.equal(y.argmax(1)[mask], labels[mask])
    assert not y[~mask].any()


def test_the_strength_rises_by_training_steps_and_is_saved():
    x, logits, labels = batch()
    loss = agreement(weight=0.8, start=2, rise=4)
    strengths = []
    for _ in range(8):
        loss(x, logits, labels)
        strengths.append(loss.strength)
    assert strengths == pytest.approx([0, 0, 0.2, 0.4, 0.6, 0.8, 0.8, 0.8])
    loss.eval()
    loss(x, logits, labels)
    assert int(loss.steps) == 8  # validation is no step
    other = agreement(weight=0.8, start=2, rise=4)
    other.load_state_dict(loss.state_dict())
    assert other.strength == 0.8
    assert torch.equal(other.past.rows, loss.past.rows)
    at_once = agreement(start=1, rise=0)
    found = []
    for _ in range(3):
        at_once(x, logits, labels)
        found.append(at_once.strength)
    assert found == [0, 0.5, 0.5]


def test_class_shares_of_labels_are_those_of_the_training_documents():
    x, logits, labels = batch(n=60)
    loss, given_shares = SelfTraining(), SelfTraining(class_shares=[0.5, 0.25, 0.25])
    with pytest.raises(ConfigError, match="needs the training labels: call fit_labels"):
        loss(x, logits, labels)
    loss.fit_labels([0, 0, 1, 2, -1, -100, -1])
    assert float(loss(x, logits, labels).detach()) == pytest.approx(float(given_shares(x, logits, labels).detach()))
    with pytest.raises(DataError, match="none of 2 training documents has a label"):
        loss.fit_labels([-1, -1])


def test_remembered_documents_are_nodes_of_the_graph_like_any_other():
    x, logits, labels = batch(n=30)
    together, later = agreement(memory=0), agreement()
    later(x[:20], logits[:20], labels[:20])
    targets = later.eval().targets(x[20:], logits[20:].detach(), labels[20:])
    order = torch.cat([torch.arange(20, 30), torch.arange(20)])
    expected = together.targets(x[order], logits.detach(), labels[order])
    torch.testing.assert_close(targets, expected[:10], rtol=1e-4, atol=1e-5)  # they are remembered in float32


def test_the_memory_keeps_the_last_of_each_kind_and_no_more_than_there_are():
    memory = DocumentMemory(labelled=2, unlabelled=3)
    memory.add(torch.arange(5.0)[:, None], torch.tensor([0, 1, 2, -100, -1]))
    memory.add(torch.tensor([[5.0], [6.0], [torch.nan]]), torch.tensor([-100, -100, 0]))
    assert memory.rows.squeeze(1).tolist() == [1, 2, 4, 5, 6]
    assert memory.labels.tolist() == [1, 2, -1, -100, -100]
    memory.forget()
    assert memory.rows.numel() == memory.labels.numel() == 0
    loss = agreement(memory=100)
    loss.fit_labels([0, 1, -1, -1, -1])
    assert loss.past.sizes == (2, 3)


def test_targets_have_the_shares_and_rows_stay_distributions():
    rows = torch.tensor([[0.8, 0.2, 0.0], [0.6, 0.4, 0.0], [1.0, 0.0, 0.0]], dtype=torch.float64)
    turned = to_shares(rows, torch.tensor([0.2, 0.7, 0.1], dtype=torch.float64))
    assert torch.allclose(turned.sum(1), torch.ones(3, dtype=torch.float64))
    ratio = turned[:2, 1] / turned[:2, 0] / (rows[:2, 1] / rows[:2, 0])
    assert ratio.tolist() == pytest.approx([0.7 / 0.2 * 2.4 / 0.6] * 2)
    assert not turned[:, 2].any()
    lost = to_shares(rows, torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64))
    assert lost[2].tolist() == [1, 0, 0]  # nothing would be left of it
    faint = to_shares(torch.tensor([[1.0, 1e-317], [1.0, 0.0]], dtype=torch.float64), torch.full((2,), 0.5))
    assert faint.tolist() == [[1, 0], [1, 0]]  # half over a subnormal number would be infinite
    assert sharpen(torch.tensor([[1e-30, 1e-31]]), 3.0).tolist() == [pytest.approx([1 / 1.001, 0.001 / 1.001])]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 20),
    st.integers(1, 5),
    st.sampled_from([0.0, 0.5, 0.9, 1.0]),
    st.sampled_from([torch.float64, torch.float32, torch.float16, torch.bfloat16]),
    st.sampled_from([1e-6, 0.3, 1e6]),
    st.sampled_from([0.0, 1.0, 1e3]),
)
@example(4, 4, 0.5, torch.float64, 1e-6, 1e3)  # a class with a subnormal probability
def test_hostile_batches_are_finite(n, classes, unlabelled, dtype, sigma, scale):
    x, logits, labels = batch(n, classes, seed=n, unlabelled=unlabelled, dtype=dtype)
    logits = (logits.detach() * scale).requires_grad_()
    uniform = {"class_shares": "uniform"}
    for loss in (
        agreement(DenseGaussian(sigma), **uniform),
        agreement(KNNGaussian(2, sigma), **uniform),
        SelfTraining(**uniform),
    ):
        for _ in range(2):  # the second time with a memory
            value = loss(x * scale, logits, labels)
            value.backward()
            assert bool(value.isfinite())
            assert bool(logits.grad.isfinite().all())
            logits.grad = None


def test_nothing_to_agree_with_is_zero_with_a_gradient_path():
    x, logits, labels = batch()
    for given_labels in (torch.zeros_like(labels), torch.full_like(labels, -100)):
        value = agreement()(x, logits, given_labels)
        value.backward()
        assert float(value) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": 0}, "weight=0, expected a finite number above 0"),
        ({"sharpness": math.inf}, "sharpness=inf, expected a finite number above 0"),
        ({"start": -1}, "start=-1, expected a number of steps"),
        ({"rise": 1.5}, "rise=1.5, expected a number of steps"),
        ({"class_shares": "even"}, 'expected "labels", "uniform", "any" or numbers'),
        ({"class_shares": [0, 0]}, "a finite number of at least 0 for each class"),
        ({"propagation": LabelPropagation}, "is the class LabelPropagation"),
        ({"propagation": PersonalizedPageRank(learned=True)}, "PersonalizedPageRank has parameters to learn"),
        ({"propagation": AttentionPropagation()}, "AttentionPropagation has parameters to learn"),
        ({"propagation": ConvPropagation(GCNConv(3, 3))}, "ConvPropagation has parameters to learn"),
        ({"propagation": CorrectAndSmooth()}, "corrects another model's probabilities, of which the memory has none"),
        ({"memory": -1}, "memory=-1, expected a number of documents"),
        ({"graph": 3}, "graph=3; expected a graph rule"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_arguments_that_cannot_be_are_refused(arguments, message, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(ConfigError, match=message):
        AgreementLoss(**arguments)


def test_what_does_not_fit_is_refused():
    x, logits, labels = batch()
    with pytest.raises(DataError, match="A label is 7"):
        agreement()(x, logits, labels.masked_fill(labels >= 0, 7))
    with pytest.raises(ConfigError, match="class_shares has 2 numbers, but there are 3 classes"):
        agreement(class_shares=[1.0, 1.0]).set_sizes(4, 3)


def test_the_hybrid_adds_it_by_its_strength():
    x, logits, labels = batch()
    unlabelled = SelfTraining(weight=0.8, start=0, rise=2, class_shares="uniform")
    graph_loss = GLoss(DenseGaussian(0.7)).eval()
    loss = HybridLoss(graph_loss, 0.6, unlabelled_loss=unlabelled)
    parts = loss.parts(x, logits, labels)
    assert sorted(parts) == ["classification_loss", "graph_loss", "unlabelled_loss"]
    expected = 0.6 * parts["graph_loss"] + 0.4 * parts["classification_loss"] + 0.4 * parts["unlabelled_loss"]
    torch.testing.assert_close(loss.total(parts), expected)
    alone = HybridLoss(unlabelled_loss=SelfTraining(start=0, rise=0, class_shares="uniform"))
    parts = alone.parts(x, logits, labels)
    torch.testing.assert_close(alone.total(parts), parts["classification_loss"] + 0.5 * parts["unlabelled_loss"])


def test_a_hybrid_of_nothing_is_refused(monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    with pytest.raises(ConfigError, match="neither a graph_loss nor an unlabelled_loss"):
        HybridLoss()
    with pytest.raises(ConfigError, match="expected a loss such as AgreementLoss"):
        HybridLoss(GLoss(), unlabelled_loss=GLoss())
