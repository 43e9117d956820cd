r"""The published label propagation on symmetric weights, in closed form, with one Cholesky factor for both directions.

**The system.** From symmetric weights `W` the published transition is `A = D^-1/2 W D^-1/2`, its columns divided by
their sums, then its rows by theirs. With `s = d^-1/2` (`d` the row sums of `W`), column `j` of `A` sums to
`s_j (W s)_j`, so dividing columns leaves `s_i W_ij q_j` with

.. math:: q = 1 / (W s),

and dividing rows by their sums `s_i f_i`, `f = W q`, cancels `s_i`: `T_ij = W_ij q_j / f_i`. This is the walk on the
*symmetric* conductances `q_i W_ij q_j`. In `A_i = q_i Y_i` the system `(I - T_UU) Y_U = T_UL Y_L` becomes

.. math:: M A_U = W_{UL} A_L, \qquad M = \mathrm{diag}(f / q)_U - W_{UU}, \quad A_L = \mathrm{diag}(q)_L Y_L,

symmetric positive definite: a few products of `W` with vectors, and no normalised matrix is ever formed. Rows of
probabilities sum to one, so that the result is `P_i = A_i / a_i` with the row sums `a`, whatever the labels sum to.

**The gradient.** With `G = dL/dP`, row by row `H_i = dL/dA_i = (G_i - G_i . P_i) / a_i`, then `B = M^-1 H_U` (the same
factor; zero on labelled rows) and `e_i = B_i . A_i / q_i`,

.. math::
    q \odot \frac{dL}{dq} &= A \odot W B - q \odot W e \quad\text{(summed over classes)} \\
    \frac{dL}{dW} &= B A^T - e q^T + \bar u s^T + \bar d\, 1^T

where `u = W s`, `\bar u = -q (q dL/dq)`, `\bar s = W \bar u`, `\bar d = -\bar s s / (2 d)`: a matrix of rank `C + 3`,
so the gradient for all edges is one product of thin matrices. (On hidden rows the first line is `f e`, the derivative
of the diagonal of `M`, since `M B = H` and `H_i . A_i = 0`.) It is that of moving both directions of an edge together:
the two directions' entries add up to the derivative, single entries have no meaning on weights that are to stay
symmetric. A complete graph gets the symmetric half of it, which its weights' own gradient can use as it is.
"""

import math
import warnings
from dataclasses import dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph.edges import Square, from_off_diagonal, is_complete, off_diagonal, squares
from gloss_pyg.graph.faint import finite_cast
from gloss_pyg.propagation.solvers.grounded import grounded_cholesky, try_cholesky
from gloss_pyg.propagation.solvers.precision import is_steep


@dataclass
class _Walk:
    """The vectors of the module docstring, and the factor of the hidden block."""

    degree: Tensor
    root: Tensor  # s
    scale: Tensor  # q
    rows: Tensor  # of W, for the hidden nodes
    factor: Tensor  # lower triangular, M = factor factor^T

    def double(self) -> "_Walk":
        return _Walk(*(getattr(self, field.name).double() for field in fields(self)))


def absorbing_walk(
    edge_index: Int[Tensor, "2 edges"],
    edge_weight: Float[Tensor, " edges"],
    seeds: Float[Tensor, "nodes classes"],
    hidden: Int[Tensor, " hidden"],
) -> Float[Tensor, "nodes classes"]:
    """Probabilities of the hidden nodes; labelled rows come back divided by their sums, other rows as zero.

    Args:
        edge_index: Edges of a graph whose weights are symmetric; that is the caller's to know.
        edge_weight: Their weights.
        seeds: Labels of the labelled nodes, zero rows elsewhere.
        hidden: The nodes to solve for, each connected with a labelled one; at least one.
    """
    square = squares.get(edge_weight) if is_complete(edge_index, seeds.size(0)) else None
    result: Tensor = _AbsorbingWalk.apply(edge_weight, seeds, edge_index, hidden, square)  # type: ignore[no-untyped-call]
    return result


class _AbsorbingWalk(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, edge_weight: Tensor, seeds: Tensor, edge_index: Tensor, hidden: Tensor, square: Square | None
    ) -> Tensor:
        weights = _dense(edge_index, edge_weight, seeds.size(0)) if square is None else square.matrix
        walk = _prepare(weights, hidden, None if square is None else square.degree)
        if walk.scale.dtype != weights.dtype:
            weights = weights.double()
        scores = seeds.to(weights.dtype) * walk.scale[:, None]
        solved = torch.cholesky_solve(walk.rows @ scores, walk.factor)
        scores.index_copy_(0, hidden, _drop_unsolved(solved))
        total = scores.sum(dim=1, keepdim=True)
        total.masked_fill_(total == 0, 1)  # a row without any score stays zero
        probabilities = scores / total
        ctx.save_for_backward(edge_index, hidden, weights, scores, total, probabilities)
        ctx.walk = walk
        return probabilities.to(seeds.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None]:
        edge_index, hidden, weights, scores, total, probabilities = ctx.saved_tensors
        walk: _Walk = ctx.walk
        dtype = gradient.dtype
        if scores.dtype != torch.float64 and is_steep(gradient):
            weights, scores, total, walk = weights.double(), scores.double(), total.double(), walk.double()
        gradient = gradient.to(scores.dtype)
        in_scores = (gradient - (gradient * probabilities).sum(dim=1, keepdim=True)).div_(total)  # H
        solved = torch.cholesky_solve(in_scores.index_select(0, hidden), walk.factor)  # B
        own = (solved * scores.index_select(0, hidden)).sum(dim=1) / walk.scale.index_select(0, hidden)  # e
        of_hidden = torch.cat([solved, own[:, None]], dim=1)
        spread = walk.rows.T @ of_hidden  # W B, W e
        classes = scores.size(1)
        in_seeds = None
        if ctx.needs_input_grad[1]:
            in_seeds = (walk.scale[:, None] * (in_scores + spread[:, :classes])).index_fill_(0, hidden, 0).to(dtype)
        if not ctx.needs_input_grad[0]:
            return None, in_seeds, None, None, None
        # dL/dW = left right^T, with -q in the place of q.
        right = torch.cat([scores, -walk.scale[:, None], walk.root[:, None], torch.ones_like(total)], dim=1)
        in_scale = (right[:, : classes + 1] * spread).sum(dim=1)  # q dL/dq
        in_sums = -walk.scale * in_scale
        in_degree = (weights @ in_sums).mul_(walk.root).div_(walk.degree.clamp(min=_tiny(weights))).mul_(-0.5)
        left = right.new_zeros(right.shape)
        left[:, : classes + 1].index_copy_(0, hidden, of_hidden)
        left[:, classes + 1], left[:, classes + 2] = in_sums, in_degree
        return _on_edges(left, right, edge_index, dtype), in_seeds, None, None, None


def _prepare(weights: Tensor, hidden: Tensor, degree: Tensor | None = None) -> _Walk:
    """The walk in the working precision, else in float64, else by elimination without subtraction."""
    degree = weights.sum(dim=1) if degree is None else degree
    isolated = None if float(degree.min()) > 0 else degree <= 0
    root = degree.rsqrt()
    if isolated is not None:
        root.masked_fill_(isolated, 0)
    scale = (weights @ root).reciprocal_()
    if isolated is not None:
        scale.masked_fill_(isolated, 1)  # any will do: nothing flows there, and its label stays
    rows = weights.index_select(0, hidden)
    flow = weights @ scale  # f
    matrix = rows.index_select(1, hidden).neg_()
    matrix.diagonal().add_((flow / scale).index_select(0, hidden))
    factor = try_cholesky(matrix)
    if factor is None and weights.dtype != torch.float64:
        return _prepare(weights.double(), hidden)
    if factor is None:
        q = scale[hidden, None]
        outside = scale.index_fill(0, hidden, 0)
        # The walk that may leave is on the conductances q_i W_ij q_j.
        factor = grounded_cholesky(q * rows[:, hidden].fill_diagonal_(0) * q.T, q[:, 0] * (rows @ outside)) / q
    return _Walk(degree, root, scale, rows, factor)


def _tiny(like: Tensor) -> float:
    return torch.finfo(like.dtype).tiny


def _dense(edge_index: Tensor, edge_weight: Tensor, num_nodes: int) -> Tensor:
    """Row `i`, column `j`: what node `i` receives from node `j`."""
    if is_complete(edge_index, num_nodes):
        return from_off_diagonal(edge_weight, num_nodes)
    dense = edge_weight.new_zeros(num_nodes, num_nodes)
    return dense.index_put_((edge_index[1], edge_index[0]), edge_weight, accumulate=True)


def _on_edges(left: Tensor, right: Tensor, edge_index: Tensor, dtype: torch.dtype) -> Tensor:
    """`(left right^T)_ij` for each edge from `j` to `i`; of a complete graph the mean of both directions."""
    if not is_complete(edge_index, left.size(0)):
        return finite_cast((left[edge_index[1]] * right[edge_index[0]]).sum(dim=1), dtype)
    both = torch.cat([left, right, left], dim=1)
    middle, end = right.size(1), 2 * right.size(1)
    matrix = finite_cast((both[:, :end] @ both[:, middle:].T).mul_(0.5), dtype)
    in_weight = off_diagonal(matrix)
    squares.put(in_weight, Square(matrix))
    return in_weight


def _drop_unsolved(solved: Tensor) -> Tensor:
    """Zero rows in place of rows that even elimination without subtraction could not give, with a warning."""
    if math.isfinite(float(solved.sum())):  # rows of probabilities: no sum of sound ones overflows
        return solved
    sound = solved.isfinite().all(dim=1)
    warnings.warn(
        f"Label propagation could not be solved for {int((~sound).sum())} of {sound.numel()} hidden documents: the "
        "weights that tie them to labelled ones are beyond float64. Their rows are zero. Use a larger sigma.",
        NumericalWarning,
        stacklevel=2,
    )
    return torch.where(sound[:, None], solved, 0.0)
