"""The bandwidth under which labelled documents tell each other's labels best."""

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from gloss_pyg.errors import DataError
from gloss_pyg.graph.distances import squared_distances, unit_rows

# Unit rows are at most 2 apart; below the first number only equal rows weigh anything.
SMALLEST, LARGEST, CANDIDATES = 0.02, 2.0, 93  # five per cent apart
# Documents that judge each other: as many as a batch has labelled ones, or some of each class; and groups at most.
GROUP, PER_CLASS, GROUPS = 32, 4, 64
# Losses that differ by less are taken for equal, and the widest kernel of them is best connected.
EQUAL = 0.01


@torch.no_grad()
def leave_one_out_sigma(embeddings: Float[Tensor, "documents dim"], labels: NDArray[np.int64]) -> float:
    r"""Bandwidth with the lowest leave-one-out loss of the labelled documents, by the kernel's own vote.

    .. math:: L(\sigma) = -\frac{1}{n} \sum_i \log
        \frac{\sum_{j \ne i, y_j = y_i} w_\sigma(x_i, x_j)}{\sum_{j \ne i} w_\sigma(x_i, x_j)}, \qquad
        w_\sigma(x_i, x_j) = \exp\left(-\frac{\|x_i - x_j\|^2}{2 \sigma^2}\right)

    Documents judge each other in groups of the size that batches have, since the more documents there are, the
    narrower a kernel may be. No document without a label and none of validation or test is looked at.

    Args:
        embeddings: Pretrained embeddings of the training documents, `[n, d]`, not yet normalised.
        labels: Class ids, `[n]`, negative where there is none.

    Returns:
        A number from 0.02 to 2: of those within 0.01 of the lowest loss the largest.

    Raises:
        DataError: where no two labelled documents are of one class, or an embedding is not finite.

    Source: leave-one-out error for the weights of label propagation, Zhang & Lee, "Hyperparameter Learning for Graph
    Based Semi-supervised Learning Algorithms", NeurIPS 2006; there by descent through the propagation, here by the
    vote of the neighbours, on a grid.

    Example:
        >>> rows = torch.tensor([[1.0, 0.0], [0.95, 0.05], [0.0, 1.0], [0.1, 0.9]])
        >>> round(leave_one_out_sigma(rows, np.array([0, 0, 1, 1])), 2)
        0.4
    """
    ids = torch.as_tensor(np.asarray(labels))
    known = (ids >= 0).nonzero().squeeze(1)
    rows, ids = unit_rows(embeddings.detach().cpu()[known].double())[0], ids[known]
    classes = int(ids.unique().numel())
    order = torch.randperm(len(ids), generator=torch.Generator().manual_seed(0))
    groups = order.tensor_split(max(-(-len(ids) // max(GROUP, PER_CLASS * classes)), 1))[:GROUPS]
    sigmas = torch.logspace(np.log10(SMALLEST), np.log10(LARGEST), CANDIDATES, dtype=torch.float64)
    total, count = torch.zeros_like(sigmas), 0
    for group in groups:
        same = ids[group][:, None] == ids[group]
        same.fill_diagonal_(fill_value=False)
        asked = same.any(dim=1)
        count += int(asked.sum())
        exponents = -squared_distances(rows[group])[asked] / 2
        exponents[~same[asked] & torch.eye(len(group), dtype=torch.bool)[asked]] = -torch.inf  # itself
        own = exponents.masked_fill(~same[asked], -torch.inf)
        for place, sigma in enumerate(sigmas):
            total[place] += (exponents / sigma**2).logsumexp(1).sub((own / sigma**2).logsumexp(1)).sum()
    if not count:
        raise DataError(
            f'sigma="leave-one-out" compares labelled documents of one class, and of {len(ids)} with a label no two '
            "are of the same. Give more labels, or sigma as a number."
        )
    losses = total / count
    return float(sigmas[losses <= losses.min() + EQUAL].max())
