import importlib.util
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gloss_pyg.errors import MissingExtraError
from gloss_pyg.graph import candidates, neighbours
from gloss_pyg.graph.candidates import nearest_candidates
from gloss_pyg.graph.distances import unit_rows
from gloss_pyg.graph.neighbours import nearest_neighbours


def plain(rows, k, references=None):
    """Sorted by distance in float64 by differences, rounded to float32, then by index."""
    x = rows.double().numpy()
    y = x if references is None else references.double().numpy()
    pairs = []
    for i, row in enumerate(x):
        squares = ((row - y) ** 2).sum(axis=1)
        squares[squares < 1e-14] = 0
        order = np.lexsort((np.arange(len(y)), squares.astype(np.float32)))
        order = [j for j in order if references is not None or j != i][:k]
        pairs += [[i, j] for j in sorted(order)]
    return pairs


@pytest.fixture
def many(monkeypatch):
    """The search for many rows, on few: small tiles, few rows in float64 at a time."""
    monkeypatch.setattr(neighbours, "BLOCK", 100)
    monkeypatch.setattr(neighbours, "REFERENCES", 30)
    monkeypatch.setattr(candidates, "TILE", 16)
    monkeypatch.setattr(candidates, "LARGE_TILE", 24)
    monkeypatch.setattr(candidates, "CHUNK", 7)
    monkeypatch.setattr(candidates, "WAITING", 40)


def rows_of(kind, n, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 6, generator=generator, dtype=dtype)
    if kind == "clusters":  # two far apart, each so tight that float32 products cannot order them
        x = torch.where(torch.arange(n)[:, None] % 2 == 0, 1.0, -1.0) + 1e-4 * x
    if kind == "copies":
        x = x[torch.randint(max(n // 9, 1), (n,), generator=generator)]
    if kind == "equal":
        x = torch.ones(n, 6, dtype=dtype)
    if kind == "sorted":
        x = torch.stack([torch.linspace(0, 1, n, dtype=dtype), torch.ones(n, dtype=dtype)], dim=1)
    return unit_rows(x)[0]


@pytest.mark.parametrize("kind", ["spread", "clusters", "copies", "equal", "sorted"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_rows_have_the_neighbours_of_a_plain_search(kind, dtype, many):
    rows = rows_of(kind, 77, dtype=dtype)
    assert nearest_neighbours(rows, 5).T.tolist() == plain(rows, 5)


@pytest.mark.parametrize("kind", ["spread", "clusters", "copies", "equal"])
def test_new_rows_find_their_neighbours_among_others(kind, many):
    rows, references = rows_of(kind, 41, seed=1), rows_of(kind, 58)
    assert nearest_neighbours(rows, 4, references).T.tolist() == plain(rows, 4, references)


@pytest.mark.parametrize("kind", ["spread", "clusters", "copies", "equal"])
def test_few_rows_too(kind):
    rows, references = rows_of(kind, 12, seed=1), rows_of(kind, 30)
    assert nearest_neighbours(references, 4).T.tolist() == plain(references, 4)
    assert nearest_neighbours(rows, 4, references).T.tolist() == plain(rows, 4, references)


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(30, 90),
    k=st.integers(1, 12),
    seed=st.integers(0, 10**6),
    kind=st.sampled_from(["spread", "clusters", "copies"]),
)
def test_any_size_of_tile_and_corpus(n, k, seed, kind):
    rows = rows_of(kind, n, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "BLOCK", 60)
        patch.setattr(candidates, "LARGE_TILE", 8 * (1 + seed % 5))
        patch.setattr(candidates, "SMALL_CORPUS", 0)
        assert nearest_neighbours(rows, k).T.tolist() == plain(rows, k)


@pytest.mark.parametrize("kind", ["spread", "clusters", "copies"])
def test_the_bound_holds(kind):
    rows = rows_of(kind, 300)
    found = nearest_candidates(rows, None, 20)
    exact = (rows.double()[:, None] - rows.double()[found.index]).square().sum(dim=2) / 2
    assert bool(((found.halves - exact).abs() <= found.error[:, None]).all())
    everything = torch.cdist(rows.double(), rows.double()).square() / 2
    everything.scatter_(1, found.index, torch.inf).fill_diagonal_(torch.inf)
    assert bool((everything.amin(dim=1) >= found.halves[:, -1] - found.error).all())


def test_doubt_is_settled_in_float64(many, monkeypatch):
    """Rows that float32 cannot order are searched again; without that their neighbours would be wrong."""
    rows = rows_of("clusters", 77)
    asked = []
    by_all_pairs = neighbours._by_all_pairs
    monkeypatch.setattr(neighbours, "_by_all_pairs", lambda *args: asked.append(args[1]) or by_all_pairs(*args))
    right = nearest_neighbours(rows, 5)
    assert sum(part.numel() for part in asked) > 70
    monkeypatch.setattr(candidates, "error_bound", lambda halves, radius, dim: torch.zeros(halves.size(0)).double())
    assert not torch.equal(nearest_neighbours(rows, 5), right)


def test_shorter_formats_of_the_caller_change_nothing(many):
    rows = unit_rows(torch.randn(700, 64, generator=torch.Generator().manual_seed(0)))[0]
    expected = nearest_neighbours(rows, 5)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert torch.equal(nearest_neighbours(rows, 5), expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")


def test_fewer_rows_than_neighbours(many):
    assert nearest_neighbours(torch.zeros(1, 3), 4).shape == (2, 0)
    assert nearest_neighbours(torch.zeros(0, 3), 4).shape == (2, 0)
    assert nearest_neighbours(torch.zeros(0, 3), 4, torch.zeros(2, 3)).shape == (2, 0)
    assert nearest_neighbours(torch.eye(3), 9).tolist() == [[0, 0, 1, 1, 2, 2], [1, 2, 0, 2, 0, 1]]
    assert nearest_neighbours(torch.eye(3)[:1], 9, torch.eye(3)).tolist() == [[0, 0, 0], [0, 1, 2]]


@pytest.mark.skipif(importlib.util.find_spec("faiss") is None, reason="needs the extra knn")
@pytest.mark.parametrize("kind", ["spread", "clusters", "copies", "equal"])
def test_faiss_finds_the_same(kind, many):
    rows, references = rows_of(kind, 41, seed=1), rows_of(kind, 77)
    assert nearest_neighbours(references, 5, search="faiss").T.tolist() == plain(references, 5)
    assert nearest_neighbours(rows, 5, references, search="faiss").T.tolist() == plain(rows, 5, references)


def test_without_faiss_the_error_names_the_extra(many, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"gloss-pyg\[knn\]"):
        nearest_neighbours(torch.eye(60), 3, search="faiss")
