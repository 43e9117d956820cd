"""Label budgets: how many training documents keep their labels, and what becomes of the others."""

import numpy as np

from gloss_pyg.data.checks import NO_CLASS_HINT, Documents
from gloss_pyg.data.labels import sort_classes
from gloss_pyg.data.request import Unlabelled
from gloss_pyg.data.split import proportional_quota
from gloss_pyg.errors import DataError


def apply_budget(
    train: Documents,
    *,
    train_size: int | float | None,
    labels_per_class: int | None,
    unlabelled: Unlabelled,
    seed: int,
) -> tuple[Documents, list[str]]:
    """Keep the labels of a drawn part of the training documents; drop the others, or keep them without a label.

    With `train_size` the draw is stratified: every class keeps at least one document, the others in proportion.
    With `labels_per_class` each class keeps that many, or all it has where it has fewer. The order of the documents
    stays, and equal seeds draw equal parts. A draw with a larger budget and the same seed contains the smaller one
    when both are numbers of labels a class.

    Returns:
        The training documents, and notes on classes that are short and on documents that were dropped unlabelled.

    Raises:
        DataError: if `train_size` is more than the labelled documents, or fewer than the classes.
    """
    names = sort_classes({label for label in train.labels if label is not None})
    number = {name: index for index, name in enumerate(names)}
    classes = np.array([-1 if label is None else number[label] for label in train.labels], dtype=np.int64)
    counts = np.bincount(classes[classes >= 0], minlength=len(names))
    notes: list[str] = []
    if train_size is not None:
        total = _total(train_size, int(counts.sum()), len(names))
        quota = proportional_quota(counts, total, np.ones_like(counts), counts)
    elif labels_per_class is not None:
        quota = np.minimum(counts, labels_per_class)
        short = [f"'{names[index]}' ({counts[index]})" for index in np.flatnonzero(counts < labels_per_class)]
        if short:
            listed = ", ".join(short[:10]) + (f" and {len(short) - 10} more" if len(short) > 10 else "")
            notes.append(
                f"{len(short)} of {len(names)} classes have fewer than labels_per_class={labels_per_class} training "
                f"documents and give all they have: {listed}"
            )
    else:
        quota = counts
    generator = np.random.default_rng(seed)
    labelled = np.zeros(len(classes), dtype=bool)
    for index, size in enumerate(quota):
        labelled[generator.permutation(np.flatnonzero(classes == index))[:size]] = True
    bare = int((classes < 0).sum())
    if unlabelled == "keep":
        kept = [label if seen else None for label, seen in zip(train.labels, labelled, strict=True)]
        return Documents(train.texts, kept), notes
    if bare:
        notes.append(
            f"{bare} training documents without a label (-1) were dropped; unlabelled='keep' keeps them for losses "
            f"that can use them. -1 means that there is no label; {NO_CLASS_HINT}"
        )
    chosen = np.flatnonzero(labelled)
    return Documents([train.texts[index] for index in chosen], [train.labels[index] for index in chosen]), notes


def _total(train_size: int | float, available: int, classes: int) -> int:
    total = round(train_size * available) if isinstance(train_size, float) else train_size
    if total > available:
        raise DataError(f"train_size={train_size}, but only {available} training documents have a label.")
    if total < classes:
        raise DataError(
            f"train_size={train_size} gives {total} training documents for {classes} classes; every class needs one, "
            f"so give at least {classes}."
        )
    return total
