r"""The normalised adjacency of a corpus graph, and products with it that can be differentiated.

.. math:: \hat A = D^{-1/2} (A + I) D^{-1/2}, \qquad D_{ii} = 1 + \sum_j A_{ij}

It is symmetric, so that backward multiplies by the very same matrix and no transpose is stored.
"""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data

from baselines.edges import edge_matrix

# Cells of a tile along one side, and the share of entries from which a tile is kept dense. A row of 200 numbers costs
# about 160 ns an entry in a sparse product and 6 ns a cell in a dense one (measured on one core with AVX-512).
_TILE = 1024
_DENSE = 0.06
_MOST_CELLS = 64 * 2**20


def normalise(data: Data) -> tuple[sp.csr_array[Any, Any], NDArray[np.float64]]:
    """The normalised adjacency `[N, N]` in float32, self-loops of weight 1 included, and the degrees `[N]`.

    Example:
        >>> from baselines.corpus_graph import CorpusGraph
        >>> matrix, degree = normalise(CorpusGraph().build(["a", "b"]))
        >>> matrix.toarray()[0].round(3), degree.round(3)
        (array([0.591, 0.   , 0.409, 0.   ], dtype=float32), array([1.693, 1.693, 1.693, 1.693]))
    """
    weights = edge_matrix(data)
    degree = 1 + np.asarray(weights.sum(axis=1), dtype=np.float64)
    scale = 1 / np.sqrt(degree)
    matrix = sp.csr_array(weights + sp.eye_array(weights.shape[0], format="csr"))
    matrix.data *= np.repeat(scale, np.diff(matrix.indptr))
    matrix.data *= scale[matrix.indices]
    return matrix.astype(np.float32), degree


def to_torch(matrix: sp.csr_array[Any, Any]) -> Tensor:
    """The same matrix for torch, with the index type that its sparse products need least memory for."""
    index = torch.int32 if max(matrix.nnz, *matrix.shape) < np.iinfo(np.int32).max else torch.int64
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr).to(index),
            torch.from_numpy(matrix.indices).to(index),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            check_invariants=False,
        )


class SymmetricProduct:
    """Products of a sparse symmetric matrix, whose crowded corners are kept dense, with tall matrices.

    A corpus graph has some words that stand beside thousands of others. With nodes sorted by degree these make up a
    corner where every tenth entry or so is there, which a dense product passes many times faster than a sparse one.

    Args:
        matrix: Symmetric `[N, N]`, float32; rows sorted by falling number of entries gain the most.

    Example:
        >>> import scipy.sparse
        >>> product = SymmetricProduct(scipy.sparse.csr_array(np.array([[0, 2], [2, 1]], dtype=np.float32)))
        >>> x = torch.tensor([[1.0], [10.0]], requires_grad=True)
        >>> product(x).squeeze(1).tolist()
        [20.0, 12.0]
    """

    def __init__(self, matrix: sp.csr_array[Any, Any]) -> None:
        rest, tiles = _take_tiles(matrix)
        self._rest = to_torch(rest)
        self._tiles = [
            (slice(row, row + t.shape[0]), slice(column, column + t.shape[1]), t) for row, column, t in tiles
        ]

    def to(self, device: torch.device) -> "SymmetricProduct":
        """Move the matrix to a device; returns itself."""
        self._rest = self._rest.to(device)
        self._tiles = [(rows, columns, tile.to(device)) for rows, columns, tile in self._tiles]
        return self

    def __call__(self, x: Tensor) -> Tensor:
        """`matrix @ x` for `x [N, k]`, differentiable in `x`."""
        return multiply(x, self.apply, self.apply)

    def apply(self, x: Tensor) -> Tensor:
        """`matrix @ x`, not recorded for gradients."""
        result = self._rest @ x
        for rows, columns, tile in self._tiles:
            result[rows].addmm_(tile, x[columns])
            if rows != columns:  # its mirror image is not stored
                result[columns].addmm_(tile.T, x[rows])
        return result


class RowProduct:
    """Products of some rows of a matrix with tall matrices; the transpose is kept too.

    Args:
        matrix: `[n, N]`, float32.
    """

    def __init__(self, matrix: sp.csr_array[Any, Any], device: torch.device | None = None) -> None:
        self._product = partial(torch.matmul, to_torch(matrix).to(device))
        self._transposed = partial(torch.matmul, to_torch(matrix.T.tocsr()).to(device))

    def __call__(self, x: Tensor) -> Tensor:
        """`matrix @ x` for `x [N, k]`, differentiable in `x`."""
        return multiply(x, self._product, self._transposed)

    def transposed(self, x: Tensor) -> Tensor:
        """`matrix.T @ x` for `x [n, k]`, differentiable in `x`."""
        return multiply(x, self._transposed, self._product)


def multiply(x: Tensor, product: Callable[[Tensor], Tensor], transposed: Callable[[Tensor], Tensor]) -> Tensor:
    """A constant matrix times `x`, differentiable in `x`, from its product and that of its transpose."""
    result: Tensor = _Multiply.apply(x, product, transposed)  # type: ignore[no-untyped-call]
    return result


class _Multiply(torch.autograd.Function):
    """A product with a constant matrix: its derivative is a product with the transpose."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, product: Any, transposed: Any) -> Tensor:
        ctx.transposed = transposed
        return product(x)  # type: ignore[no-any-return]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return ctx.transposed(gradients[0]), None, None


def _take_tiles(matrix: sp.csr_array[Any, Any]) -> tuple[sp.csr_array[Any, Any], list[tuple[int, int, Tensor]]]:
    """Split a symmetric matrix into dense tiles on and above the diagonal, and a sparse rest."""
    size = matrix.shape[0]
    side = -(-size // _TILE)
    rows = np.repeat(np.arange(size, dtype=np.int32), np.diff(matrix.indptr))
    tile = (rows // _TILE) * side + matrix.indices // _TILE
    counts = np.bincount(tile, minlength=side * side).reshape(side, side)
    lengths = np.minimum(size - _TILE * np.arange(side), _TILE)
    cells = np.outer(lengths, lengths)
    share = np.triu(counts / np.maximum(cells, 1))
    fullest = np.argsort(-share, axis=None, kind="stable")
    kept = fullest[(share.flat[fullest] >= _DENSE) & (cells.flat[fullest].cumsum() <= _MOST_CELLS)]
    is_kept = np.zeros((side, side), dtype=bool)
    is_kept.flat[kept] = True
    is_dense = (is_kept | is_kept.T).flat[tile]
    tiles = []
    for row, column in zip(*np.divmod(kept, side), strict=True):
        dense = matrix[row * _TILE : (row + 1) * _TILE, column * _TILE : (column + 1) * _TILE].toarray()
        tiles.append((int(row) * _TILE, int(column) * _TILE, torch.from_numpy(dense)))
    left = np.concatenate([[0], np.bincount(rows[~is_dense], minlength=size).cumsum()]).astype(matrix.indptr.dtype)
    rest = sp.csr_array((matrix.data[~is_dense], matrix.indices[~is_dense], left), shape=matrix.shape)
    return rest, tiles
