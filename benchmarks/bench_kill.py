"""Kill `compare --config tiny` at random moments, start it again, and see that nothing is lost, doubled or changed.

    python benchmarks/bench_kill.py [--kills 20] [--seed 0] [--workers 1]

One run goes through undisturbed. Others are ended by SIGKILL after a random part of that run's time and started again
in the same folder; when a folder is complete before all kills are spent, a new one is begun. After each kill every
cell that was finished must still be there, byte for byte; at the end each folder must hold the same cells as the
undisturbed run and give the same table, times and memory aside. Takes about ten minutes on two cores.
"""

import argparse
import json
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

from bars import Bars
from killing import kill_at_random

from gloss_pyg.compare.results import FILES

VARYING = ("seconds", "memory")  # in the names of columns


def finished(output: Path) -> dict[str, bytes]:
    """Content of every finished cell by its name; a cell whose files cannot be read ends the benchmark."""
    cells = {}
    for folder in sorted((output / "cells").glob("*/")):
        if folder.name.startswith("."):
            continue  # being written when it was killed
        cells[folder.name] = b"".join((folder / name).read_bytes() for name in FILES)
        json.loads((folder / "record.json").read_text())
    return cells


def table(output: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((output / "table.json").read_text())
    return [{key: value for key, value in row.items() if not any(part in key for part in VARYING)} for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()

    def command(output: Path) -> list[str]:
        options = ["--config=tiny", f"--output={output}", f"--workers={arguments.workers}"]
        return [sys.executable, "-m", "gloss_pyg.compare", *options]

    with tempfile.TemporaryDirectory() as scratch:
        expected, came = kill_at_random(
            command, finished, Path(scratch), arguments.kills, random.Random(arguments.seed)
        )
        problems, expected_table = came.problems, table(Path(scratch) / "undisturbed")
        for output in came.folders:
            if set(finished(output)) != set(expected):
                problems.append(f"{output.name}: other cells than in the undisturbed run")
            lines = (output / "results.jsonl").read_text().splitlines()
            if sorted(json.loads(line)["digest"] for line in lines) != sorted(expected):
                problems.append(f"{output.name}: results.jsonl does not hold each cell once")
            if table(output) != expected_table:
                problems.append(f"{output.name}: another table than the undisturbed run's")
    print(
        f"{came.kills} kills in {len(came.folders)} folders; {came.survived} times a finished cell met a kill and "
        f"stayed as it was; tables equal to the undisturbed one in everything but times and memory: "
        f"{'yes' if not problems else 'see below'}"
    )
    print("\n".join(problems))
    bars = Bars()
    bars.at_least("kills", came.kills, arguments.kills, "")
    bars.at_most("cells lost, doubled or changed", len(problems), 0, "")
    return bars.status()


if __name__ == "__main__":
    sys.exit(main())
