import pytest
import torch

from gloss_pyg.graph import complete_edge_index
from gloss_pyg.graph.edges import (
    find_reverse,
    from_off_diagonal,
    is_complete,
    is_marked_symmetric,
    is_symmetric,
    mark_symmetric,
    off_diagonal,
    weight_bounds,
)


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_complete_edges_in_order(n):
    pairs = [[j, i] for i in range(n) for j in range(n) if i != j]
    assert complete_edge_index(n).T.tolist() == pairs
    assert is_complete(complete_edge_index(n), n)
    assert not is_complete(complete_edge_index(n).clone(), n)


def test_writing_into_the_shared_edges_harms_nobody():
    edges = complete_edge_index(6)
    expected = edges.tolist()
    edges.fill_(0)
    assert not is_complete(edges, 6)
    assert complete_edge_index(6).tolist() == expected


def test_many_sizes_are_not_kept_for_ever():
    first = complete_edge_index(3)
    for n in range(10, 20):
        complete_edge_index(n)
    assert not is_complete(first, 3)
    assert complete_edge_index(3).tolist() == first.tolist()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 8])
def test_off_diagonal_and_back(n):
    square = torch.arange(1.0, n * n + 1).view(n, n)
    edges = off_diagonal(square)
    assert edges.tolist() == [float(square[i, j]) for i in range(n) for j in range(n) if i != j]
    back = from_off_diagonal(edges, n)
    assert torch.equal(back, square - torch.diag(square.diagonal()))
    assert torch.equal(off_diagonal(back), edges)
    assert torch.equal(off_diagonal(square.T), off_diagonal(square.T.contiguous()))


def test_reverse_edges():
    edges = torch.tensor([[0, 1, 2, 1, 2], [1, 0, 1, 2, 2]])
    reverse = find_reverse(edges, 3)
    assert reverse.tolist() == [1, 0, 3, 2, 4]
    assert find_reverse(edges[:, :4].flip(0), 3).tolist() == [1, 0, 3, 2]
    assert find_reverse(edges[:, :3], 3) is None
    assert find_reverse(torch.tensor([[0, 1, 0, 1], [1, 0, 1, 0]]), 2) is None
    assert find_reverse(torch.zeros(2, 0, dtype=torch.long), 3).tolist() == []


def test_symmetry_to_a_millionth():
    edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    assert is_symmetric(edges, torch.tensor([1.0, 1.0, 2.0, 2.0]), 3)
    assert is_symmetric(edges, torch.tensor([1.0, 1 + 5e-7, 2.0, 2.0], dtype=torch.float64), 3)
    assert not is_symmetric(edges, torch.tensor([1.0, 1 + 3e-6, 2.0, 2.0], dtype=torch.float64), 3)
    assert not is_symmetric(edges, torch.tensor([1e-20, 2e-20, 2.0, 2.0]), 3)  # relative to the larger of the two
    assert not is_symmetric(edges[:, :3], torch.ones(3), 3)
    complete = complete_edge_index(3)
    assert is_symmetric(complete, off_diagonal(torch.tensor([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]])), 3)
    assert not is_symmetric(complete, off_diagonal(torch.tensor([[0.0, 1, 2], [1, 0, 3], [2, 4, 0]])), 3)


def test_a_mark_does_not_outlive_a_write():
    edges, weight = torch.tensor([[0, 1], [1, 0]]), torch.tensor([1.0, 1.0])
    mark_symmetric(edges, weight)
    assert is_marked_symmetric(edges, weight)
    assert not is_marked_symmetric(edges.clone(), weight)
    weight[0] = 5.0
    assert not is_marked_symmetric(edges, weight)
    assert not is_symmetric(edges, weight, 2)
    mark_symmetric(edges, weight)
    edges[0, 0] = 1
    assert not is_marked_symmetric(edges, weight)


def test_bounds_are_looked_up_again_after_a_write():
    weight = torch.tensor([0.5, 0.25])
    assert weight_bounds(weight) == (0.25, 0.5)
    weight[1] = 3.0
    assert weight_bounds(weight) == (0.5, 3.0)
    assert weight_bounds(torch.zeros(0)) == (0.0, 0.0)
