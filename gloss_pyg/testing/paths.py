"""Which seeds are tied to which nodes, and how strongly: what a layer's rows are checked against."""

import torch
from jaxtyping import Float
from torch import Tensor

from gloss_pyg.graph.log_weights import leads, log_weights, logarithms
from gloss_pyg.propagation.solvers.components import components_of_matrix
from gloss_pyg.testing.example import Example


def path_strength(
    example: Example, *, absorbing: bool, hops: int | None, reads_logarithms: bool = False
) -> Float[Tensor, "nodes classes"]:
    """How strongly the seeds of each class are tied to each node: minus infinity where no path leads.

    The logarithm of the largest product of relative weights `w_ij / max(d_i, d_j)` over paths of at most `hops` edges
    that pass no seed where the layer is absorbing. It bounds from below what a layer that divides by degrees can lose
    to rounding. Where labels pass through seeds they may also fade, at a rate in proportion to the mean degree of the
    connected component, which then stands beside the two degrees. For a layer that reads logarithms, edges count whose
    weight has vanished while its logarithm is known.
    """
    n = example.y.size(0)
    dense = _logarithms(example, reads_logarithms=reads_logarithms)
    degree = torch.maximum(dense.logsumexp(dim=0), dense.logsumexp(dim=1))
    if not absorbing:
        degree = torch.maximum(degree, _log_mean(degree, components_of_matrix((dense > -torch.inf).double())))
    relative = torch.where(dense > -torch.inf, dense - torch.maximum(degree[:, None], degree), -torch.inf)
    own = torch.where(example.seeds.detach().cpu() > 0, 0.0, -torch.inf).double()
    found, relay = own, ~example.mask.cpu()[:, None]
    for _ in range(n if hops is None else min(hops, n)):
        senders = torch.maximum(own, torch.where(relay, found, -torch.inf)) if absorbing else found
        grown = torch.maximum(found, (relative[:, :, None] + senders).amax(dim=1))
        if torch.equal(grown, found):
            break
        found = grown
    return found


def _log_mean(logarithms: Tensor, component: Tensor) -> Tensor:
    """For each node the logarithm of its component's mean, from the logarithms of what is averaged."""
    same = component == component[:, None]
    return logarithms.masked_fill(~same, -torch.inf).logsumexp(dim=1) - same.double().sum(dim=1).log()


@torch.no_grad()
def _logarithms(example: Example, *, reads_logarithms: bool) -> Tensor:
    """`log W`, minus infinity where there is no edge."""
    n, weight = example.y.size(0), example.edge_weight
    source, target = example.edge_index.cpu()
    if not reads_logarithms or logarithms.get(weight) is None:
        dense = torch.zeros(n, n, dtype=torch.float64)
        return dense.index_put_((target, source), weight.double().cpu(), accumulate=True).log()
    chosen = leads(weight).nonzero().squeeze(1)
    known = torch.full((n, n), -torch.inf, dtype=torch.float64)
    known[target[chosen.cpu()], source[chosen.cpu()]] = log_weights(weight, chosen).double().cpu()
    return known
