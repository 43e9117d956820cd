"""`MetricLearning` and `SentenceTransformersLoss`: any class by path, its sizes from the model, and what is refused."""

import sys
from typing import Any

import jaxtyping
import pytest
import torch
from pytorch_metric_learning import distances, losses
from sentence_transformers.sentence_transformer import losses as st_losses

from gloss_pyg.errors import ConfigError, DataError, MissingExtraError
from gloss_pyg.losses import HybridLoss, MetricLearning, SentenceTransformersLoss, SupervisedContrastive
from gloss_pyg.training.sizes import tell_sizes

LABELS = torch.tensor([0, 1, 0, 2, 1, 0, -100, 2])
X = torch.randn(8, 6, generator=torch.Generator().manual_seed(0))


def test_a_specification_with_parts_of_its_own_is_that_object() -> None:
    distance = {"class_path": "LpDistance", "init_args": {"normalize_embeddings": False}}
    path = "pytorch_metric_learning.losses.TripletMarginLoss"
    made = losses.TripletMarginLoss(margin=2, distance=distances.LpDistance(normalize_embeddings=False))
    expected = made(X[LABELS >= 0], LABELS[LABELS >= 0])
    found = MetricLearning(path, {"margin": 2, "distance": distance})
    assert found(X, LABELS) == MetricLearning(made)(X, LABELS) == expected > 0


PUBLIC = sorted(
    name
    for name, cls in vars(losses).items()
    if isinstance(cls, type)
    and issubclass(cls, losses.BaseMetricLossFunction)
    and name not in ("BaseMetricLossFunction", "GenericPairLoss", "VICRegLoss", "ManifoldLoss")
)
ARGUMENTS = {"RankedListLoss": {"margin": 0.4, "Tn": 10}}


@pytest.mark.parametrize("name", PUBLIC)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_loss_of_the_library_works_by_its_name(name: str) -> None:
    torch.manual_seed(0)
    loss = MetricLearning(name, ARGUMENTS.get(name))
    tell_sizes(loss, 6, 3)
    assert not loss.open_sizes
    x = X.clone().requires_grad_()
    labels = torch.tensor([0, 0, 1, 1, 2, 2, -100, -100])  # SmoothAP wants classes of one size
    value = loss(x, labels)
    value.backward()
    assert x.grad is not None
    assert bool(x.grad.isfinite().all())
    assert x.grad[:6].any()
    assert not x.grad[6:].any()


@pytest.mark.parametrize(
    "name", ["ArcFaceLoss", "ProxyAnchorLoss", "CosFaceLoss", "SubCenterArcFaceLoss", "P2SGradLoss"]
)
def test_losses_with_a_vector_for_each_class_take_their_sizes_from_the_model(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    loss = MetricLearning(name)
    with pytest.raises(ConfigError, match="must know how wide it is"):
        loss(X, LABELS)
    with pytest.raises(ConfigError, match="set_sizes"):
        tell_sizes(loss, None, None)
    hybrid = HybridLoss(loss)
    assert not list(hybrid.parameters())
    tell_sizes(hybrid, 6, 3)
    tell_sizes(hybrid, 6, 3)
    assert sum(parameter.numel() for parameter in hybrid.parameters()) % 18 == 0
    assert next(hybrid.parameters()).numel()
    hybrid(X, torch.zeros(8, 3), LABELS).backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in hybrid.parameters())
    with pytest.raises(DataError, match=r"A label is 3, but .* has 3 classes"):
        loss(X, LABELS + (LABELS == 2).long())
    with pytest.raises(ConfigError, match="num_classes=3, but there are 4 classes"):
        tell_sizes(hybrid, 6, 4)
    with pytest.raises(ConfigError, match=r"(embedding_size|descriptors_dim)=6, but embeddings have 7 columns"):
        tell_sizes(hybrid, 7, 3)


def test_sizes_that_were_given_are_checked() -> None:
    for loss in (
        MetricLearning("ArcFaceLoss", {"num_classes": 5}),
        MetricLearning(losses.ArcFaceLoss(5, 6)),
    ):
        with pytest.raises(ConfigError, match="num_classes=5, but there are 3 classes"):
            tell_sizes(loss, 6, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MetricLearning("SupCon"), "no class 'SupCon'. Did you mean 'SupConLoss'"),
        (lambda: MetricLearning("torch.nn.Linear"), "Linear is no loss of embeddings and labels alone"),
        (lambda: MetricLearning("no.such.Thing"), "pytorch_metric_learning has no class 'no.such.Thing'"),
        (lambda: MetricLearning("CrossBatchMemory"), "CrossBatchMemory is no loss of embeddings and labels alone"),
        (lambda: MetricLearning("VICRegLoss"), "VICRegLoss is no loss of embeddings and labels"),
        (lambda: MetricLearning(torch.nn.Linear(2, 2)), "Linear is no loss"),
        (lambda: MetricLearning(7), "loss=7, expected the class path of a loss"),
        (lambda: MetricLearning(losses.SupConLoss(), {"temperature": 1.0}), "for a loss given by class path"),
        (
            lambda: MetricLearning("SupConLoss", {"distance": {"class_path": "LpDistance", "init_args": 3}}),
            "expected the name of a class, or class_path and init_args",
        ),
        (
            lambda: MetricLearning("ArcFaceLoss", {"margn": 3}),
            "ArcFaceLoss has no argument 'margn'. Did you mean 'margin'",
        ),
        (lambda: MetricLearning("RankedListLoss"), "RankedListLoss needs the argument margin"),
        (
            lambda: MetricLearning("SupConLoss", {"distance": {"class_path": "Lp"}}),
            "no class 'Lp'",
        ),
        (lambda: SentenceTransformersLoss("TripletLoss"), "cannot be computed from embeddings and class labels alone"),
        (lambda: SentenceTransformersLoss("MultipleNegativesRankingLoss"), "take one of BatchAllTripletLoss, "),
        (lambda: SentenceTransformersLoss("BatchHard"), "Did you mean 'BatchHard"),
        (
            lambda: SentenceTransformersLoss(st_losses.BatchHardTripletLoss(torch.nn.Linear(2, 2))),
            "holds a model of its own",
        ),
        (lambda: SupervisedContrastive(0.0), "temperature=0.0, expected a finite number above 0"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(make: Any, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ConfigError, match=message):
        make()


def test_what_the_library_refuses_in_a_batch_is_told() -> None:
    with pytest.raises(DataError, match="SmoothAPLoss cannot use a batch of 7: All classes must have the same number"):
        MetricLearning("SmoothAPLoss")(X, LABELS)


def test_sentence_transformers_losses_are_theirs() -> None:
    kept = LABELS >= 0
    path = "sentence_transformers.sentence_transformer.losses.BatchHardTripletLossDistanceFunction.cosine_distance"
    cosine = st_losses.BatchHardTripletLossDistanceFunction.cosine_distance
    named = SentenceTransformersLoss("BatchHardTripletLoss", {"margin": 1.0, "distance_metric": path})
    theirs = st_losses.BatchHardTripletLoss(None, distance_metric=cosine, margin=1.0)
    expected = theirs.compute_loss_from_embeddings([X[kept]], LABELS[kept])
    assert named(X, LABELS) == SentenceTransformersLoss(theirs)(X, LABELS) == expected > 0
    pairs = [(i, j) for i in range(8) for j in range(i + 1, 8) if kept[i] and kept[j]]
    left, right = ([pair[side] for pair in pairs] for side in range(2))
    contrastive = st_losses.ContrastiveLoss(None)
    expected = contrastive.compute_loss_from_embeddings([X[left], X[right]], (LABELS[left] == LABELS[right]).float())
    assert SentenceTransformersLoss("ContrastiveLoss")(X, LABELS).item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("make", "package", "extra"),
    [
        (SupervisedContrastive, "pytorch_metric_learning.losses", "metric"),
        (lambda: MetricLearning("SupConLoss"), "pytorch_metric_learning.losses", "metric"),
        (lambda: SentenceTransformersLoss("x"), "sentence_transformers.sentence_transformer.losses", "st"),
    ],
)
def test_an_absent_package_is_told_with_its_extra(
    make: Any, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "gloss-pyg\[{extra}\]"'):
        make()
