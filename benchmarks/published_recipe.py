"""The published recipe of the graph loss, written afresh from its description, for benchmarks to compare with.

The graph is made in float64 from float32 distances, symmetrised by adding its transpose, normalised by products with
diagonal matrices (or, kinder to it, by broadcasting their diagonals), solved by a dense inverse, and the propagated
probabilities go into cross-entropy as if they were logits. Autograd does the rest.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def published_loss(
    embeddings: Tensor, labels: Tensor, mask: Tensor, *, sigma: float, num_classes: int, broadcast: bool = False
) -> Tensor:
    """Cross-entropy of the propagated probabilities taken as logits, over the hidden documents."""
    ordered = torch.cat([embeddings[mask], embeddings[~mask]])
    seen = int(mask.sum())
    rows = ordered / ordered.norm(dim=1, keepdim=True)
    weights = torch.exp(-(torch.cdist(rows, rows) ** 2) / (2 * sigma**2))
    weights = (weights - torch.diag(torch.diag(weights))).to(torch.float64)
    weights = weights + weights.t()
    root = weights.sum(dim=1).pow(-0.5)
    normalised = root[:, None] * weights * root if broadcast else torch.diag(root) @ weights @ torch.diag(root)
    transition = normalised / normalised.sum(dim=0, keepdim=True)
    transition = transition / transition.sum(dim=1, keepdim=True)
    seeds = F.one_hot(labels[mask], num_classes).to(torch.float64)
    identity = torch.eye(len(rows) - seen, dtype=torch.float64, device=rows.device)
    propagated = torch.linalg.inv(identity - transition[seen:, seen:]) @ transition[seen:, :seen] @ seeds
    return F.cross_entropy(propagated, labels[~mask])
