"""What the benchmarks that kill a command share."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence

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
