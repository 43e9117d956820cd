"""Weights stored whole: for mini-batches, by Cholesky factors."""

import warnings
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph.faint import finite_cast
from gloss_pyg.propagation.solvers.components import components_of_matrix
from gloss_pyg.propagation.solvers.grounded import grounded_cholesky, try_cholesky
from gloss_pyg.propagation.solvers.matrix import EdgeFunction, Operator, Solve, WeightMatrix
from gloss_pyg.propagation.solvers.precision import is_steep

# Below this share of the largest a pivot of an asymmetric system has fewer than four digits left in float64.
SMALLEST_LU_PIVOT = 1e-12


class DenseMatrix(WeightMatrix):
    """`W` as a tensor `[N, N]`.

    Args:
        values: The matrix.
        symmetric: Whether it is known to be symmetric.
        connected: Whether all its entries off the diagonal are known to be positive.
    """

    def __init__(self, values: Float[Tensor, "nodes nodes"], *, symmetric: bool, connected: bool = False) -> None:
        self.values, self.symmetric, self.connected = values, symmetric, connected
        self._identity: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        """`N`."""
        return self.values.size(0)

    def with_values(self, values: Tensor) -> "DenseMatrix":
        """See `WeightMatrix`."""
        return DenseMatrix(values, symmetric=self.symmetric, connected=self.connected)

    def _row_sums(self) -> Tensor:
        return self.values.sum(dim=1)

    @cached_property
    def component(self) -> Int[Tensor, " nodes"]:
        """See `WeightMatrix`."""
        if self.connected:
            return torch.zeros(self.num_nodes, dtype=torch.long, device=self.values.device)
        return components_of_matrix(self.values.detach())

    def __matmul__(self, rows: Float[Tensor, "nodes columns"]) -> Float[Tensor, "nodes columns"]:
        """See `WeightMatrix`."""
        return self.values if rows is self._identity else self.values @ rows

    def transposed(self) -> "DenseMatrix":
        """See `WeightMatrix`."""
        return self if self.symmetric else self.with_values(self.values.T)

    def pairs(self, left: Float[Tensor, "nodes columns"], right: Float[Tensor, "nodes columns"]) -> Tensor:
        """See `WeightMatrix`."""
        return left @ right.T

    def scaled(self, factor: Float[Tensor, " nodes"]) -> "DenseMatrix":
        """See `WeightMatrix`."""
        return self.with_values(factor[:, None] * self.values * factor)

    def map_edges(self, function: EdgeFunction) -> "DenseMatrix":
        """See `WeightMatrix`."""
        return self.with_values(function(self.values, lambda at: at[:, None], lambda at: at[None, :]))

    def solve_grounded(
        self,
        exits: Float[Tensor, " nodes"],
        right: Float[Tensor, "nodes columns"],
        free: Bool[Tensor, " nodes"] | None = None,
    ) -> Float[Tensor, "nodes columns"]:
        """See `WeightMatrix`."""
        index = None if free is None else free.nonzero().squeeze(1)
        if not (self.num_nodes if index is None else index.numel()):
            return right * 0
        result: Tensor = _Grounded.apply(self.values, exits, right, index, self.symmetric)  # type: ignore[no-untyped-call]
        return result

    def prepare(self, operator: Operator, parameters: tuple[Tensor, ...], diagonal: Tensor) -> Solve:  # noqa: ARG002
        """See `WeightMatrix`."""
        system = self._written_out(operator, parameters)
        factor = try_cholesky(system)
        if factor is None and self.values.dtype != torch.float64:
            wide = self.with_values(self.values.double())
            factor = _last_cholesky(wide._written_out(operator, tuple(given.double() for given in parameters)))
        elif factor is None:
            factor = _last_cholesky(system)

        def solve(right: Tensor) -> Tensor:
            solved: Tensor = torch.cholesky_solve(right.to(factor.dtype), factor)
            return drop_unsolved(solved).to(right.dtype)

        return solve

    def _written_out(self, operator: Operator, parameters: tuple[Tensor, ...]) -> Tensor:
        """The operator as a matrix."""
        known = self.with_values(self.values)
        known._identity = torch.eye(self.num_nodes, dtype=self.values.dtype, device=self.values.device)
        return operator(known, known._identity, *parameters)


def _last_cholesky(matrix: Tensor) -> Tensor:
    """A factor in float64 with whatever digits it has; NaN where there is none."""
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(matrix)
    return factor.fill_(torch.nan) if int(failed) else factor


class _Factor:
    """A factored system: Cholesky of a symmetric one, LU of another."""

    def __init__(self, between: Tensor, exits: Tensor, *, symmetric: bool) -> None:
        self.lower = self.upper = None
        system = torch.diag(between.sum(dim=1) + exits) - between
        if symmetric:
            self.lower = try_cholesky(system)
            if self.lower is None and system.dtype != torch.float64:
                between, exits = between.double(), exits.double()
                self.lower = try_cholesky(torch.diag(between.sum(dim=1) + exits) - between)
            if self.lower is None:
                self.lower = grounded_cholesky(between.clone().fill_diagonal_(0), exits)
        else:
            wide = between.double()
            self.upper, self.pivots, _ = torch.linalg.lu_factor_ex(torch.diag(wide.sum(dim=1) + exits.double()) - wide)
            pivots = self.upper.diagonal().abs()
            self.singular = not float(pivots.min()) > SMALLEST_LU_PIVOT * float(pivots.max())

    @property
    def dtype(self) -> torch.dtype:
        return torch.float64 if self.lower is None else self.lower.dtype

    def solve(self, right: Tensor, *, adjoint: bool = False) -> Tensor:
        right = right.to(self.dtype)
        if self.lower is None and self.singular:
            return torch.full_like(right, torch.nan)
        solved: Tensor
        if self.lower is not None:
            solved = torch.cholesky_solve(right, self.lower)
        else:
            solved = torch.linalg.lu_solve(self.upper, self.pivots, right, adjoint=adjoint)
        return solved


class _Grounded(torch.autograd.Function):
    """`M X = R` with `M = diag(W 1 + e) - W` among the free nodes.

    With `B = M^-T dL/dX`: `dL/dR = B`, `dL/de_i = -B_i . X_i`, and `dL/dW_ij = B_i . (X_j - X_i)`, one product of thin
    matrices, `[B, -B.X] [X, 1]^T`.
    """

    @staticmethod
    def forward(
        ctx: Any, weights: Tensor, exits: Tensor, right: Tensor, free: Tensor | None, symmetric: bool
    ) -> Tensor:
        between, leaving, given = weights, exits, right
        if free is not None:
            between = weights.index_select(0, free).index_select(1, free)
            leaving, given = exits.index_select(0, free), right.index_select(0, free)
        factor = _Factor(between, leaving, symmetric=symmetric)
        solved = drop_unsolved(factor.solve(given))
        if not symmetric:
            solved = torch.where(_led_to(between, given != 0), solved, 0.0)
        ctx.save_for_backward(solved, free)
        ctx.factor, ctx.sizes = factor, (weights.size(0), right.dtype)
        return _spread(solved.to(right.dtype), free, weights.size(0))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None, None]:
        solved, free = ctx.saved_tensors
        n, dtype = ctx.sizes
        factor: _Factor = ctx.factor
        given = gradient if free is None else gradient.index_select(0, free)
        if factor.dtype != torch.float64 and is_steep(given):
            adjoint = torch.cholesky_solve(given.double(), factor.lower.double())  # type: ignore[union-attr]
            solved = solved.double()
        else:
            adjoint = factor.solve(given, adjoint=True).nan_to_num_(0.0)
        own = (adjoint * solved).sum(dim=1, keepdim=True)
        in_weights = None
        if ctx.needs_input_grad[0]:
            left = _spread(torch.cat([adjoint, -own], dim=1), free, n)
            right = _spread(torch.cat([solved, torch.ones_like(own)], dim=1), free, n)
            in_weights = finite_cast(left @ right.T, dtype)
        in_exits = finite_cast(_spread(-own, free, n).squeeze(1), dtype) if ctx.needs_input_grad[1] else None
        in_right = finite_cast(_spread(adjoint, free, n), dtype) if ctx.needs_input_grad[2] else None
        return in_weights, in_exits, in_right, None, None


def _led_to(weights: Tensor, sources: Tensor) -> Tensor:
    """What one-way edges lead to, column by column: elsewhere pivoting leaves rounding errors in the place of zeros."""
    pattern = (weights > 0).to(weights.dtype)
    while True:
        grown = sources | (pattern @ sources.to(weights.dtype) > 0)
        if torch.equal(grown, sources):
            return sources
        sources = grown


def _spread(rows: Tensor, index: Tensor | None, num_nodes: int) -> Tensor:
    """Rows at their places among all nodes, zero rows elsewhere."""
    return rows if index is None else rows.new_zeros(num_nodes, rows.size(1)).index_copy_(0, index, rows)


def drop_unsolved(solved: Float[Tensor, "nodes columns"]) -> Float[Tensor, "nodes columns"]:
    """Zero rows in place of rows that no precision could give, counted in a warning."""
    sound = solved.isfinite().all(dim=1)
    if bool(sound.all()):
        return solved
    warnings.warn(
        f"Propagation could not be solved for {int((~sound).sum())} of {sound.numel()} documents: the weights that tie "
        "them to labelled ones are beyond float64. Their rows are zero. Use a larger sigma.",
        NumericalWarning,
        stacklevel=2,
    )
    return torch.where(sound[:, None], solved, 0.0)
