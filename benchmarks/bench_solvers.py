"""Propagation over k-NN graphs of 1,000 to 100,000 nodes: `python benchmarks/bench_solvers.py`.

Two questions, each on made-up clusters with k = 10, 20 classes, 10 % of the nodes labelled, float32, the graph given,
forward and backward with the gradient for every edge:

* how time grows with the number of edges by conjugate gradients (bars: exponent at most 1.15; 100,000 nodes in at most
  4 s and 1 GB for the process);
* up to which size the dense factor is faster, which is what `solver="auto"` goes by.
"""

import argparse
import math
import resource
import time

import torch
from bars import Bars
from torch import Tensor
from torch_geometric.data import Data

import gloss_pyg.propagation as family
from gloss_pyg.graph import KNNGaussian

CLASSES, DIM = 20, 16
EXPONENT_BAR, TIME_BAR, MEMORY_BAR = 1.15, 4.0, 1000.0


def graph_of(nodes: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Edges and weights of a k-NN graph of clusters, class ids and mask."""
    generator = torch.Generator().manual_seed(nodes)
    labels = torch.randint(0, CLASSES, (nodes,), generator=generator)
    centres = torch.randn(CLASSES, DIM, generator=generator)
    x = centres[labels] + 1.5 * torch.randn(nodes, DIM, generator=generator)
    graph = KNNGaussian(10, sigma=0.5)(Data(x=x))
    assert graph.edge_index is not None
    return graph.edge_index, graph.edge_weight, labels, torch.rand(nodes, generator=generator) < 0.1


def best_seconds(layer: torch.nn.Module, graph: tuple[Tensor, Tensor, Tensor, Tensor], runs: int) -> float:
    """Best of several runs of forward and backward."""
    edge_index, edge_weight, labels, mask = graph
    mixing = torch.rand(labels.size(0), CLASSES, generator=torch.Generator().manual_seed(1))
    best = math.inf
    for _ in range(runs):
        leaf = edge_weight.clone().requires_grad_()
        start = time.perf_counter()
        (layer(labels, edge_index, mask, leaf) * mixing).sum().backward()
        best = min(best, time.perf_counter() - start)
    return best


def main() -> int:
    """Print both tables; exit status 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--layer", default="LabelPropagation", help="a layer that conjugate gradients solve")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000, 3_000, 10_000, 30_000, 100_000])
    parser.add_argument("--dense-sizes", type=int, nargs="*", default=[250, 500, 1_000, 2_000, 4_000])
    args = parser.parse_args()
    make = getattr(family, args.layer)
    print(f"{args.layer}, torch {torch.__version__}, {torch.get_num_threads()} threads, {CLASSES} classes, k=10")
    print(f"{'nodes':>8} {'edges':>9} {'conjugate gradients':>20}")
    times, edges = [], []
    for nodes in args.sizes:
        graph = graph_of(nodes)
        taken = best_seconds(make(solver="conjugate_gradients", num_classes=CLASSES), graph, 5 if nodes < 5e4 else 3)
        times.append(taken)
        edges.append(graph[1].numel())
        print(f"{nodes:>8} {edges[-1]:>9} {taken:>18.3f} s", flush=True)
    exponent = slope([math.log(count) for count in edges], [math.log(taken) for taken in times])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{'nodes':>8} {'direct':>12} {'conjugate gradients':>20} {'ratio':>8}")
    for nodes in args.dense_sizes:
        graph = graph_of(nodes)
        pair = [
            best_seconds(make(solver=solver, num_classes=CLASSES), graph, 10)
            for solver in ("direct", "conjugate_gradients")
        ]
        print(f"{nodes:>8} {pair[0] * 1e3:>9.1f} ms {pair[1] * 1e3:>17.1f} ms {pair[0] / pair[1]:>8.2f}", flush=True)
    bars = Bars()
    bars.at_most("exponent of time in edges", exponent, EXPONENT_BAR, "")
    bars.at_most(f"{args.sizes[-1]} nodes, forward and backward", times[-1], TIME_BAR, " s")
    bars.at_most("peak memory of the process, its making of the graphs included", peak, MEMORY_BAR, " MB")
    return bars.status()


def slope(x: list[float], y: list[float]) -> float:
    """Of the least-squares line."""
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    spread = sum((a - mean_x) ** 2 for a in x)
    return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread


if __name__ == "__main__":
    raise SystemExit(main())
