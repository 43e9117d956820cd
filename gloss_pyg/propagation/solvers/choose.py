"""Which matrix and which solver a graph gets."""

from dataclasses import replace
from typing import Literal, get_args

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.edges import from_off_diagonal, is_complete, is_symmetric, off_diagonal, squares
from gloss_pyg.graph.reach import is_connected
from gloss_pyg.propagation.solvers.dense import DenseMatrix
from gloss_pyg.propagation.solvers.matrix import WeightMatrix
from gloss_pyg.propagation.solvers.sparse import Iteration, SparseMatrix
from gloss_pyg.propagation.solvers.structure import Structure

Solver = Literal["auto", "direct", "conjugate_gradients", "iterative"]
SOLVERS: tuple[str, ...] = get_args(Solver)

# `benchmarks/bench_solvers.py`: on k-NN graphs the factor of a dense block is the faster one up to about this many
# nodes (two cores, 20 classes, forward and backward); a complete graph is dense anyway, up to what memory holds.
DENSE_NODES = 1000
COMPLETE_NODES = 20_000


def choose_solver(
    solver: str,
    edge_index: Int[Tensor, "2 edges"],
    edge_weight: Float[Tensor, " edges"],
    num_nodes: int,
    *,
    symmetric: bool | None = None,
) -> str:
    """The solver by name; of `"auto"` the fastest that the graph's size, density and symmetry admit.

    Where it is not known whether the graph is `symmetric`, that is looked up if it matters.

    Raises:
        ConfigError: for conjugate gradients on a graph that is not symmetric.
    """
    if solver == "auto":
        if num_nodes <= (COMPLETE_NODES if is_complete(edge_index, num_nodes) else DENSE_NODES):
            return "direct"
    elif solver != "conjugate_gradients":
        return solver
    if symmetric is None:
        symmetric = is_symmetric(edge_index, edge_weight, num_nodes)
    if solver == "auto":
        return "conjugate_gradients" if symmetric else "iterative"
    if not symmetric:
        raise ConfigError(
            "solver='conjugate_gradients' needs a symmetric graph, and here an edge has no reverse of the same weight. "
            "Use solver='iterative' or 'direct', or PyG's ToUndirected(reduce='mean')."
        )
    return solver


def weight_matrix(
    edge_index: Int[Tensor, "2 edges"],
    edge_weight: Float[Tensor, " edges"],
    num_nodes: int,
    solver: str,
    iteration: Iteration,
    *,
    symmetric: bool | None = None,
) -> WeightMatrix:
    """The weights as a matrix that solves by `solver`; `"auto"` decides by size, density and symmetry.

    Raises:
        ConfigError: for conjugate gradients on a graph that is not symmetric.
    """
    if symmetric is None:
        symmetric = is_symmetric(edge_index, edge_weight, num_nodes)
    solver = choose_solver(solver, edge_index, edge_weight, num_nodes, symmetric=symmetric)
    if solver == "direct":
        connected = is_connected(edge_index, edge_weight, num_nodes)
        return DenseMatrix(to_dense(edge_index, edge_weight, num_nodes), symmetric=symmetric, connected=connected)
    structure = Structure(edge_index[0], edge_index[1], num_nodes)
    values = edge_weight if structure.order is None else edge_weight[structure.order]
    return SparseMatrix(structure, values, replace(iteration, method=solver), symmetric=symmetric)


def to_dense(
    edge_index: Int[Tensor, "2 edges"], edge_weight: Float[Tensor, " edges"], num_nodes: int
) -> Float[Tensor, "nodes nodes"]:
    """Row `i`, column `j`: what node `i` receives from node `j`; differentiable in the weights."""
    if is_complete(edge_index, num_nodes):
        matrix: Tensor = _Square.apply(edge_weight, num_nodes)  # type: ignore[no-untyped-call]
        return matrix
    dense = edge_weight.new_zeros(num_nodes, num_nodes)
    return dense.index_put((edge_index[1], edge_index[0]), edge_weight, accumulate=True)


class _Square(torch.autograd.Function):
    """The matrix of a complete graph, from where its maker has left it, and the gradient back row by row."""

    @staticmethod
    def forward(ctx: object, edge_weight: Tensor, num_nodes: int) -> Tensor:  # noqa: ARG004
        known = squares.get(edge_weight)
        # A copy: the maker's matrix is not ours to hand on, and would carry no gradient.
        return known.matrix.clone() if known is not None else from_off_diagonal(edge_weight, num_nodes)

    @staticmethod
    @once_differentiable
    def backward(ctx: object, gradient: Tensor) -> tuple[Tensor, None]:  # noqa: ARG004
        return off_diagonal(gradient), None
