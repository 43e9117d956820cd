"""What a result was obtained with: versions, machine, commit, and the memory that it took."""

import os
import platform
import resource
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("gloss-pyg", "torch", "transformers", "torch-geometric", "datasets", "scikit-learn", "numpy")


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that results depend on, under keys such as `torch_version`."""
    found = {"python_version": platform.python_version()}
    for package in PACKAGES:
        try:
            found[f"{package.replace('-', '_')}_version"] = version(package)
        except PackageNotFoundError:
            found[f"{package.replace('-', '_')}_version"] = ""
    return found


@cache
def machine() -> dict[str, str | int]:
    """Number of usable CPUs, and the names of processor and accelerator."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"platform": platform.platform(), "cpus": usable, "processor": _processor(), "accelerator": _accelerator()}


@cache
def commit() -> str:
    """Commit of the checkout that gloss_pyg runs from, `+` behind it where files were changed; empty outside of one."""
    folder = Path(__file__).resolve().parents[2]
    if not (folder / ".git").exists():
        return ""
    head, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", "--untracked-files=no")
    return f"{head}{'+' if changes else ''}"


class PeakMemory:
    """The most memory that this process held at once since the object was made.

    Where the kernel lets a process reset its high-water mark (Linux, VmHWM), the mark is that of the cell alone; else
    (`since_start`) it is that of the process from its start, and later cells repeat the largest value so far.
    """

    def __init__(self) -> None:
        self.since_start = False
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            self.since_start = True
        if (torch := sys.modules.get("torch")) and torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def bytes(self) -> int:
        """Resident memory of this process at its highest, in bytes; libraries and loaded data included."""
        if not self.since_start:
            for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024  # macOS counts bytes, Linux kibibytes

    def accelerator_bytes(self) -> int:
        """Memory that torch had allocated on the accelerator at its highest, in bytes; 0 without one."""
        torch = sys.modules.get("torch")
        return int(torch.cuda.max_memory_allocated()) if torch and torch.cuda.is_available() else 0


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _accelerator() -> str:
    torch = sys.modules.get("torch")
    if torch is None:
        return ""
    if torch.cuda.is_available():
        return str(torch.cuda.get_device_name())
    return "mps" if torch.backends.mps.is_available() else ""


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""
