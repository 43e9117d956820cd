"""The weights of a graph as a matrix that layers compute with, dense or sparse, differentiable in the edge weights.

`W[i, j]` is the weight of the edge from node `j` to node `i`. A layer asks for products, degrees, scalings and
solutions of linear systems; whether the matrix is stored whole (batches) or by its edges (large k-NN graphs), and how a
system is solved, is decided by `gloss_pyg.propagation.solvers.choose`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch_geometric.utils import scatter

from gloss_pyg.graph.faint import finite_cast
from gloss_pyg.propagation.solvers.precision import is_steep

# A linear map of rows [N, C], symmetric and positive definite: (matrix, rows, *parameters) -> rows.
Operator = Callable[..., Tensor]
# (weights, a node's number at each weight's target, the same at its source) -> weights.
EdgeFunction = Callable[[Tensor, Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]], Tensor]
# Solves a prepared system for rows [N, C], without gradient.
Solve = Callable[[Tensor], Tensor]
# Prepares one: (matrix, *parameters) -> solve.
Prepare = Callable[..., Solve]


class WeightMatrix(ABC):
    """The matrix `W [N, N]` of a graph's edge weights.

    Attributes:
        values: The numbers that the matrix is made of, differentiable.
        symmetric: Whether `W` is known to be symmetric.
    """

    values: Tensor
    symmetric: bool

    @property
    @abstractmethod
    def num_nodes(self) -> int:
        """`N`."""

    @abstractmethod
    def with_values(self, values: Tensor) -> "WeightMatrix":
        """The same graph with other weights in the place of `values`."""

    @abstractmethod
    def _row_sums(self) -> Float[Tensor, " nodes"]: ...

    @cached_property
    def degree(self) -> Float[Tensor, " nodes"]:
        """What each node receives in all, `W 1`."""
        return self._row_sums()

    @cached_property
    @abstractmethod
    def component(self) -> Int[Tensor, " nodes"]:
        """For each node the number of its connected component, counted from 0; edges of weight zero join nothing."""

    def by_component(self, rows: Float[Tensor, "nodes columns"]) -> Float[Tensor, "nodes columns"]:
        """For each node the sum of the rows of its component."""
        component = self.component
        return scatter(rows, component, dim_size=int(component.max()) + 1, reduce="sum")[component]

    @cached_property
    def mean_degree(self) -> Float[Tensor, " nodes"]:
        """For each node the mean degree of its component: the unit of what is compared with weights.

        It makes a common factor of a graph's weights vanish, and each graph of a batch has its own. One where the
        component has no edges.
        """
        if not self.num_nodes:
            return self.degree
        sums = self.by_component(torch.stack([self.degree, torch.ones_like(self.degree)], dim=1))
        return torch.where(sums[:, 0] > 0, sums[:, 0] / sums[:, 1], 1.0)

    @abstractmethod
    def __matmul__(self, rows: Float[Tensor, "nodes columns"]) -> Float[Tensor, "nodes columns"]:
        """`W rows`."""

    @abstractmethod
    def transposed(self) -> "WeightMatrix":
        """`W^T`, which is `W` where that is symmetric."""

    @abstractmethod
    def pairs(self, left: Float[Tensor, "nodes columns"], right: Float[Tensor, "nodes columns"]) -> Tensor:
        """`left_i . right_j` at each weight `W[i, j]`, of the shape of `values`: the gradient of `<left, W right>`."""

    @abstractmethod
    def scaled(self, factor: Float[Tensor, " nodes"]) -> "WeightMatrix":
        """`diag(factor) W diag(factor)`, which is as symmetric as `W`."""

    @abstractmethod
    def map_edges(self, function: EdgeFunction) -> "WeightMatrix":
        """Another weight for each edge: `function(weights, at_target, at_source)`.

        `at_target(v)` and `at_source(v)` give a node's number `v [N]` at each weight, shaped to fit `weights`. The
        result counts as symmetric where `W` does; that the function keeps it so is the caller's to know.
        """

    @torch.no_grad()
    def led_to(self, sources: Bool[Tensor, " nodes"]) -> Bool[Tensor, " nodes"]:
        """The nodes that a path of edges with positive weight leads to from `sources`, these included."""
        if self.symmetric:
            component = self.component
            found = torch.zeros(self.num_nodes, dtype=torch.bool, device=sources.device)  # at most N components
            found[component[sources]] = True
            return found[component]
        pattern = self.with_values((self.values > 0).to(self.values.dtype))
        reached = sources
        while True:
            grown = reached | ((pattern @ reached.to(self.values.dtype)[:, None]).squeeze(1) > 0)
            if torch.equal(grown, reached):
                return reached
            reached = grown

    @abstractmethod
    def solve_grounded(
        self,
        exits: Float[Tensor, " nodes"],
        right: Float[Tensor, "nodes columns"],
        free: Bool[Tensor, " nodes"] | None = None,
    ) -> Float[Tensor, "nodes columns"]:
        """`X_F` of `(diag(W_FF 1 + exits_F) - W_FF) X_F = right_F`, zero rows elsewhere.

        A Laplacian among the free nodes `F` (by default all), each of which may leave with the weight `exits`, at least
        0. From every free node a path among them must lead to an exit; the system is then an M-matrix, so that a right
        side without negative numbers gives a solution without them.

        Differentiable in the weights, `exits` and `right`.
        """

    @abstractmethod
    def prepare(self, operator: Operator, parameters: tuple[Tensor, ...], diagonal: Float[Tensor, " nodes"]) -> Solve:
        """What solves `operator(W, X, *parameters) = right` for any right side, without gradient; see `solve`.

        The operator treats every column of `X` alike.
        """

    def solve(
        self,
        operator: Operator,
        right: Float[Tensor, "nodes columns"],
        *parameters: Tensor,
        diagonal: Float[Tensor, " nodes"],
        prepare: Prepare | None = None,
    ) -> Float[Tensor, "nodes columns"]:
        """`X` of `operator(W, X, *parameters) = right`, for any symmetric positive definite operator made of `W`.

        Args:
            operator: Linear in `X`, made of products with the matrix that it is given; differentiable in that and in
                the parameters.
            right: The right side.
            parameters: Tensors that the operator is made of beside `W`.
            diagonal: Positive numbers near the diagonal of the operator; iterations converge faster the nearer it is.
            prepare: What solves an operator that mixes columns, or treats them differently; else `self.prepare` does.

        Differentiable in the weights, the parameters and `right`.
        """
        system = _System(self, operator, diagonal.detach(), prepare)
        result: Tensor = _Implicit.apply(system, right, self.values, *parameters)  # type: ignore[no-untyped-call]
        return result


@dataclass(frozen=True)
class _System:
    matrix: WeightMatrix
    operator: Operator
    diagonal: Tensor
    own: Prepare | None

    def prepare(self, values: Tensor, parameters: Sequence[Tensor]) -> Solve:
        matrix = self.matrix.with_values(values)
        if self.own is not None:
            return self.own(matrix, *parameters)
        return matrix.prepare(self.operator, tuple(parameters), self.diagonal)


class _Implicit(torch.autograd.Function):
    """The derivative of a solve `M X = R` with symmetric `M`, written once.

    With `B = M^-1 dL/dX`: `dL/dR = B`, and `dL/dp = -<B, (dM/dp) X>`, which is the operator's own derivative taken at
    `X` in the direction `-B`.
    """

    @staticmethod
    def forward(ctx: Any, system: _System, right: Tensor, values: Tensor, *parameters: Tensor) -> Tensor:
        ctx.system = system
        ctx.solve = system.prepare(values, parameters)
        solution: Tensor = ctx.solve(right)
        ctx.save_for_backward(solution, values, *parameters)
        return solution

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        solution, values, *parameters = ctx.saved_tensors
        system: _System = ctx.system
        dtype, solve = gradient.dtype, ctx.solve
        if dtype != torch.float64 and is_steep(gradient):
            solution, values, gradient = solution.double(), values.double(), gradient.double()
            parameters = [parameter.double() for parameter in parameters]
            solve = system.prepare(values, parameters)
        adjoint = solve(gradient)
        needed = ctx.needs_input_grad[2:]
        leaves = [
            tensor.detach().requires_grad_(needs) for tensor, needs in zip([values, *parameters], needed, strict=True)
        ]
        found: list[Tensor | None] = [None] * len(leaves)
        if any(needed):
            with torch.enable_grad():
                image = system.operator(system.matrix.with_values(leaves[0]), solution, *leaves[1:])
            wanted = [place for place, needs in enumerate(needed) if needs]
            parts = torch.autograd.grad(image, [leaves[place] for place in wanted], -adjoint, allow_unused=True)
            for place, part in zip(wanted, parts, strict=True):
                found[place] = None if part is None else finite_cast(part, dtype)
        return None, finite_cast(adjoint, dtype), *found
