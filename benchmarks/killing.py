"""What the benchmarks that kill a command share."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Command = Sequence[str]


def start(command: Command) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def run_through(command: Command) -> None:
    """Run to the end; a failure ends the benchmark."""
    process = start(command)
    _, errors = process.communicate()
    if process.returncode:
        sys.exit(f"the command failed with status {process.returncode}:\n{errors.decode()}")


def killed_after(command: Command, seconds: float) -> bool:
    """Start it and end it by SIGKILL after so long; gives whether it was still running."""
    process = start(command)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    return False


@dataclass
class Killed:
    """What came of killing a command again and again.

    Attributes:
        folders: The folders that it was run in, each to its end at last.
        kills: How often it was still running.
        survived: How often something finished met a kill and stayed as it was.
        problems: What was lost or changed, a sentence each.
    """

    folders: list[Path] = field(default_factory=list)
    kills: int = 0
    survived: int = 0
    problems: list[str] = field(default_factory=list)


def kill_at_random(
    command: Callable[[Path], Command],
    finished: Callable[[Path], Mapping[Any, Any]],
    scratch: Path,
    kills: int,
    generator: random.Random,
) -> tuple[dict[Any, Any], Killed]:
    """Run a command once undisturbed, then kill it so often, going on in its folder until that is complete.

    Args:
        command: Makes it, for an output folder.
        finished: What an output folder holds that must stay as it is, by name.
        scratch: Where the folders lie; the undisturbed one is `undisturbed`.
        kills: How often it is killed.
        generator: Draws the moments, within what is left of the undisturbed run's time.

    Returns:
        What the undisturbed run has finished, and what came of the others.
    """
    reference, clock = scratch / "undisturbed", time.perf_counter()
    run_through(command(reference))
    whole, expected = time.perf_counter() - clock, dict(finished(reference))
    print(f"undisturbed: {len(expected)} in {whole:.0f} s", flush=True)
    came = Killed()
    while came.kills < kills:
        output = scratch / f"killed-{len(came.folders)}"
        came.folders.append(output)
        before: Mapping[Any, Any] = {}
        while came.kills < kills and len(before) < len(expected):
            missing = 1 - len(before) / len(expected)
            moment = generator.uniform(0, (0.2 + 0.8 * missing) * whole)  # within the run, roughly
            was_killed = killed_after(command(output), moment)
            came.kills += was_killed
            what = f"kill {came.kills} after {moment:.1f} s" if was_killed else "ended by itself"
            now = finished(output)
            lost = _lost(before, now, f"{output.name}, {what}")
            came.problems += lost
            came.survived += was_killed * (len(before) - len(lost))
            before = now
            print(f"{output.name}, {what}: {len(before)} of {len(expected)} finished", flush=True)
        run_through(command(output))
        came.problems += _lost(before, finished(output), f"{output.name}, at its end")
    return expected, came


def _lost(before: Mapping[Any, Any], now: Mapping[Any, Any], when: str) -> list[str]:
    return [f"{when}: {name} was lost or made again" for name in before if now.get(name) != before[name]]
