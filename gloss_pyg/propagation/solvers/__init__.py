"""Solvers that propagation layers share; each carries its own gradient.

| solver | system | for |
|---|---|---|
| `absorbing_walk` | `(I - T_UU) Y_U = T_UL Y_L`, symmetric weights, a dense Cholesky factor | batches to a few 1000 |
| `fixed_point` | `Y = A Y + B` by messages, gradient from the fixed point | sparse graphs, any weights |
"""
