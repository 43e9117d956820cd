"""Room for weights near zero, whose gradients leave float32's range."""

import torch
from torch import Tensor

from gloss_pyg.graph.edges import is_marked_symmetric, mark_symmetric, weight_bounds
from gloss_pyg.graph.faint import widened
from gloss_pyg.graph.log_weights import copy_note

# Weights below the first, above the second or that far apart are worked on in float64: `1 / weight` and its products
# must stay finite.
COMFORTABLE = (1e-25, 1e25)

# Gradients of probabilities beyond this could leave float32's range on their way through products or an iteration.
STEEP = 1e10


def is_steep(gradient: Tensor) -> bool:
    """Whether a gradient of probabilities must be worked on in float64."""
    return gradient.numel() > 0 and max(abs(float(bound)) for bound in gradient.aminmax()) > STEEP


def is_faint(edge_weight: Tensor, comfortable: tuple[float, float] = COMFORTABLE) -> bool:
    """Whether positive weights, or their ratios, leave a comfortable range, so that float32 is not enough."""
    if edge_weight.dtype == torch.float64:
        return False
    low, high = weight_bounds(edge_weight)
    if low == 0 and high > 0:
        low = float(torch.where(edge_weight > 0, edge_weight.detach(), high).min())
    return high > 0 and not (comfortable[0] < low and high < comfortable[1] * min(low, 1))


def widened_weights(edge_index: Tensor, edge_weight: Tensor) -> Tensor:
    """`widened` weights of a graph, still known to be symmetric where they were."""
    wide = widened(edge_weight)
    copy_note(edge_weight, wide)
    return mark_symmetric(edge_index, wide) if is_marked_symmetric(edge_index, edge_weight) else wide
