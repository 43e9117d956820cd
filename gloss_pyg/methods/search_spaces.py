"""What a training loss can be tuned over, for the methods that train with one."""

import inspect

from torch import nn

from gloss_pyg.losses import GLoss, HybridLoss, UnlabelledLoss
from gloss_pyg.methods.search import Choice, Interval, Range

LEARNING_RATES = Choice((1e-5, 2e-5, 3e-5, 4e-5, 5e-5))
"""The paper's."""


def loss_space(loss: nn.Module | None, path: str = "loss") -> dict[str, Range]:
    """The paper's ranges of the parts of a loss that are there: lambda, the labelled share gamma, sigma.

    Of a loss over unlabelled documents, which the paper has none of, its strength and the sharpness of its targets.

    Args:
        loss: The loss, or part of one.
        path: The argument of the method that it is.
    """
    space: dict[str, Range] = {}
    if isinstance(loss, HybridLoss):
        if loss.graph_loss is not None:
            space[f"{path}.weight"] = Interval(0.1, 0.9)
        parts = ("graph_loss", "unlabelled_loss")
        return space | {k: v for part in parts for k, v in loss_space(getattr(loss, part), f"{path}.{part}").items()}
    if isinstance(loss, UnlabelledLoss):
        ranges = {"weight": Interval(0.1, 1.0), "sharpness": Interval(1.0, 5.0)}
        own = inspect.signature(type(loss)).parameters
        return {f"{path}.{name}": entry for name, entry in ranges.items() if name in own}
    if isinstance(loss, GLoss):
        space[f"{path}.labelled_fraction"] = Interval(0.1, 0.9)
        if "sigma" in inspect.signature(type(loss.graph)).parameters:
            space[f"{path}.graph.sigma"] = Interval(0.1, 10.0)
    return space
