"""Time of a MiniLM training step by padding, and how many tokens are computed: `python benchmarks/bench_encoder.py`.

The same step (forward, cross-entropy, backward, AdamW) on the same random batches of MR, in three ways in alternation:
every document padded to 128 tokens, as the published code does; the batch padded to its longest document; and ours, in
runs of like length. Medians are compared; OpenMP waits passively, so that other work on the machine disturbs less.
Data come from $GLOSS_PYG_DATA, or are downloaded once.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable

# Read when torch is imported. OpenMP's threads otherwise spin where they wait for each other; with other work on the
# machine that makes a step of many small operations several times slower, and the comparison one of luck.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import torch
from bars import Bars, skip
from torch import Tensor

from gloss_pyg.data import DataCollator, load_text_dataset, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.chunks import sort_by_length
from gloss_pyg.errors import DataError

BARS = {"padded to 128": 5.0, "padded to longest": 1.5}
TOKENS_BAR = 1.2

Batch = dict[str, Tensor]


def batches(name: str, size: int, count: int) -> list[Batch]:
    """Random batches of a data set's training documents, padded to their longest, truncated to 128 tokens."""
    tokenizer = load_tokenizer("offline")
    try:
        splits = load_text_dataset(name)
    except DataError as error:
        skip(error)
    documents = tokenize(splits["train"], tokenizer, 128)
    order = torch.randperm(len(documents), generator=torch.Generator().manual_seed(0)).tolist()
    collate = DataCollator(tokenizer)
    return [
        collate([documents[row] for row in order[start * size : (start + 1) * size]])
        for start in range(min(count, len(order) // size))
    ]


def widen(batch: Batch, width: int = 128) -> Batch:
    """The batch padded to 128 columns."""
    wide = {}
    for name, values in batch.items():
        if name == "labels":
            wide[name] = values
        else:
            wide[name] = torch.nn.functional.pad(values, (0, width - values.shape[1]))
    return wide


def print_tokens(name: str, size: int) -> float:
    """Computed tokens of 30 batches over the real ones; gives ours."""
    model = TextEncoder.from_encoder("offline", ["a", "b"])
    real = ours = longest = runs = 0
    drawn = batches(name, size, 30)
    for batch in drawn:
        mask = batch["attention_mask"]
        real += int(mask.sum())
        longest += mask.numel()
        planned = sort_by_length(batch, model.classifier.in_features)
        plan = planned[2] if planned else []
        ours += sum((run.stop - run.start) * run.length for run in plan) or mask.numel()
        runs += len(plan) or 1
    print(
        f"{name:>4}: tokens computed / real: {128 * size * len(drawn) / real:.2f} padded to 128, {longest / real:.2f} "
        f"padded to longest, {ours / real:.3f} ours in {runs / len(drawn):.1f} runs"
    )
    return ours / real


def main() -> int:
    """Print tokens, then times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=128)
    args, bars = parser.parse_args(), Bars()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, MiniLM, B={args.batch_size}")
    for name in ("MR", "R8"):
        bars.at_most(f"tokens computed / real, {name}", print_tokens(name, args.batch_size), TOKENS_BAR, "")

    torch.manual_seed(0)
    model = TextEncoder.from_encoder("offline", ["negative", "positive"]).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=True)

    def step(logits: Callable[[Batch], Tensor], batch: Batch) -> float:
        start = time.perf_counter()
        torch.nn.functional.cross_entropy(logits(batch), batch["labels"]).backward()
        optimizer.step()
        optimizer.zero_grad()
        return time.perf_counter() - start

    def padded(batch: Batch) -> Tensor:
        return model.classifier(model._embed({name: value for name, value in batch.items() if name != "labels"}))

    def ours(batch: Batch) -> Tensor:
        return model(**{name: value for name, value in batch.items() if name != "labels"}).logits

    drawn = batches("MR", args.batch_size, args.rounds + 1)
    step(ours, drawn[-1])  # the first step sets up the optimiser
    seconds: dict[str, list[float]] = {"padded to 128": [], "padded to longest": [], "ours": []}
    for batch in drawn[: args.rounds]:
        seconds["padded to 128"].append(step(padded, widen(batch)))
        seconds["padded to longest"].append(step(padded, batch))
        seconds["ours"].append(step(ours, batch))
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    for way, median in medians.items():
        print(f"{way:>18}: {median:6.2f} s a step (of {min(seconds[way]):.2f} to {max(seconds[way]):.2f})")
    for way, bar in BARS.items():
        bars.at_least(f"step, {way} / ours", medians[way] / medians["ours"], bar)
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
