"""Time of `python -m gloss_pyg.compare` in a fresh folder: `python benchmarks/bench_compare.py [--config quick]`.

From the start of the command to its first finished cell, which is when the first row of the table is shown, and to its
end; and the share of it that is neither fitting nor predicting: start, data, measures, table, picture. Bars: 60
seconds, 5 minutes and 5 %, on two cores with nothing else running. Beside it, what importing the libraries alone takes,
as any script that trains an encoder must.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bars import Bars

FIRST_BAR, ALL_BAR, SHARE_BAR = 60.0, 300.0, 5.0


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
        lines = Path(folder, "results", "results.jsonl").read_text(encoding="utf-8").splitlines()
        records = [json.loads(line) for line in lines]
    bars.at_most(f"first row of {args.config}", first, FIRST_BAR, " s")
    bars.at_most(f"all of {args.config}", seconds, ALL_BAR, " s")
    at_work = sum(record["fit_seconds"] + record["predict_seconds"] for record in records)
    bars.at_most("neither fit nor predict", 100 * (1 - at_work / seconds), SHARE_BAR, " %")
    imports = importing()
    print(f"of which importing the libraries alone: {imports:.1f} s, {100 * imports / seconds:.1f} %")
    return bars.status()


def importing(runs: int = 3) -> float:
    """Median seconds of a process that only imports what the methods stand on."""
    code = (
        "import gc\ngc.disable()\n"  # as the command does for its own imports
        "import datasets, sklearn.metrics, torch_geometric.nn\n"
        "from transformers import BertModel, Trainer"
    )
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    raise SystemExit(main())
