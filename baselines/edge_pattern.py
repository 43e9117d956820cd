"""Where a matrix has entries, each counted as one, and products that leave some of them out."""

from functools import partial
from typing import Any, final

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from baselines.propagation_matrix import multiply, to_torch


@final
class EdgePattern:
    """Products with the transpose of a matrix's pattern.

    Args:
        matrix: `[n, m]`; its values do not matter.

    Example:
        >>> pattern = EdgePattern(sp.csr_array(np.array([[0.0, 5.0], [7.0, 7.0]])))
        >>> pattern(torch.tensor([[1.0], [10.0]])).squeeze(1).tolist()
        [10.0, 11.0]
    """

    def __init__(self, matrix: sp.csr_array[Any, Any], device: torch.device | None = None) -> None:
        numbers = np.arange(matrix.nnz, dtype=np.int64)
        transposed = sp.csr_array((numbers, matrix.indices, matrix.indptr), shape=matrix.shape).T.tocsr()
        self._order = torch.from_numpy(transposed.data).to(device)  # of an entry of the transpose, in the matrix
        ones = np.ones(matrix.nnz, dtype=np.float32)
        self._matrix = to_torch(sp.csr_array((ones, matrix.indices, matrix.indptr), shape=matrix.shape)).to(device)
        ones_there = sp.csr_array((ones, transposed.indices, transposed.indptr), shape=transposed.shape)
        self._transposed = to_torch(ones_there).to(device)

    def __call__(self, x: Tensor) -> Tensor:
        """The transposed pattern times `x [n, k]`, differentiable in `x`."""
        return multiply(x, partial(torch.matmul, self._transposed), partial(torch.matmul, self._matrix))

    def thinned(self, x: Tensor, share: float) -> Tensor:
        """The same with a random share of the entries left out and the others grown in its place, as in dropout."""
        values = (torch.rand(len(self._order), device=x.device) >= share).to(x.dtype) / (1 - share)
        transposed = _with_values(self._transposed, values[self._order])
        return multiply(x, partial(torch.matmul, transposed), partial(torch.matmul, _with_values(self._matrix, values)))


def _with_values(matrix: Tensor, values: Tensor) -> Tensor:
    crow, columns = matrix.crow_indices(), matrix.col_indices()
    return torch.sparse_csr_tensor(crow, columns, values, size=matrix.shape, check_invariants=False)
