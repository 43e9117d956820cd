"""Which labels of a batch are seen, and which are hidden for propagation to infer."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from gloss_pyg.graph.tensors import check_tensors


def stratified_mask(
    labels: Int[Tensor, " documents"], labelled_fraction: float, generator: torch.Generator | None = None
) -> Bool[Tensor, " documents"]:
    """Draw the documents whose labels stay seen: about `labelled_fraction` of each class, true where seen.

    A class with two documents or more keeps at least one seen and at least one hidden; a class with one keeps it seen,
    since hidden it could not be inferred. Where every class has one document, one of them is hidden all the same, so
    that of two labelled documents or more something is always hidden. Fractions are rounded at random, so that
    `labelled_fraction` is met on average. Unlabelled documents (negative labels) are never seen.

    Args:
        labels: Class ids; negative where a document has no label.
        labelled_fraction: Share of each class to be seen, between 0 and 1.
        generator: Source of randomness, on the CPU; torch's global one by default.

    Raises:
        DataError: for labels that are no tensor.

    Example:
        >>> labels = torch.tensor([0, 0, 0, 0, 1, 1, 2, -100])
        >>> mask = stratified_mask(labels, 0.5, torch.Generator().manual_seed(0))
        >>> [int(mask[labels == label].sum()) for label in (0, 1, 2, -100)]
        [2, 1, 1, 0]
    """
    check_tensors(labels=labels)
    labels_here = labels.cpu()
    mask = torch.zeros(labels_here.size(0), dtype=torch.bool)
    labelled = (labels_here >= 0).nonzero().squeeze(1)
    n = labelled.numel()
    if n == 0:
        return mask.to(labels.device)
    # Class ids may be far apart (class 7000 of 10,000 in a batch of 32); what counts is which documents share one.
    classes = labels_here[labelled].unique(return_inverse=True)[1]
    shuffle, rounding = torch.rand(2, n, generator=generator)
    order = (classes.double() + shuffle).argsort()  # by class first, at random within it
    sizes = torch.bincount(classes)
    rank = torch.arange(n) - (sizes.cumsum(0) - sizes)[classes[order]]
    seen = (sizes * labelled_fraction + rounding[: sizes.numel()]).long()
    seen = torch.where(sizes > 1, torch.minimum(seen.clamp(min=1), sizes - 1), sizes)
    chosen = rank < seen[classes[order]]
    if n > 1 and bool(chosen.all()):
        chosen[int(shuffle[0] * n)] = False
    mask[labelled[order]] = chosen
    return mask.to(labels.device)
