"""A Cholesky factor of a grounded Laplacian, to full relative accuracy however nearly singular it is.

A symmetric random walk that may leave has the system `N = diag(S 1 + e) - S`, with conductances `S >= 0` between hidden
nodes and exits `e >= 0` to labelled ones. Where a group of nodes is tied to the labelled ones by a weight far below
rounding, ordinary elimination subtracts nearly equal numbers and loses every digit, although the answer (which label
reaches the group first) is well defined. The escalation here is: the working precision; float64; then elimination that
never subtracts.
"""

import torch
from jaxtyping import Float
from torch import Tensor

# Smallest pivot relative to its diagonal entry that a Cholesky factorisation may show; below it digits are gone.
SMALLEST_PIVOT = {torch.float32: 1e-2, torch.float64: 1e-8}


def try_cholesky(matrix: Float[Tensor, "n n"]) -> Float[Tensor, "n n"] | None:
    """The lower Cholesky factor, or `None` where it fails or its pivots are too small to trust."""
    factor: Tensor
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if int(failed):
        return None
    pivots = factor.diagonal().square() / matrix.diagonal()
    if not float(pivots.min()) > SMALLEST_PIVOT[matrix.dtype]:
        return None
    return factor


def grounded_cholesky(conductance: Float[Tensor, "n n"], exits: Float[Tensor, " n"]) -> Float[Tensor, "n n"]:
    """Lower factor `C` of `diag(S 1 + e) - S = C C^T`, by elimination without subtraction, in float64.

    The Schur complement of a grounded Laplacian is one again: eliminating node `k` with pivot `p = sum_j S_kj + e_k`
    adds `S_ki S_kj / p` to `S_ij` and `S_ki e_k / p` to `e_i`. Diagonals are summed from these afresh instead of being
    updated by subtraction, so that every entry keeps its relative accuracy (the idea of Grassmann, Taksar & Heyman,
    Operations Research 33, 1985, for Markov chains). `O(n^3)`, a step a node: the last resort.
    """
    n = conductance.size(0)
    between, exits = conductance.double().clone(), exits.double().clone()
    factor = torch.zeros_like(between)
    smallest = torch.finfo(torch.float64).tiny
    for k in range(n):
        row = between[k, k + 1 :]
        pivot = (row.sum() + exits[k]).clamp(min=smallest)
        share = row / pivot
        factor[k, k] = pivot.sqrt()
        factor[k + 1 :, k] = -row / pivot.sqrt()
        exits[k + 1 :] += share * exits[k]
        between[k + 1 :, k + 1 :] += torch.outer(share, row)
    return factor
