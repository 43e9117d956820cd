"""What losses refuse with a sentence, and labels of every integer type, which they take."""

from typing import Any

import jaxtyping
import numpy as np
import pytest
import torch

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian, MutualKNNGaussian, TopK
from gloss_pyg.losses import (
    ClassificationLoss,
    FocalLoss,
    GLoss,
    HybridLoss,
    PublishedCode,
    SelfTraining,
    StandaloneLoss,
    SupervisedContrastive,
    stratified_mask,
)
from gloss_pyg.propagation import CorrectAndSmooth, LabelPropagation

LABELS = torch.tensor([0, 1, 0, 1])
EMBEDDINGS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1], [0.1, 1.0]])
GRAPH_LOSS = GLoss(DenseGaussian(0.5))
CORRECTED = GLoss(DenseGaussian(0.5), CorrectAndSmooth())
LOGITS = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.5, 0.0], [0.0, 2.0]])


@pytest.fixture
def as_users_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the run-time type checks of the tests."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8])
@pytest.mark.parametrize("objective", [None, PublishedCode([1.0, 2.0])])
def test_labels_may_be_of_any_integer_type(dtype: torch.dtype, objective: Any) -> None:
    graph_loss = GLoss(DenseGaussian(0.5), objective=objective).eval()
    for classification in (None, torch.nn.CrossEntropyLoss()):
        loss = HybridLoss(graph_loss, classification_loss=classification)
        value = loss(EMBEDDINGS, LOGITS, LABELS.to(dtype))
        assert float(value) == float(loss(EMBEDDINGS, LOGITS, LABELS)) > 0
    assert graph_loss(EMBEDDINGS, LABELS.to(dtype)) == graph_loss(EMBEDDINGS, LABELS)


@pytest.mark.parametrize("labels", [LABELS.float(), LABELS.bool(), LABELS[:3], LABELS[:, None]])
@pytest.mark.parametrize("loss", [ClassificationLoss(), HybridLoss(GLoss(DenseGaussian(0.5)))])
def test_labels_that_are_no_class_ids(loss: Any, labels: torch.Tensor, as_users_have_it: None) -> None:
    with pytest.raises(DataError, match="one integer class id for each of the 4 documents; got torch"):
        loss(EMBEDDINGS, LOGITS, labels)


@pytest.mark.parametrize(
    ("loss", "logits", "labels", "message"),
    [
        (ClassificationLoss(), LOGITS, LABELS + 1, "A label is 2, but the logits have 2 classes"),
        (ClassificationLoss([1.0]), LOGITS, LABELS, "class_weights has 1 weights and the logits have 2 classes"),
        (ClassificationLoss([1.0] * 3), LOGITS, LABELS, "class_weights has 3 weights"),
        (ClassificationLoss(), LOGITS.long(), LABELS, "logits must be floats"),
        (ClassificationLoss(), LOGITS[:, 0], LABELS, "logits must be floats of shape"),
        (ClassificationLoss(), LOGITS * float("inf"), LABELS, "4 hold NaN or infinity. Usually training has diverged"),
        (ClassificationLoss(), LOGITS + torch.tensor([0.0, float("inf")]), LABELS, "lower the learning rate"),
    ],
)
def test_logits_and_weights_that_do_not_fit(
    loss: Any, logits: Any, labels: Any, message: str, as_users_have_it: None
) -> None:
    with pytest.raises(DataError, match=message):
        loss(EMBEDDINGS, logits, labels)


TENSOR = "must be a tensor; got"


@pytest.mark.parametrize(
    ("compute", "message"),
    [
        (lambda: GRAPH_LOSS(EMBEDDINGS, ["a"] * 4), f"labels {TENSOR} list of text. Names of classes need ids"),
        (lambda: GRAPH_LOSS(EMBEDDINGS, np.array(["a"] * 4)), f"labels {TENSOR} ndarray of text"),
        (lambda: GRAPH_LOSS(EMBEDDINGS, [0, 1, 0, 1]), rf"labels {TENSOR} list. Give torch.as_tensor\(labels\)"),
        (lambda: GRAPH_LOSS(EMBEDDINGS, LABELS.numpy()), f"labels {TENSOR} ndarray"),
        (lambda: GRAPH_LOSS(EMBEDDINGS, None), f"labels {TENSOR} NoneType"),
        (lambda: GRAPH_LOSS(EMBEDDINGS.numpy(), LABELS), f"embeddings {TENSOR} ndarray"),
        (lambda: GRAPH_LOSS(EMBEDDINGS, LABELS, mask=[True] * 4), f"mask {TENSOR} list"),
        (lambda: CORRECTED(EMBEDDINGS, LABELS, base=LOGITS.softmax(1).tolist()), f"base {TENSOR} list"),
        (lambda: HybridLoss(GRAPH_LOSS)(EMBEDDINGS.numpy(), LOGITS, LABELS), f"embeddings {TENSOR} ndarray"),
        (lambda: HybridLoss(GRAPH_LOSS)(EMBEDDINGS, LOGITS.numpy(), LABELS), f"logits {TENSOR} ndarray"),
        (lambda: ClassificationLoss()(EMBEDDINGS, LOGITS, LABELS.tolist()), f"labels {TENSOR} list"),
        (lambda: SupervisedContrastive()(EMBEDDINGS.tolist(), LABELS), f"embeddings {TENSOR} list"),
        (lambda: StandaloneLoss(GRAPH_LOSS)(EMBEDDINGS, LOGITS, LABELS.tolist()), f"labels {TENSOR} list"),
        (lambda: stratified_mask(LABELS.tolist(), 0.5), f"labels {TENSOR} list"),
    ],
)
def test_lists_and_arrays_in_place_of_tensors(compute: Any, message: str, as_users_have_it: None) -> None:
    with pytest.raises(DataError, match=message):
        compute()


@pytest.mark.parametrize(
    "loss",
    [
        ClassificationLoss(),
        FocalLoss(),
        HybridLoss(GRAPH_LOSS),
        HybridLoss(GRAPH_LOSS, classification_loss=torch.nn.CrossEntropyLoss()),
        HybridLoss(unlabelled_loss=SelfTraining(class_shares="any")),
    ],
)
def test_logits_of_another_batch(loss: Any, as_users_have_it: None) -> None:
    with pytest.raises(DataError, match=r"logits of shape \(3, 2\) came with 4 labels"):
        loss(EMBEDDINGS, LOGITS[:3], LABELS)


def test_a_class_ruled_out_by_minus_infinity_is_no_error() -> None:
    logits = torch.tensor([[1.0, 0.0, -float("inf")]] * 4, requires_grad=True)
    value = ClassificationLoss()(EMBEDDINGS, logits, LABELS)
    value.backward()
    assert bool(value.isfinite())
    assert logits.grad is not None
    assert bool(logits.grad.isfinite().all())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GLoss(0.5), r"graph=0.5; expected a graph rule, such as DenseGaussian\(sigma=0.5\)"),
        (lambda: GLoss(DenseGaussian), r"graph is the class DenseGaussian; .*: DenseGaussian\(...\)"),
        (lambda: GLoss(propagation=LabelPropagation), "propagation is the class LabelPropagation"),
        (lambda: GLoss(propagation="direct"), "propagation='direct'; expected a propagation layer"),
        (lambda: GLoss(labelled_fraction="0.5"), "labelled_fraction='0.5': expected a number"),
        (lambda: GLoss(labelled_fraction=True), "labelled_fraction=True: expected a number"),
        (lambda: GLoss(num_classes=2.5), "num_classes=2.5: expected a whole number"),
        (lambda: GLoss(objective=PublishedCode), "expected an Objective"),
        (lambda: HybridLoss(0.7), "graph_loss=0.7; expected a loss"),
        (lambda: HybridLoss(GLoss), "graph_loss is the class GLoss"),
        (lambda: HybridLoss(GLoss(), weight="0.5"), "weight='0.5'"),
        (lambda: HybridLoss(GLoss(), classification_loss=ClassificationLoss), "is the class ClassificationLoss"),
        (lambda: DenseGaussian(None), "sigma=None: expected a number"),
        (lambda: KNNGaussian(2.5), "k=2.5, expected at least 1 neighbour, a whole"),
        (lambda: MutualKNNGaussian("3"), "k=.3., expected at least 1 neighbour"),
        (lambda: TopK(None), "k=None, expected at least 1 edge"),
    ],
)
def test_parts_of_the_wrong_kind(make: Any, message: str, as_users_have_it: None) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
