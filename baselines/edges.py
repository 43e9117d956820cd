"""Between a sparse symmetric matrix and the edge list of a `Data`."""

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.data import Data

from gloss_pyg.errors import DataError
from gloss_pyg.graph.edges import mark_symmetric


def join_blocks(document_word: sp.csr_array[Any, Any], word_word: sp.csr_array[Any, Any]) -> sp.csr_array[Any, Any]:
    """The matrix `[[0, B], [B', W]]` of documents, then words; columns are sorted if those of the blocks are."""
    documents, words = document_word.shape
    shifted = (document_word.data, document_word.indices + documents, document_word.indptr)
    upper = sp.csr_array(shifted, shape=(documents, documents + words))
    lower = sp.hstack([document_word.T.tocsr(), word_word], format="csr")
    return sp.csr_array(sp.vstack([upper, lower], format="csr"))


def set_edges(data: Data, matrix: sp.csr_array[Any, Any]) -> Data:
    """Give `data` the entries of a symmetric matrix as edges, row by row, marked symmetric."""
    edges = np.empty((2, matrix.nnz), dtype=np.int64)
    edges[0] = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    edges[1] = matrix.indices
    data.edge_index, data.edge_weight = torch.from_numpy(edges), torch.from_numpy(matrix.data)
    mark_symmetric(data.edge_index, data.edge_weight)
    return data


def edges_of(data: Data) -> tuple[Tensor, Tensor]:
    """Edge list and weights, which a `Data` might lack.

    Raises:
        DataError: if it does.
    """
    if data.edge_index is None or data.edge_weight is None:
        raise DataError("Expected a graph with edge_index and edge_weight, as CorpusGraph.build makes it.")
    return data.edge_index, data.edge_weight


def edge_matrix(data: Data) -> sp.csr_array[Any, Any]:
    """The weights as a matrix `[N, N]`; edges must be sorted by source, as `set_edges` leaves them."""
    size = int(data.num_nodes or 0)
    edge_index, edge_weight = edges_of(data)
    pointers = np.concatenate([[0], np.bincount(edge_index[0].numpy(), minlength=size).cumsum()])
    columns = edge_index[1].numpy().astype(np.int32)
    if len(columns) < np.iinfo(np.int32).max:
        pointers = pointers.astype(np.int32)
    return sp.csr_array((edge_weight.numpy(), columns, pointers), shape=(size, size))
