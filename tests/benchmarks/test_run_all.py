"""`make bench` goes on after a failure, says what was reached, and ends with 1 where a bar was missed."""

import subprocess
import sys
from pathlib import Path

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
HEAD = f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); from bars import Bars, skip; bars = Bars()\n"
GOOD = HEAD + "bars.at_least('speed', 3.0, 2.0); bars.at_most('memory', 1.0, 2.0, ' GB'); sys.exit(bars.status())"
MISSED = HEAD + "bars.at_least('speed of ours', 1.5, 2.0); sys.exit(bars.status())"
SKIPPED = HEAD + "skip('MR cannot be downloaded')"
BROKEN = "raise RuntimeError('no such thing')"


def run(folder, *scripts):
    paths = [folder / f"bench_{number}.py" for number in range(len(scripts))]
    for path, content in zip(paths, scripts, strict=True):
        path.write_text(content)
    command = [sys.executable, str(BENCHMARKS / "run_all.py"), *map(str, paths)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not result.stderr
    return result.returncode, result.stdout.partition("reached")[2]


def test_bars_that_are_met_and_benchmarks_that_cannot_run_are_no_failure(tmp_path):
    status, summary = run(tmp_path, SKIPPED, GOOD)
    assert status == 0
    assert "MR cannot be downloaded" in summary
    assert "3x" in summary
    assert "at most 2 GB" in summary


def test_a_missed_bar_and_a_crash_are_told_at_the_end_and_the_others_run(tmp_path):
    assert run(tmp_path, MISSED, GOOD)[0] == 1
    status, summary = run(tmp_path, BROKEN, GOOD)
    assert status == 1
    assert "no such thing" in summary
    assert "FAILED (1)" in summary
    assert summary.count("met") == 2
