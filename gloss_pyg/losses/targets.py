"""What a classifier is asked to agree with: class probabilities brought to known shares, and sharpened."""

import torch
from jaxtyping import Float
from torch import Tensor


def to_shares(
    rows: Float[Tensor, "documents classes"], shares: Float[Tensor, " classes"]
) -> Float[Tensor, "documents classes"]:
    r"""Rows whose classes come in given shares, by one factor for each class.

    .. math:: q_{ic} \propto p_{ic} \frac{\pi_c}{\frac{1}{n} \sum_j p_{jc}}

    A class that no row gives any probability to stays without (one whose mean is below the smallest normal number too,
    whose factor could be infinite), and a row that loses all of its probability is as it
    was.

    Source: class mass normalisation of Zhu, Ghahramani, Lafferty 2003, with a row's sum kept at 1.

    Example:
        >>> rows = torch.tensor([[0.8, 0.2], [0.6, 0.4]])
        >>> to_shares(rows, torch.tensor([0.5, 0.5])).round(decimals=3)
        tensor([[0.6320, 0.3680],
                [0.3910, 0.6090]])
    """
    mass = rows.mean(dim=0)
    there = mass >= torch.finfo(mass.dtype).tiny
    turned = rows * torch.where(there, shares / torch.where(there, mass, 1.0), 0.0)
    total = turned.sum(dim=1, keepdim=True)
    return torch.where(total > 0, turned / torch.where(total > 0, total, 1.0), rows)


def sharpen(rows: Float[Tensor, "documents classes"], power: float) -> Float[Tensor, "documents classes"]:
    r"""Rows raised to a power and divided by their sums; above 1 the largest entries grow.

    Example:
        >>> sharpen(torch.tensor([[0.6, 0.4]]), 3).round(decimals=3)
        tensor([[0.7710, 0.2290]])
    """
    largest = rows.amax(dim=1, keepdim=True)  # powers of small numbers would underflow together
    raised = (rows / torch.where(largest > 0, largest, 1.0)).pow(power)
    return raised / raised.sum(dim=1, keepdim=True).clamp(min=torch.finfo(rows.dtype).tiny)
