"""Weights stored by edges: for graphs of many nodes, by conjugate gradients or by messages."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch_geometric.utils import segment

from gloss_pyg.graph.faint import widened
from gloss_pyg.propagation.solvers.components import components_of_edges
from gloss_pyg.propagation.solvers.conjugate_gradients import conjugate_gradients
from gloss_pyg.propagation.solvers.far_rows import rows_below_residual, say_lost, solve_far_rows
from gloss_pyg.propagation.solvers.fixed_point import Complaint, fixed_point
from gloss_pyg.propagation.solvers.matrix import EdgeFunction, Operator, Solve, WeightMatrix
from gloss_pyg.propagation.solvers.structure import Structure


@dataclass(frozen=True)
class Iteration:
    """How a sparse system is solved.

    Attributes:
        method: `"conjugate_gradients"`, or `"iterative"` for messages until nothing changes.
        tolerance: Relative residual (of messages: estimated error) at which it stops; by default 1e-6, in float64
            `double`.
        max_iterations: Steps after which the solution is taken as it is.
        complain: Called with what was reached, where that was not enough.
        lose: Called with the numbers of documents whose rows are zero although a label reaches them.
        double: The default of float64, where there is room for less.
    """

    method: str
    tolerance: float | None
    max_iterations: int
    complain: Complaint
    lose: Callable[[list[int]], None] = say_lost
    double: float = 1e-12

    def tolerance_for(self, dtype: torch.dtype) -> float:
        """The tolerance asked for, or the default of a number format."""
        return self.tolerance or (self.double if dtype == torch.float64 else 1e-6)


class _Product(torch.autograd.Function):
    """`W X`: `dL/dX = W^T G`, `dL/dW_ij = G_i . X_j` for each edge."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, rows: Tensor, structure: Structure, symmetric: bool) -> Tensor:
        ctx.save_for_backward(weights, rows)
        ctx.structure, ctx.symmetric = structure, symmetric
        return structure.product(weights, rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        weights, rows = ctx.saved_tensors
        structure: Structure = ctx.structure
        in_weights = in_rows = None
        if ctx.needs_input_grad[0]:
            in_weights = structure.pairs(gradient, rows)
        if ctx.needs_input_grad[1]:
            if ctx.symmetric:
                in_rows = structure.product(weights, gradient)
            else:
                turned = structure.transposed
                in_rows = turned.product(weights if turned.order is None else weights[turned.order], gradient)
        return in_weights, in_rows, None, None


class SparseMatrix(WeightMatrix):
    """`W` by its edges.

    Args:
        structure: Where they are.
        values: Their weights, in the structure's order.
        symmetric: Whether `W` is known to be symmetric.
        iteration: How systems are solved.
    """

    def __init__(
        self, structure: Structure, values: Float[Tensor, " edges"], iteration: Iteration, *, symmetric: bool
    ) -> None:
        self.structure, self.values, self.symmetric, self.iteration = structure, values, symmetric, iteration

    @property
    def num_nodes(self) -> int:
        """`N`."""
        return self.structure.num_nodes

    def with_values(self, values: Tensor) -> "SparseMatrix":
        """See `WeightMatrix`."""
        return SparseMatrix(self.structure, values, self.iteration, symmetric=self.symmetric)

    def _row_sums(self) -> Tensor:
        # Sorted by target the sums are those of consecutive edges, many times faster than a scatter.
        sums: Tensor = segment(self.values, self.structure.rows.long(), reduce="sum")
        return sums

    @cached_property
    def component(self) -> Int[Tensor, " nodes"]:
        """See `WeightMatrix`."""
        edges = torch.stack([self.structure.source, self.structure.target])
        return components_of_edges(edges, self.values.detach(), self.num_nodes)

    def __matmul__(self, rows: Float[Tensor, "nodes columns"]) -> Float[Tensor, "nodes columns"]:
        """See `WeightMatrix`."""
        result: Tensor = _Product.apply(self.values, rows, self.structure, self.symmetric)  # type: ignore[no-untyped-call]
        return result

    def transposed(self) -> "SparseMatrix":
        """See `WeightMatrix`."""
        if self.symmetric:
            return self
        turned = self.structure.transposed
        values = self.values if turned.order is None else self.values[turned.order]
        return SparseMatrix(turned, values, self.iteration, symmetric=False)

    def pairs(self, left: Float[Tensor, "nodes columns"], right: Float[Tensor, "nodes columns"]) -> Tensor:
        """See `WeightMatrix`."""
        return self.structure.pairs(left, right)

    def scaled(self, factor: Float[Tensor, " nodes"]) -> "SparseMatrix":
        """See `WeightMatrix`."""
        return self.with_values(factor[self.structure.target] * self.values * factor[self.structure.source])

    def map_edges(self, function: EdgeFunction) -> "SparseMatrix":
        """See `WeightMatrix`."""
        source, target = self.structure.source, self.structure.target
        return self.with_values(function(self.values, lambda at: at[target], lambda at: at[source]))

    def among(self, free: Bool[Tensor, " nodes"]) -> "SparseMatrix":
        """The edges between free nodes, which are numbered afresh in their order."""
        kept = free[self.structure.source] & free[self.structure.target]
        number = free.cumsum(0) - 1
        source, target = number[self.structure.source[kept]], number[self.structure.target[kept]]
        structure = Structure(source, target, int(free.sum()))
        return SparseMatrix(structure, self.values[kept], self.iteration, symmetric=self.symmetric)

    def solve_grounded(
        self,
        exits: Float[Tensor, " nodes"],
        right: Float[Tensor, "nodes columns"],
        free: Bool[Tensor, " nodes"] | None = None,
    ) -> Float[Tensor, "nodes columns"]:
        """See `WeightMatrix`; in float64 where conjugate gradients leave rows that need its range."""
        if free is not None and not bool(free.all()):
            if not bool(free.any()):
                return right * 0
            solved = self.among(free).solve_grounded(exits[free], right[free])
            return solved.new_zeros(right.shape).index_put((free.nonzero().squeeze(1),), solved)
        if self.iteration.method == "iterative":
            return self._by_messages(exits, right)
        diagonal = (self.degree + exits).detach()
        solved = self.solve(_grounded, right, exits, diagonal=diagonal)
        far = rows_below_residual(solved, right, diagonal, self.iteration.tolerance_for(right.dtype))
        if far is None:
            return solved
        found = solve_far_rows(self, exits, right, solved, far)
        return widened(solved).index_put((far.nonzero().squeeze(1),), found)

    def _by_messages(self, exits: Tensor, right: Tensor) -> Tensor:
        """`X <- diag(W 1 + e)^-1 (W X + right)`, which forgets a share of its error at every step."""
        dtype = right.dtype
        wide = self.with_values(widened(self.values))
        steps = (wide.degree + widened(exits)).reciprocal()
        return fixed_point(
            self.structure,
            steps[self.structure.target] * wide.values,
            steps[:, None] * widened(right),
            dtype=dtype,
            tolerance=self.iteration.tolerance_for(dtype),
            max_iterations=self.iteration.max_iterations,
            complain=self.iteration.complain,
        )

    def prepare(self, operator: Operator, parameters: tuple[Tensor, ...], diagonal: Tensor) -> Solve:
        """See `WeightMatrix`."""
        wide: list[tuple[SparseMatrix, list[Tensor]]] = []

        def apply(rows: Tensor) -> Tensor:
            if rows.dtype == self.values.dtype:
                return operator(self, rows, *parameters)
            if not wide:
                wide.append((self.with_values(self.values.double()), [given.double() for given in parameters]))
            return operator(wide[0][0], rows, *wide[0][1])

        def solve(right: Tensor) -> Tensor:
            return conjugate_gradients(
                apply,
                right,
                diagonal,
                tolerance=self.iteration.tolerance_for(self.values.dtype),
                max_iterations=self.iteration.max_iterations,
                complain=self.iteration.complain,
            )

        return solve


def _grounded(matrix: WeightMatrix, rows: Tensor, exits: Tensor) -> Tensor:
    return (matrix.degree + exits)[:, None] * rows - matrix @ rows
