"""A graph with everything that a layer may be given, in whatever number format."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gloss_pyg.graph import GraphRule
from gloss_pyg.graph.edges import is_marked_symmetric, mark_symmetric


@dataclass(frozen=True, eq=False)
class Example:
    """A graph with labels, embeddings and a base prediction, in float64.

    Attributes:
        name: What is special about it.
        again: The call that draws it again.
        y: Label rows, those of hidden nodes included.
        mask: True where the label may be seen.
        edge_index: Edges from row 0 to row 1.
        edge_weight: Their weights.
        x: Embeddings.
        base: Class probabilities of a base prediction, for layers that need one.
        tame: Whether weights lie within a few orders of magnitude, so that results can be compared digit by digit.
        directed: Whether some edge has no reverse; a layer may refuse that with a `DataError` or `ConfigError`.
        rule: The graph rule that made the edges of `x`, if one did.
    """

    name: str
    again: str
    y: Float[Tensor, "nodes classes"]
    mask: Bool[Tensor, " nodes"]
    edge_index: Int[Tensor, "2 edges"]
    edge_weight: Float[Tensor, " edges"]
    x: Float[Tensor, "nodes dim"]
    base: Float[Tensor, "nodes classes"]
    tame: bool = True
    directed: bool = False
    rule: GraphRule | None = None

    @property
    def seeds(self) -> Float[Tensor, "nodes classes"]:
        """The label rows that may be seen, zero elsewhere."""
        return self.y.masked_fill(~self.mask[:, None], 0)

    def describe(self) -> str:
        """One line for people."""
        n, classes = self.y.shape
        return (
            f"{self.name} ({n} nodes, {self.edge_index.size(1)} edges, {classes} classes, {int(self.mask.sum())} seen, "
            f"{str(self.edge_weight.dtype).removeprefix('torch.')}), in the error's attribute `example`; again by "
            f"{self.again}."
        )

    def to(self, dtype: torch.dtype, device: torch.device | None = None) -> "Example":
        """The same graph in another number format, or on another device."""
        if dtype == self.edge_weight.dtype and device is None:
            return self
        y, weight, x, base = (t.to(dtype=dtype, device=device) for t in (self.y, self.edge_weight, self.x, self.base))
        mask, edge_index = (t.to(device=device) for t in (self.mask, self.edge_index))  # the same tensors on the CPU
        return replace(self, y=y, mask=mask, edge_index=edge_index, edge_weight=weight, x=x, base=base)

    def leaf(self) -> "Example":
        """The same with weights and seen labels and embeddings that gradients can be asked for."""
        weight = self.edge_weight.detach().clone()
        if is_marked_symmetric(self.edge_index, self.edge_weight):
            mark_symmetric(self.edge_index, weight)
        # The note of symmetry hangs on the tensor, so a leaf must be asked for gradients in place.
        return replace(
            self,
            edge_weight=weight.requires_grad_(),
            y=self.y.detach().clone().requires_grad_(),
            x=self.x.detach().clone().requires_grad_(),
        )
