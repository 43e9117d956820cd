"""Several graph steps in a row, with their parameters where torch finds them."""

from collections.abc import Callable, Sequence
from typing import final

from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.base import GraphRule


@final
class Compose(BaseTransform, nn.Module):  # type: ignore[misc]
    """Apply graph rules and PyG transforms one after the other.

    PyG's `T.Compose` keeps its parts in a plain list, so that an optimiser never sees a learned `sigma`, and `.to()` or
    `state_dict()` pass it by. This one is a module.

    Args:
        transforms: Callables from `Data` to `Data`, at least one; modules among them are registered.

    Raises:
        ConfigError: for an empty sequence or a part that cannot be called.

    Example:
        >>> from gloss_pyg.graph import DenseGaussian
        >>> from torch_geometric.transforms import AddSelfLoops
        >>> rule = Compose([DenseGaussian(sigma="learned"), AddSelfLoops("edge_weight")])
        >>> [name for name, _ in rule.named_parameters()]
        ['0.bandwidth.log_sigma']
    """

    def __init__(self, transforms: Sequence[Callable[[Data], Data]]) -> None:
        nn.Module.__init__(self)
        if not transforms or not all(callable(step) for step in transforms):
            raise ConfigError(f"Compose needs at least one step, each callable on a Data; got {transforms!r}.")
        self.transforms = list(transforms)
        for position, step in enumerate(self.transforms):
            if isinstance(step, nn.Module):
                self.add_module(str(position), step)

    @property
    def needs_fit(self) -> bool:
        """Whether a part's bandwidth is still to be fitted."""
        return any(isinstance(step, GraphRule) and step.needs_fit for step in self.transforms)

    def fit_sigma(self, embeddings: Tensor) -> None:
        """Fit the bandwidth of every part that has one."""
        for step in self.transforms:
            if isinstance(step, GraphRule):
                step.fit_sigma(embeddings)

    def forward(self, data: Data) -> Data:
        """Apply the parts in order."""
        for step in self.transforms:
            data = step(data)
        return data

    def __repr__(self) -> str:
        return f"Compose({', '.join(map(repr, self.transforms))})"
