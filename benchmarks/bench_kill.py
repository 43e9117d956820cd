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
import time
from pathlib import Path
from typing import Any

from bars import Bars
from killing import killed_after, run_through

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

    generator = random.Random(arguments.seed)
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        reference = Path(scratch) / "undisturbed"
        clock = time.perf_counter()
        run_through(command(reference))
        whole = time.perf_counter() - clock
        expected, expected_table = finished(reference), table(reference)
        print(f"undisturbed: {len(expected)} cells in {whole:.0f} s", flush=True)
        folders: list[Path] = []
        kills = survived = 0
        while kills < arguments.kills:
            output = Path(scratch) / f"killed-{len(folders)}"
            folders.append(output)
            before: dict[str, bytes] = {}
            while kills < arguments.kills and len(before) < len(expected):
                missing = 1 - len(before) / len(expected)
                moment = generator.uniform(0, (0.2 + 0.8 * missing) * whole)  # within the run, roughly
                was_killed = killed_after(command(output), moment)
                kills += was_killed
                what = f"kill {kills} after {moment:.1f} s" if was_killed else "ended by itself"
                now = finished(output)
                lost = [name for name in before if now.get(name) != before[name]]
                problems += [f"kill {kills}: cell {name} was lost or written again" for name in lost]
                survived += len(before) - len(lost)
                print(f"{output.name}, {what}: {len(now)} of {len(expected)} cells finished", flush=True)
                before = now
            run_through(command(output))
            now = finished(output)
            problems += [
                f"{output.name}: cell {name} was written again" for name in before if now[name] != before[name]
            ]
            if set(now) != set(expected):
                problems.append(f"{output.name}: other cells than in the undisturbed run")
            lines = (output / "results.jsonl").read_text().splitlines()
            if sorted(json.loads(line)["digest"] for line in lines) != sorted(expected):
                problems.append(f"{output.name}: results.jsonl does not hold each cell once")
            if table(output) != expected_table:
                problems.append(f"{output.name}: another table than the undisturbed run's")
    print(
        f"{kills} kills in {len(folders)} folders; {survived} times a finished cell met a kill and stayed as it was; "
        f"tables equal to the undisturbed one in everything but times and memory: "
        f"{'yes' if not problems else 'see below'}"
    )
    print("\n".join(problems))
    bars = Bars()
    bars.at_least("kills", kills, arguments.kills, "")
    bars.at_most("cells lost, doubled or changed", len(problems), 0, "")
    return bars.status()


if __name__ == "__main__":
    sys.exit(main())
