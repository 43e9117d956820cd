"""Random batches, most of them hostile, through the loss: `python benchmarks/bench_robustness.py [batches]`.

Sizes 1 to 64, 1 to 20 classes, any labels (none among them), scattered, equal and near-equal rows of any length, sigma
from 1e-6 to 1e6 and every rule for it, both graphs, both solvers, four number formats. Bar: no NaN, no infinity, no
crash, in loss and gradient. Exit status 1 where it is missed, with what draws the batch again.
"""

import argparse
import math
import time
import warnings
from collections import Counter
from dataclasses import dataclass

import torch
from torch import Tensor

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss
from gloss_pyg.propagation import LabelPropagation


@dataclass
class Case:
    """One batch, the loss it goes through, and a line that describes both."""

    embeddings: Tensor
    labels: Tensor
    mask: Tensor | None
    loss: GLoss
    name: str


def pick(generator: torch.Generator, *choices: object) -> object:
    """One of the choices, equally likely."""
    return choices[int(torch.randint(len(choices), (), generator=generator))]


def draw(seed: int) -> Case:
    """The batch of a seed."""
    generator = torch.Generator().manual_seed(seed)
    n, classes = (int(torch.randint(1, high + 1, (), generator=generator)) for high in (64, 20))
    dim = int(torch.randint(1, 33, (), generator=generator))
    x = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    shape = pick(generator, "scattered", "equal", "near", "pairs", "clusters", "opposite", "zeros", "lengths")
    if shape == "equal":
        x = x[:1].repeat(n, 1)
    elif shape == "near":
        x = x[:1] + 10.0 ** float(-12 * torch.rand((), generator=generator)) * x
    elif shape == "pairs":
        x = x[torch.randint(0, max(n // 2, 1), (n,), generator=generator)]
    elif shape == "clusters":
        x = 3 * x[torch.randint(0, min(n, 3), (n,), generator=generator)] + 1e-3 * x
    elif shape == "opposite":
        x = x[:1] * torch.randn(n, 1, generator=generator, dtype=torch.float64).sign()
    elif shape == "zeros":
        x = x * (torch.rand(n, 1, generator=generator) < 0.5)
    elif shape == "lengths":
        x = x * 10.0 ** (30 * torch.rand(n, 1, generator=generator, dtype=torch.float64) - 15)
    dtype = pick(generator, torch.float32, torch.float32, torch.float64, torch.bfloat16, torch.float16)
    if dtype == torch.float16:
        x = x.clamp(-6e4, 6e4)
    labels = torch.randint(0, classes, (n,), generator=generator)
    labels[torch.rand(n, generator=generator) < float(pick(generator, 0.0, 0.2, 0.9, 1.0))] = -100
    mask = None if pick(generator, "drawn", "given") == "drawn" else torch.rand(n, generator=generator) < 0.5
    sigma = pick(generator, *[10.0 ** float(12 * torch.rand((), generator=generator) - 6)] * 4, "median", "local")
    k = int(torch.randint(1, 12, (), generator=generator))
    graph = pick(generator, DenseGaussian(sigma), KNNGaussian(k, sigma))
    solver = pick(generator, "direct", "iterative")
    propagation = LabelPropagation() if solver == "direct" else LabelPropagation("iterative", max_iterations=60)
    name = f"seed {seed}: {n} x {dim} {shape} {dtype}, {classes} classes, {graph}, {solver}"
    return Case(x.to(dtype).requires_grad_(), labels, mask, GLoss(graph, propagation), name)


def run(case: Case, seed: int) -> str:
    """`"usable"` or `"zero"` for a batch that went well, else what went wrong."""
    value = case.loss(case.embeddings, case.labels, case.mask, torch.Generator().manual_seed(seed))
    value.backward()
    gradient = case.embeddings.grad
    if not math.isfinite(value.item()):
        return f"loss {value.item()}"
    if gradient is None or not bool(gradient.isfinite().all() or _overflow_is_due(case, seed)):
        return "no finite gradient"
    return "usable" if case.loss.statistics.summary()["usable_batches"] else "zero"


def _overflow_is_due(case: Case, seed: int) -> bool:
    """Whether a half-precision gradient is infinite just where the same numbers in float32 have one beyond its range.

    Then infinity is right: gradient scalers look for it.
    """
    half = case.embeddings
    if half.dtype not in (torch.float16, torch.bfloat16):
        return False
    wide = half.detach().float().requires_grad_()
    case.loss(wide, case.labels, case.mask, torch.Generator().manual_seed(seed)).backward()
    beyond = wide.grad.to(half.dtype).isinf()
    return bool(wide.grad.isfinite().all()) and torch.equal(~half.grad.isfinite(), beyond)


def main() -> int:
    """Print the counts, and each batch that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batches", type=int, nargs="?", default=10_000)
    parser.add_argument("--first-seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore", NumericalWarning)  # an iteration that is cut short is not what is tested here
    torch.set_num_threads(1)  # on so small problems several only wait for one another
    counts: Counter[str] = Counter()
    start = time.perf_counter()
    for seed in range(args.first_seed, args.first_seed + args.batches):
        case = draw(seed)
        try:
            outcome = run(case, seed)
        except Exception as error:
            outcome = f"{type(error).__name__}: {error}"
        good = outcome in ("usable", "zero")
        counts[outcome if good else "failed"] += 1
        if not good:
            print(f"FAILED {case.name}: {outcome}", flush=True)
    finite = counts["usable"] + counts["zero"]
    print(
        f"{args.batches} batches: {finite} finite ({counts['usable']} usable, {counts['zero']} zero with a gradient "
        f"path), {counts['failed']} failed; {time.perf_counter() - start:.0f} s"
    )
    return int(counts["failed"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
