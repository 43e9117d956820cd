"""What the losses refuse, each with a sentence that says what to do."""

import math

import torch
from torch import Tensor

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.tensors import check_tensors


def is_number(value: object) -> bool:
    """Whether this is an int or a float; a flag is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_part(part: object, name: str, expected: str) -> None:
    """Refuse what cannot be called as a part of a loss; a class, above all, is called in vain. `None` is a default.

    Raises:
        ConfigError: for both.
    """
    if isinstance(part, type):
        raise ConfigError(f"{name} is the class {part.__name__}; expected an object of it: {part.__name__}(...).")
    if part is not None and not callable(part):
        raise ConfigError(f"{name}={part!r}; expected {expected}.")


def check_positive(part: object, name: str, value: object) -> float:
    """An argument that must be a finite number above 0.

    Raises:
        ConfigError: for anything else.
    """
    if not isinstance(value, int | float) or not is_number(value) or not 0 < value < math.inf:
        raise ConfigError(f"{type(part).__name__}: {name}={value!r}, expected a finite number above 0.")
    return value


def check_embeddings(embeddings: Tensor) -> None:
    """Refuse what is no float matrix.

    Raises:
        DataError: for anything else.
    """
    check_tensors(embeddings=embeddings)
    if embeddings.dim() != 2 or not embeddings.is_floating_point():
        raise DataError(
            f"embeddings must be floats of shape [documents, dim]; got {embeddings.dtype} of shape "
            f"{tuple(embeddings.shape)}. Token states [documents, tokens, dim] must be pooled first."
        )


def class_ids(labels: Tensor, embeddings: Tensor) -> Tensor:
    """Labels as int64, of whatever integer type they came.

    Raises:
        DataError: for labels that are no integers, or not one for each row of the embeddings.
    """
    check_tensors(embeddings=embeddings, labels=labels)
    documents = embeddings.size(0)
    if labels.shape != (documents,) or labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        raise DataError(
            f"labels must be one integer class id for each of the {documents} documents; got {labels.dtype} of shape "
            f"{tuple(labels.shape)}."
        )
    return labels.long()


def check_rows(logits: Tensor, labels: Tensor) -> None:
    """Refuse logits that are not a row for each label.

    Raises:
        DataError: for those.
    """
    check_tensors(logits=logits)
    if logits.shape[:1] != labels.shape:
        raise DataError(
            f"logits of shape {tuple(logits.shape)} came with {labels.numel()} labels; expected a row for each "
            "document, of the same batch as embeddings and labels."
        )


def check_logits(logits: Tensor, labels: Tensor, class_weights: Tensor | None) -> None:
    """Refuse logits that do not fit the labels or the class weights.

    Raises:
        DataError: for logits that are no float matrix or not a row for each label, labels beyond its columns, or not a
            weight for each column.
    """
    check_rows(logits, labels)
    if logits.dim() != 2 or not logits.is_floating_point():
        raise DataError(
            f"logits must be floats of shape [documents, classes]; got {logits.dtype} of shape {tuple(logits.shape)}."
        )
    classes = logits.size(1)
    largest = int(labels.max()) if labels.numel() else -1
    if largest >= classes:
        raise DataError(
            f"A label is {largest}, but the logits have {classes} classes, 0 to {classes - 1}. Give the classifier as "
            "many outputs as there are classes (num_labels, label_names)."
        )
    if class_weights is not None and class_weights.numel() != classes:
        raise DataError(
            f"class_weights has {class_weights.numel()} weights and the logits have {classes} classes; give one weight "
            "for each class, in the order of class ids."
        )


def check_finite(loss: Tensor, logits: Tensor) -> None:
    """Refuse a loss that is not finite; logits of minus infinity for other classes than the label's are no such case.

    Raises:
        DataError: for one that is not.
    """
    if not bool(loss.isfinite()):
        wrong = int((~logits.isfinite()).any(dim=1).sum())
        raise DataError(
            f"The cross-entropy is {float(loss.detach())}: of {logits.size(0)} rows of logits {wrong} hold NaN or "
            "infinity. Usually training has diverged; lower the learning rate, or train in bf16 in place of fp16."
        )
