"""How many kinds of bad input are answered before any training: `python benchmarks/bench_bad_input.py`.

Runs the tests that give `load_text_dataset`, `compare` and `train` something that cannot work, each a case of its own
that must end in one clear sentence, and counts those that pass. Bar: 40.
"""

import os
import subprocess
import sys
from pathlib import Path

from bars import Bars

BAR = 40
ROOT = Path(__file__).parents[1]
CASES = {
    "tests/gloss_pyg/data/test_bad_input.py": "refused",
    "tests/gloss_pyg/compare/test_comparison.py": "test_what_cannot_work or test_what_is_wrong",
    "tests/gloss_pyg/test_train.py": "wrong_input or must_be_given",
}


def main() -> int:
    """Print the count of each file, then of all."""
    passed = failed = 0
    for path, names in CASES.items():
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-rN", path, "-k", names]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        words = result.stdout.strip().splitlines()[-1].replace(",", "").split()
        count = {kind: int(words[at - 1]) for at, kind in enumerate(words) if kind in ("passed", "failed")}
        print(f"{path}: {count}", flush=True)
        passed, failed = passed + count.get("passed", 0), failed + count.get("failed", 0)
    bars = Bars()
    bars.at_least("bad inputs answered", passed, BAR, "")
    bars.at_most("bad inputs not answered", failed, 0, "")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
