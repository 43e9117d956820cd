"""Which seeds are tied to which nodes, and how strongly: what a layer's rows are checked against."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from gloss_pyg.testing.example import Example


def path_strength(example: Example, *, absorbing: bool, hops: int | None) -> Float[Tensor, "nodes classes"]:
    """How strongly the seeds of each class are tied to each node: minus infinity where no path leads.

    The logarithm of the largest product of relative weights `w_ij / max(d_i, d_j)` over paths of at most `hops` edges
    that pass no seed where the layer is absorbing. It bounds from below what a layer that divides by degrees can lose
    to rounding.
    """
    n = example.y.size(0)
    dense = torch.zeros(n, n, dtype=torch.float64)
    source, target = example.edge_index.cpu()
    dense.index_put_((target, source), example.edge_weight.detach().double().cpu(), accumulate=True)
    degree = torch.maximum(dense.sum(dim=0), dense.sum(dim=1))
    relative = (dense / torch.maximum(degree[:, None], degree).clamp(min=math.ulp(0.0))).log()
    own = torch.where(example.seeds.detach().cpu() > 0, 0.0, -torch.inf).double()
    found, relay = own, ~example.mask.cpu()[:, None]
    for _ in range(n if hops is None else min(hops, n)):
        senders = torch.maximum(own, torch.where(relay, found, -torch.inf)) if absorbing else found
        grown = torch.maximum(found, (relative[:, :, None] + senders).amax(dim=1))
        if torch.equal(grown, found):
            break
        found = grown
    return found
