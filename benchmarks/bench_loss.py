"""Time of the loss, forward and backward, against the published recipe: `python benchmarks/bench_loss.py`.

Both run in alternation on the same embeddings; the best of several runs of each is compared, since other work on the
machine stalls small problems tenfold. Two forms of the recipe are timed: with the diagonal matrices of its
normalisation multiplied out, as published, and a kinder one that broadcasts them.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from bars import Bars
from published_recipe import published_loss

from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss
from gloss_pyg.propagation import LabelPropagation

BARS = {128: 2.0, 512: 8.0, 2048: 20.0}


def seconds(step: Callable[[], torch.Tensor]) -> float:
    """Wall time of one forward and backward."""
    start = time.perf_counter()
    step().backward()
    return time.perf_counter() - start


def best_seconds(size: int, dim: int, classes: int, sigma: float) -> dict[str, float]:
    """Best of several alternating runs of each form."""
    torch.manual_seed(0)
    embeddings = torch.randn(size, dim, requires_grad=True)
    labels = torch.randint(0, classes, (size,))
    mask = torch.rand(size) < 0.6
    loss = GLoss(DenseGaussian(sigma), LabelPropagation(), num_classes=classes)
    recipe = partial(published_loss, embeddings, labels, mask, sigma=sigma, num_classes=classes)
    steps: dict[str, Callable[[], torch.Tensor]] = {
        "published": recipe,
        "broadcast": partial(recipe, broadcast=True),
        "gloss_pyg": lambda: loss(embeddings, labels, mask),
    }
    best = dict.fromkeys(steps, float("inf"))
    for run in range(3 + max(5, 20_000 // size)):
        for name, step in steps.items():
            taken = seconds(step)
            if run >= 3:
                best[name] = min(best[name], taken)
            embeddings.grad = None
    return best


def main() -> int:
    """Print a row for each batch size, then the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=sorted(BARS))
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--sigma", type=float, default=0.68)
    args, bars = parser.parse_args(), Bars()
    reached: dict[int, float] = {}
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, d={args.dim}, {args.classes} classes")
    print(f"{'B':>6} {'published':>12} {'broadcast':>12} {'gloss_pyg':>12} {'ratio':>8} {'broadcast':>10}")
    for size in args.sizes:
        best = best_seconds(size, args.dim, args.classes, args.sigma)
        ours = best["gloss_pyg"]
        times = " ".join(f"{value * 1e3:>9.2f} ms" for value in best.values())
        ratios = f"{best['published'] / ours:>7.1f}x {best['broadcast'] / ours:>9.1f}x"
        print(f"{size:>6} {times} {ratios}", flush=True)
        reached[size] = best["published"] / ours
    for size in sorted(set(reached) & set(BARS)):
        bars.at_least(f"published recipe / ours, B={size}", reached[size], BARS[size])
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
