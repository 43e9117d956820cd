"""The losses beside `GLoss` against their formulas written plainly in float64, and what they share."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hostile_batches import HALF, Case, cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from gloss_pyg.errors import DataError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import (
    BatchAllTriplet,
    EmbeddingLoss,
    GLoss,
    HybridLoss,
    MetricLearning,
    PairwiseCosine,
    SentenceTransformersLoss,
    SupervisedContrastive,
)

LABELS = torch.tensor([0, 1, 0, 2, 1, 0, -100, 3, 1, -1])


def supervised_contrastive(x: Tensor, y: list[int], tau: float = 0.1) -> Tensor:
    rows = x / x.norm(dim=1, keepdim=True)
    terms = []
    for i in range(len(y)):
        others = [a for a in range(len(y)) if a != i]
        positives = [p for p in others if y[p] == y[i]]
        if positives:
            denominator = torch.stack([(rows[i] @ rows[a] / tau).exp() for a in others]).sum()
            terms.append(
                -sum(((rows[i] @ rows[p] / tau).exp() / denominator).log() for p in positives) / len(positives)
            )
    return torch.stack(terms).mean()


def batch_all_triplet(x: Tensor, y: list[int], margin: float = 5.0) -> Tensor:
    n = range(len(y))
    costs = [
        (x[a] - x[p]).norm() - (x[a] - x[q]).norm() + margin
        for a in n
        for p in n
        for q in n
        if a != p and y[a] == y[p] and y[a] != y[q]
    ]
    positive = [cost for cost in costs if cost > 0]
    return torch.stack(positive).mean() if positive else x.sum() * 0


def pairwise_cosine(x: Tensor, y: list[int]) -> Tensor:
    n = range(len(y))
    errors = [(x[i] @ x[j] / x[i].norm() / x[j].norm() - float(y[i] == y[j])) ** 2 for i in n for j in n if i != j]
    return torch.stack(errors).mean()


PLAIN: list[tuple[EmbeddingLoss, Callable[..., Tensor]]] = [
    (SupervisedContrastive(), supervised_contrastive),
    (SupervisedContrastive(0.03), lambda x, y: supervised_contrastive(x, y, 0.03)),
    (BatchAllTriplet(), batch_all_triplet),
    (BatchAllTriplet(0.3), lambda x, y: batch_all_triplet(x, y, 0.3)),
    (PairwiseCosine(), pairwise_cosine),
    (SentenceTransformersLoss("BatchAllTripletLoss"), batch_all_triplet),
    (SentenceTransformersLoss("CosineSimilarityLoss"), pairwise_cosine),
]


def batch(seed: int, length: float = 1.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (length * torch.randn(len(LABELS), 5, generator=generator, dtype=torch.float64)).requires_grad_()


@pytest.mark.parametrize(("loss", "plain"), PLAIN, ids=lambda part: type(part).__name__)
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_are_the_formula_s(loss: EmbeddingLoss, plain: Any, seed: int) -> None:
    x = batch(seed)
    labelled = LABELS >= 0
    found = loss(x, LABELS)
    expected = plain(x[labelled], LABELS[labelled].tolist())
    torch.testing.assert_close(found, expected, rtol=1e-6, atol=0)
    gradients = [torch.autograd.grad(value, x)[0] for value in (found, expected)]
    assert gradients[1].abs().max() > 1e-3
    torch.testing.assert_close(*gradients, rtol=1e-6, atol=1e-9)
    assert not gradients[0][~labelled].any()


@pytest.mark.parametrize("size", [8, 40])
def test_batch_all_triplet_is_that_of_sentence_transformers_in_float32(size: int) -> None:
    generator = torch.Generator().manual_seed(size)
    labels = torch.randint(0, 4, (size,), generator=generator)
    # As embeddings lie that point one way, and two of them alike.
    x = 3 + torch.randn(size, 16, generator=generator)
    x[1] = x[0]
    x.requires_grad_()
    found, theirs = BatchAllTriplet()(x, labels), SentenceTransformersLoss("BatchAllTripletLoss")(x, labels)
    torch.testing.assert_close(found, theirs, rtol=1e-5, atol=0)
    gradients = [torch.autograd.grad(value, x)[0] for value in (found, theirs)]
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-5)


def test_documents_that_are_right_already_count_in_the_mean_of_the_contrastive_loss() -> None:
    """The library's own mean would leave them out once their term underflows, and jump."""
    x = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.01], [-1.0, -0.01], [0.0, 1.0]], dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1, 2])
    for tau in (1.0, 0.01):
        expected = supervised_contrastive(x, labels.tolist(), tau)
        torch.testing.assert_close(SupervisedContrastive(tau)(x, labels), expected, rtol=1e-6, atol=0)


LIBRARY = ["ContrastiveLoss", "MultiSimilarityLoss", "NCALoss", "CircleLoss", "TupletMarginLoss", "FastAPLoss"]
SHARED = {
    "contrastive": SupervisedContrastive,
    "triplet": BatchAllTriplet,
    "cosine": PairwiseCosine,
    **{name: lambda name=name: MetricLearning(name) for name in LIBRARY},
    **{
        name: lambda name=name: SentenceTransformersLoss(name)
        for name in ("BatchHardTripletLoss", "BatchSemiHardTripletLoss", "OnlineContrastiveLoss", "ContrastiveLoss")
    },
}


@pytest.mark.parametrize("make", SHARED.values(), ids=SHARED)
@pytest.mark.parametrize(
    "labels", [[], [0], [-100] * 4, [3, -100], [0, 0, 0], [0, 1, 2], [0, 0, 1]], ids=lambda labels: str(labels)
)
@pytest.mark.parametrize("shape", ["scattered", "equal", "zero"])
def test_degenerate_batches_are_finite_with_a_gradient_path(make: Any, labels: list[int], shape: str) -> None:
    x = torch.randn(len(labels), 4, generator=torch.Generator().manual_seed(0))
    if shape != "scattered":
        x = x[:1].repeat(len(labels), 1) * (shape == "equal")
    x.requires_grad_()
    value = make()(x, torch.tensor(labels, dtype=torch.int64))
    value.backward()
    assert math.isfinite(value.item())
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
    if len([label for label in labels if label >= 0]) < 2:
        assert value.item() == 0
        assert not x.grad.any()


@pytest.mark.parametrize("make", [SupervisedContrastive, BatchAllTriplet, PairwiseCosine])
@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_hostile_batches_are_finite_or_refused(make: Any, data: st.DataObject) -> None:
    case: Case = data.draw(cases())
    x = case.embeddings
    longest = float(x.detach().abs().max()) if x.numel() else 0.0
    try:
        value = make()(x, case.labels)
    except DataError:  # distances that the number format does not hold
        assert make is BatchAllTriplet
        assert longest > 1e15
        return
    value.backward()
    assert math.isfinite(value.item())
    assert value.item() >= 0
    # Half precision may round a gradient that float32 holds to infinity, which gradient scalers look for.
    assert x.grad is not None
    assert bool(x.grad.isfinite().all()) or (x.dtype in HALF and not bool(x.grad.isnan().any()))


@pytest.mark.parametrize(
    "make", [SupervisedContrastive, BatchAllTriplet, PairwiseCosine, lambda: MetricLearning("NCALoss")]
)
def test_half_precision_and_autocast_are_computed_in_float32(make: Any) -> None:
    x = batch(1).detach().float()
    for dtype in HALF:
        half = x.to(dtype).requires_grad_()
        value = make()(half, LABELS)
        assert value.dtype == torch.float32
        assert value.item() == make()(half.detach().float(), LABELS).item()
        value.backward()
        assert half.grad is not None
        assert half.grad.dtype == dtype
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert make()(x, LABELS).item() == make()(x, LABELS).item()
    outside = make()(x, LABELS).item()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert make()(x, LABELS).item() == outside


def test_labels_of_any_integer_type_and_embeddings_that_do_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    loss, x = PairwiseCosine(), batch(0)
    assert loss(x, LABELS.to(torch.int16)) == loss(x, LABELS)
    for wrong, labels, message in (
        (x[None], LABELS, "must be floats of shape"),
        (x.long(), LABELS, "must be floats of shape"),
        (x, LABELS[:3], "one integer class id for each of the 10 documents"),
        (x, LABELS.double(), "one integer class id"),
        (x.detach().index_fill(0, torch.tensor([4]), float("nan")), LABELS, "infinity in 1 of 10 rows .*row 4"),
    ):
        with pytest.raises(DataError, match=message):
            loss(wrong, labels)


@pytest.mark.parametrize("loss", [loss for loss, _ in PLAIN] + [MetricLearning("CircleLoss")])
def test_each_is_the_graph_loss_of_a_hybrid(loss: EmbeddingLoss) -> None:
    x = batch(2)
    logits = torch.zeros(len(LABELS), 4, dtype=torch.float64, requires_grad=True)
    parts = HybridLoss(loss, weight=0.5).parts(x, logits, LABELS)
    assert parts["graph_loss"].item() == loss(x, LABELS).item() > 0
    assert parts["classification_loss"].item() == pytest.approx(math.log(4))


def test_gloss_and_these_are_called_alike() -> None:
    x = batch(3)
    for loss in (GLoss(DenseGaussian(0.5)), SupervisedContrastive(), MetricLearning("ContrastiveLoss")):
        assert loss(x, LABELS).dim() == 0
