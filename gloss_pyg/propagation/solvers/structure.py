"""Where the edges of a graph are, in compressed rows."""

import warnings
from functools import cached_property

import torch
from torch import Tensor

# Numbers in memory at a time while the gradient of each edge is taken.
BLOCK = 1 << 18

with warnings.catch_warnings():
    # torch says once that CSR is in beta; said here it does not reach users, who can do nothing about it.
    warnings.simplefilter("ignore")
    torch.sparse_csr_tensor(torch.tensor([0, 0]), torch.tensor([], dtype=torch.long), torch.tensor([]), (1, 1))


class Structure:
    """Where the edges of a graph are, in compressed rows; weights come separately, in the order `order`.

    Attributes:
        num_nodes: `N`.
        source: Source of each edge, sorted by target.
        target: Target of each edge, sorted.
        order: Position of each of them in the edge list, `None` where that was sorted.
    """

    def __init__(self, source: Tensor, target: Tensor, num_nodes: int) -> None:
        self.num_nodes = num_nodes
        self.order: Tensor | None = None
        if target.numel() and not bool((target[1:] >= target[:-1]).all()):
            self.order = target.argsort(stable=True)
            source, target = source[self.order], target[self.order]
        self.source, self.target = source, target
        counts = torch.bincount(target, minlength=num_nodes)
        # 32-bit indices: half the memory traffic of a product, and enough for 2 * 10^9 edges.
        self.rows = torch.cat([counts.new_zeros(1), counts.cumsum(0)]).int()
        self.columns = source.int()

    @cached_property
    def transposed(self) -> "Structure":
        """The reversed edges; their weights are `weights[transposed.order]`."""
        return Structure(self.target, self.source, self.num_nodes)

    def product(self, weights: Tensor, rows: Tensor) -> Tensor:
        """`W rows` without gradient."""
        if not weights.numel():
            return rows.new_zeros(self.num_nodes, rows.size(1))
        return self.with_weights(weights) @ rows

    def with_weights(self, weights: Tensor) -> Tensor:
        """`W` as a tensor in compressed rows, without gradient."""
        size = (self.num_nodes, self.num_nodes)
        return torch.sparse_csr_tensor(self.rows, self.columns, weights, size, check_invariants=False)

    def pairs(self, left: Tensor, right: Tensor) -> Tensor:
        """`left_i . right_j` for each edge from `j` to `i`, in blocks of edges."""
        found = left.new_empty(self.source.size(0))
        step = max(1, BLOCK // max(left.size(1), 1))
        for start in range(0, found.numel(), step):
            block = slice(start, start + step)
            received = left.index_select(0, self.target[block])
            found[block] = received.mul_(right.index_select(0, self.source[block])).sum(dim=1)
        return found
