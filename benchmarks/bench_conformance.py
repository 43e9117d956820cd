"""Every propagation layer through the conformance kit: `python benchmarks/bench_conformance.py [graphs] [layer ...]`.

The twenty small graphs, then 1,000 random ones: 1 to 24 nodes, 1 to 6 classes, sparse, dense and in parts, weights that
are equal or up to sixty orders of magnitude apart. Bar: no NaN, no crash, contract kept; about a minute a layer. Exit
status 1 where it is missed, with what draws the graph again.
"""

import argparse
import sys
import time
import warnings
from pathlib import Path

from bars import Bars

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.testing import ContractError, check_propagation

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from layer_cases import CASES


def main() -> int:
    """Print a row for each layer, and what broke where something did."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", type=int, nargs="?", default=1000)
    parser.add_argument("layers", nargs="*", help="names of layers; all by default")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    warnings.simplefilter("ignore", NumericalWarning)
    broken = 0
    print(f"{args.graphs} random graphs a layer, seeds from {args.seed}")
    for layer, cases in CASES.items():
        for case in cases if not args.layers or layer.__name__ in args.layers else ():
            start, error = time.perf_counter(), None
            try:
                check_propagation(layer(**case), num_graphs=args.graphs, seed=args.seed)
            except ContractError as caught:
                error, broken = caught, broken + 1
            name = f"{layer.__name__}({', '.join(f'{key}={value!r}' for key, value in case.items())})"
            print(f"{name:60} {'BROKEN' if error else 'kept':6} {time.perf_counter() - start:6.1f} s", flush=True)
            if error:
                print(error, flush=True)
    bars = Bars()
    bars.at_most("layers that break the contract", broken, 0, "")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
