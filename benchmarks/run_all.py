"""Every benchmark, one after another, and what they reached: `python benchmarks/run_all.py [script ...]`.

One that fails or misses a bar does not stop the others. Data sets that are neither in $GLOSS_PYG_DATA nor can be
downloaded are a reason to skip the benchmarks that need them. Exit status 1 where a bar was missed or a benchmark
failed.
"""

import subprocess
import sys
from pathlib import Path

from bars import MARK, SKIPPED
from rich.console import Console
from rich.table import Table


def run(script: Path) -> tuple[list[list[str]], str, int]:
    """Run a benchmark, showing what it prints; gives its bars, its last line and its exit status."""
    print(f"== {script.name}", flush=True)
    bars, last = [], ""
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            last = line.strip() or last
            if line.startswith(f"{MARK}\t"):
                bars.append(line.rstrip("\n").split("\t")[1:])
    return bars, last, process.returncode


def main() -> int:
    """Run the scripts that are named, or all, and print the summary."""
    scripts = [Path(name) for name in sys.argv[1:]] or sorted(Path(__file__).parent.glob("bench_*.py"))
    table = Table("benchmark", "what", "reached", "bar", "")
    good = True
    for script in scripts:
        bars, last, status = run(script)
        for what, reached, bar, verdict in bars:
            table.add_row(script.stem, what, reached, bar, verdict)
        good &= all(verdict == "met" for *_, verdict in bars)
        if status == SKIPPED:
            table.add_row(script.stem, last.removeprefix("skipped: "), "", "", "skipped")
        elif status and all(verdict == "met" for *_, verdict in bars):
            table.add_row(script.stem, last, "", "", f"FAILED ({status})")
            good = False
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    return int(not good)


if __name__ == "__main__":
    raise SystemExit(main())
