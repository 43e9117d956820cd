from fractions import Fraction

import pytest
import torch

from gloss_pyg.propagation.solvers.grounded import grounded_cholesky, try_cholesky


def exact_solution(conductance, exits, right):
    """Gauss-Jordan elimination of `(diag(S 1 + e) - S) z = b` in rational numbers."""
    n = len(exits)
    rows = [
        [
            (sum(conductance[i]) + exits[i] if i == j else Fraction(0)) - (conductance[i][j] if i != j else 0)
            for j in range(n)
        ]
        + [right[i]]
        for i in range(n)
    ]
    for k in range(n):
        rows[k] = [value / rows[k][k] for value in rows[k]]
        for i in range(n):
            if i != k:
                rows[i] = [a - rows[i][k] * b for a, b in zip(rows[i], rows[k], strict=True)]
    return [float(row[n]) for row in rows]


def nearly_disconnected():
    """Two groups of three, tied to each other by 1e-25 and to the labelled nodes by 1e-30 and 3e-30."""
    n = 6
    s = torch.zeros(n, n, dtype=torch.float64)
    for group in (range(3), range(3, 6)):
        for i in group:
            for j in group:
                if i != j:
                    s[i, j] = 1 + 0.25 * (i * j)
    s[2, 3] = s[3, 2] = 1e-25
    exits = torch.tensor([1e-30, 0, 0, 0, 0, 3e-30], dtype=torch.float64)
    return s, exits


def test_factor_solves_to_full_relative_accuracy_where_plain_cholesky_cannot():
    s, exits = nearly_disconnected()
    matrix = torch.diag(s.sum(1) + exits) - s
    assert try_cholesky(matrix) is None
    fractions = [[Fraction(float(v)) for v in row] for row in s]
    for source in (0, 5):  # what arrives from the one and the other labelled node
        right = torch.zeros(6, 1, dtype=torch.float64)
        right[source] = exits[source]
        expected = exact_solution(fractions, [Fraction(float(e)) for e in exits], [Fraction(float(b)) for b in right])
        found = torch.cholesky_solve(right, grounded_cholesky(s, exits)).squeeze(1)
        assert found.tolist() == pytest.approx(expected, rel=1e-12)
        assert 0.2 < expected[0] < 0.8  # neither group belongs wholly to one: the exits decide by their ratio


def test_factor_of_an_easy_matrix_is_cholesky():
    generator = torch.Generator().manual_seed(0)
    s = torch.rand(7, 7, generator=generator, dtype=torch.float64)
    s = (s + s.T).fill_diagonal_(0)
    exits = torch.rand(7, generator=generator, dtype=torch.float64)
    matrix = torch.diag(s.sum(1) + exits) - s
    torch.testing.assert_close(grounded_cholesky(s, exits), torch.linalg.cholesky(matrix), rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(try_cholesky(matrix), torch.linalg.cholesky(matrix), rtol=0, atol=0)
