"""Time of `python -m gloss_pyg.compare` in a fresh folder: `python benchmarks/bench_compare.py [--config quick]`.

From the start of the command to its first finished cell, which is when the first row of the table is shown, and to its
end. Bars: 60 seconds and 5 minutes, on two cores with nothing else running.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bars import Bars

FIRST_BAR, ALL_BAR = 60.0, 300.0


def main() -> int:
    """Print both times, and the table that the command prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--config", default="quick")
    args, bars = parser.parse_args(), Bars()
    first = float("inf")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "gloss_pyg.compare", f"--config={args.config}", f"--output={folder}/results"]
        )
        while process.poll() is None:
            if first == float("inf") and any(Path(folder).glob("results/cells/*/record.json")):
                first = time.perf_counter() - start
            time.sleep(0.05)
        seconds = time.perf_counter() - start
    if process.returncode:
        print(f"the command failed with status {process.returncode}")
        return process.returncode
    bars.at_most(f"first row of {args.config}", first, FIRST_BAR, " s")
    bars.at_most(f"all of {args.config}", seconds, ALL_BAR, " s")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
