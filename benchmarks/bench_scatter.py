"""Whether the extra `scatter` (torch-scatter) pays: `python benchmarks/bench_scatter.py`.

PyG's reductions over edges take torch-scatter where it is installed. Here they run with and without it in alternation,
on the edges of a k-NN graph of 100,000 nodes and of a batch's complete graph; then a whole propagation, forward and
backward. A ratio above 1 says that torch-scatter is the faster one.
"""

import time
from collections.abc import Callable

import torch
import torch_geometric.typing
from bars import skip
from torch import Tensor
from torch_geometric.utils import scatter, segment

from gloss_pyg.propagation import LabelPropagation

RUNS = 7


def switched(present: bool) -> None:
    """Let PyG think that torch-scatter is installed, or not."""
    torch_geometric.typing.WITH_TORCH_SCATTER = present


def compare(name: str, step: Callable[[], object]) -> None:
    """Print the best times of both, taken in turn."""
    best = {True: float("inf"), False: float("inf")}
    for _ in range(RUNS):
        for present in best:
            switched(present)
            start = time.perf_counter()
            step()
            best[present] = min(best[present], time.perf_counter() - start)
    ratio = best[False] / best[True]
    print(f"{name:44} {best[False] * 1e3:>9.1f} ms {best[True] * 1e3:>9.1f} ms {ratio:>7.2f}x", flush=True)


def ring(nodes: int, reach: int) -> Tensor:
    """Each node tied to the `reach` next ones, both directions, sorted by target."""
    source = torch.arange(nodes).repeat_interleave(reach)
    target = (source + torch.arange(1, reach + 1).repeat(nodes)) % nodes
    both = torch.stack([torch.cat([source, target]), torch.cat([target, source])])
    return both[:, both[1].argsort(stable=True)]


def main() -> None:
    """Print a row for each reduction."""
    if not torch_geometric.typing.WITH_TORCH_SCATTER:
        skip('torch-scatter is not installed (pip install "gloss-pyg[scatter]")')
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, best of {RUNS}")
    print(f"{'':44} {'without':>12} {'with':>12} {'ratio':>8}")
    for nodes, reach, columns in ((100_000, 7, 20), (100_000, 7, 1), (128, 64, 20)):
        edge_index = ring(nodes, reach)
        values = torch.rand(edge_index.size(1), columns)
        pointer = torch.cat([torch.zeros(1, dtype=torch.long), torch.bincount(edge_index[1]).cumsum(0)])
        name = f"{edge_index.size(1)} edges, {columns} columns"
        for reduce in ("sum", "max"):
            run = lambda reduce=reduce: scatter(values, edge_index[1], dim_size=nodes, reduce=reduce)  # noqa: B023, E731
            compare(f"scatter {reduce}, {name}", run)
        compare(f"segment sum, {name}", lambda: segment(values, pointer, reduce="sum"))  # noqa: B023
    edge_index = ring(100_000, 7)
    labels, mask = torch.arange(100_000) % 20, torch.arange(100_000) % 10 == 0
    layer = LabelPropagation(solver="conjugate_gradients", num_classes=20)

    def step() -> None:
        weight = torch.ones(edge_index.size(1), requires_grad=True)
        layer(labels, edge_index, mask, weight).square().sum().backward()

    compare("LabelPropagation by conjugate gradients", step)


if __name__ == "__main__":
    main()
