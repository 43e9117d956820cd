"""Share of the graph loss in a training step: `python benchmarks/bench_step.py`.

First the time of graph, propagation and loss alone, forward and backward, over that of a cross-entropy step (forward,
backward, AdamW) of MiniLM on random batches of MR, beside the published recipe's share; the best of many calls over the
median step. Then whole steps, cross-entropy and `HybridLoss` in alternation on the same batches, and the median of
their ratios. Data come from $GLOSS_PYG_DATA, or are downloaded once.
"""

import argparse
import statistics
import time
from functools import partial

import torch
from bars import Bars
from bench_encoder import Batch, batches
from bench_loss import best_seconds, seconds
from torch import Tensor

from gloss_pyg.encoder import TextEncoder
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import ClassificationLoss, GLoss, HybridLoss, TrainingLoss

SHARE_BAR, RATIO_BAR = 0.003, 1.01
CLASSES = 2  # of MR


def whole_step(model: TextEncoder, optimizer: torch.optim.Optimizer, loss: TrainingLoss, batch: Batch) -> float:
    """Wall time of one training step."""

    def forward() -> Tensor:
        outputs = model(**{name: value for name, value in batch.items() if name != "labels"})
        total: Tensor = loss(outputs.embeddings, outputs.logits, batch["labels"])
        return total

    start = time.perf_counter()
    seconds(forward)
    optimizer.step()
    optimizer.zero_grad()
    return time.perf_counter() - start


def main() -> int:
    """Print both shares, then the ratio of whole steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--sigma", type=float, default=0.68)
    args, bars = parser.parse_args(), Bars()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, MiniLM on MR, B={args.batch_size}")
    torch.manual_seed(0)
    model = TextEncoder.from_encoder("offline", ["negative", "positive"]).train()
    step = partial(whole_step, model, torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True))
    plain = ClassificationLoss()
    hybrid = HybridLoss(GLoss(DenseGaussian(args.sigma), num_classes=CLASSES))
    drawn = batches("MR", args.batch_size, args.rounds + 1)
    for loss in (plain, hybrid):  # the first step sets up the optimiser
        step(loss, drawn[-1])
    ours, theirs, ratios = [], [], []
    for number, batch in enumerate(drawn[: args.rounds]):
        for loss in (plain, hybrid) if number % 2 == 0 else (hybrid, plain):
            (theirs if loss is plain else ours).append(step(loss, batch))
        ratios.append(ours[-1] / theirs[-1])
    median = statistics.median(theirs)
    alone = best_seconds(args.batch_size, model.classifier.in_features, CLASSES, args.sigma)
    print(f"cross-entropy step {median:.3f} s (of {min(theirs):.3f} to {max(theirs):.3f})")
    for name, taken in alone.items():
        print(f"{name:>10}: {taken * 1e3:6.2f} ms, {taken / median:.3%} of the step")
    print(
        f"whole steps, HybridLoss / cross-entropy: median {statistics.median(ratios):.4f} of {len(ratios)} "
        f"(from {min(ratios):.3f} to {max(ratios):.3f}; of the shortest {min(ours) / min(theirs):.4f})"
    )
    bars.at_most("the loss's share of a step", 100 * alone["gloss_pyg"] / median, 100 * SHARE_BAR, " %")
    bars.at_most("whole step, HybridLoss / cross-entropy", statistics.median(ratios), RATIO_BAR)
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
