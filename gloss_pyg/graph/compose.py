"""Several graph steps in a row, with their parameters where torch finds them."""

from collections.abc import Callable, Sequence
from typing import final

from torch import nn
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.base import GraphStep
from gloss_pyg.graph.checks import check_result
from gloss_pyg.graph.transforms import check_steps


@final
class Compose(GraphStep):
    """Apply a graph rule, and other steps before and after it.

    PyG's `T.Compose` keeps its parts in a plain list, so that an optimiser never sees a learned `sigma`, and `.to()` or
    `state_dict()` pass it by. This one is a module.

    Args:
        transforms: A rule, and what is to be done to its graph: `TopK`, PyG's transforms, any callable from `Data` to
            `Data`. Modules among them are registered. What changes embeddings stands before the rule.

    Raises:
        ConfigError: for an empty sequence or a part that cannot be called; for a transform of PyG that would break the
            graph, with the reason (`gloss_pyg.graph.transforms`); for a step whose edges a rule after it replaces.
        DataError: on use, if a step returns no graph, other documents, edges that do not fit their weights, or weights
            that lost their gradient; the message names the step.

    Example:
        >>> from gloss_pyg.graph import DenseGaussian
        >>> from torch_geometric.transforms import AddSelfLoops
        >>> rule = Compose([DenseGaussian(sigma="learned"), AddSelfLoops("edge_weight")])
        >>> [name for name, _ in rule.named_parameters()]
        ['0.bandwidth.log_sigma']
    """

    def __init__(self, transforms: Sequence[BaseTransform | Callable[[Data], Data]]) -> None:
        super().__init__()
        if not transforms or not all(callable(step) for step in transforms):
            raise ConfigError(f"Compose needs at least one step, each callable on a Data; got {transforms!r}.")
        self.transforms = list(transforms)
        check_steps(self)
        for position, step in enumerate(self.transforms):
            if isinstance(step, nn.Module):
                self.add_module(str(position), step)

    def forward(self, data: Data) -> Data:
        """Apply the parts in order."""
        for step in self.transforms:
            before = {"num_nodes": data.num_nodes, "x": data.x, "edge_weight": data.get("edge_weight")}
            data = check_result(step, step(data), **before)
        return data

    def extra_repr(self) -> str:
        """The steps that are no modules, which torch does not list."""
        plain = [(at, step) for at, step in enumerate(self.transforms) if not isinstance(step, nn.Module)]
        return "\n".join(f"({position}): {step!r}" for position, step in plain)
