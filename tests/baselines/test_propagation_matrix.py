"""The normalised adjacency and its products against dense matrices in float64."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines import propagation_matrix
from baselines.corpus_graph import CorpusGraph, attach_documents
from baselines.edges import edge_matrix
from baselines.propagation_matrix import RowProduct, SymmetricProduct, normalise


def symmetric(size, density, seed):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.random((size, size)) * (rng.random((size, size)) < density))
    dense = (upper + np.triu(upper, 1).T).astype(np.float32)
    return sp.csr_array(dense), torch.from_numpy(dense).double()


def test_normalised_adjacency():
    data = attach_documents(CorpusGraph().build(["red apple pie", "green apple", "", "car car"]), ["red car", "?"])
    weights = edge_matrix(data).toarray() + np.eye(data.num_nodes)
    scale = np.diag(weights.sum(axis=1) ** -0.5)
    matrix, degree = normalise(data)
    np.testing.assert_allclose(degree, weights.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(matrix.toarray(), scale @ weights @ scale, rtol=1e-6)
    assert matrix.dtype == np.float32
    assert matrix.indices.dtype == np.int32


@given(
    st.integers(1, 17),
    st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    st.integers(1, 8),
    st.sampled_from([1e-9, 0.3, 2.0]),
    st.sampled_from([0, 10, 1000]),
)
@settings(deadline=None)
def test_symmetric_product_is_the_dense_one(size, density, tile, share, cells):
    matrix, dense = symmetric(size, density, seed=size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(propagation_matrix, "_TILE", tile)
        patch.setattr(propagation_matrix, "_DENSE", share)  # from every tile dense to none
        patch.setattr(propagation_matrix, "_MOST_CELLS", cells)
        product = SymmetricProduct(matrix)
    x = torch.randn(size, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    weight = torch.randn(size, 3, generator=torch.Generator().manual_seed(1))
    result = product(x)
    torch.testing.assert_close(result.double(), dense @ x.double(), rtol=1e-5, atol=1e-5)
    (result * weight).sum().backward()
    torch.testing.assert_close(x.grad.double(), dense.T @ weight.double(), rtol=1e-5, atol=1e-5)


def test_crowded_corners_leave_the_sparse_part():
    matrix, _ = symmetric(3000, 0.001, seed=0)
    dense = matrix.tolil()
    dense[:1024, 1024:2048] = 1
    dense[1024:2048, :1024] = 1
    product = SymmetricProduct(sp.csr_array(dense.tocsr(), dtype=np.float32))
    assert [(rows.start, columns.start) for rows, columns, _ in product._tiles] == [(0, 1024)]
    assert product._rest.values().numel() < 3000**2 * 0.001


def test_row_product_and_its_gradient():
    rows = sp.csr_array(np.array([[0, 2, 0], [1, 0, 3]], dtype=np.float32))
    x = torch.randn(3, 2, requires_grad=True)
    result = RowProduct(rows)(x)
    torch.testing.assert_close(result, torch.from_numpy(rows.toarray()) @ x)
    result.square().sum().backward()
    torch.testing.assert_close(x.grad, torch.from_numpy(rows.toarray()).T @ (2 * result.detach()))
