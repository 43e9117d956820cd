"""Ten thousand random batches through the loss, most of them hostile: `python benchmarks/bench_robustness.py [count]`.

What is drawn is told in `tests/hostile_batches.py`, which the tests draw from too. Bar: no NaN, no infinity, no crash,
in loss and gradient. Half-precision batches whose gradient lies beyond the format (then infinity is right) are counted
apart. Exit status 1 where the bar is missed, with each batch that missed it.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

import torch
from bars import Bars
from hypothesis import HealthCheck, Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from hostile_batches import Case, cases, outcome

GOOD = ("usable", "zero", "beyond half precision")


def main() -> int:
    """Print the counts, and each batch that went wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("batches", type=int, nargs="?", default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(1)  # on so small problems several only wait for one another
    counts: Counter[str] = Counter()
    start = time.perf_counter()

    @seed(args.seed)
    @settings(
        max_examples=args.batches,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # a batch that fails is counted, not searched for a smaller one
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases())
    def try_one(case: Case) -> None:
        try:
            found = outcome(case)
        except Exception as error:
            found = f"{type(error).__name__}: {error}"
        counts[found if found in GOOD else "failed"] += 1
        if found not in GOOD:
            print(f"FAILED {case}: {found}", flush=True)

    try_one()
    tried, failed = counts.total(), counts["failed"]
    print(
        f"{tried} batches in {time.perf_counter() - start:.0f} s: {counts['usable']} usable, {counts['zero']} zero "
        f"with a gradient path, {counts['beyond half precision']} with a gradient beyond half precision"
    )
    bars = Bars()
    bars.at_least("batches tried", tried, args.batches, "")
    bars.at_most("NaN, infinity or crash", failed, 0, "")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
