"""Solvers that propagation layers share; each carries its own gradient, and memory never grows with iterations.

| what | solves | for |
|---|---|---|
| `WeightMatrix.solve_grounded` | `(diag(W 1 + exits) - W) X = R` among free nodes | most layers |
| `WeightMatrix.solve` | `M(W) X = R`, any symmetric positive definite operator made of `W` | the others |
| `solve_far_rows` | the same, where conjugate gradients see only noise | documents far from all labels |
| `exponential` | `exp(t S) Y`, `S` symmetric with eigenvalues in [-1, 1] | heat kernels |
| `absorbing_walk` | the published label propagation, in the fewest operations | `LabelPropagation` in a batch |
| `fixed_point` | `X = A X + B` by messages | any weights, directed ones too |

`weight_matrix(edge_index, edge_weight, num_nodes, solver, iteration)` gives a `WeightMatrix`, whose systems are solved
by `solver`: `"direct"` (dense Cholesky, LU where directed), `"conjugate_gradients"` (sparse, symmetric), `"iterative"`
(messages), or `"auto"`, which picks by size and sparsity.
"""
