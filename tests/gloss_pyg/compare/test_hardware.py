import importlib.metadata
import platform
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from gloss_pyg.compare import hardware


def test_versions_are_those_of_the_installed_packages() -> None:
    found = hardware.versions()
    assert found["python_version"] == platform.python_version()
    assert found["torch_version"] == importlib.metadata.version("torch")
    assert found["gloss_pyg_version"] == importlib.metadata.version("gloss-pyg")
    assert found["transformers_version"] == importlib.metadata.version("transformers")


def test_the_machine_is_described() -> None:
    found = hardware.machine()
    assert isinstance(found["cpus"], int)
    assert found["cpus"] >= 1
    assert found["processor"]
    assert bool(found["accelerator"]) == (torch.cuda.is_available() or torch.backends.mps.is_available())


def test_peak_memory_sees_an_allocation_and_is_reset_by_a_new_object() -> None:
    size = 256 * 2**20
    memory = hardware.PeakMemory()
    before = memory.bytes()
    block = np.ones(size, dtype=np.uint8)
    during = memory.bytes()
    assert during - before > 0.9 * size
    assert during < before + 2 * size
    del block
    assert memory.bytes() > during - 8 * 2**20  # the kernel counts with some delay
    if not memory.since_start:
        assert hardware.PeakMemory().bytes() < during - 0.5 * size


def test_where_the_mark_cannot_be_reset_it_counts_since_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> int:
        raise PermissionError

    monkeypatch.setattr(Path, "write_text", refuse)
    memory = hardware.PeakMemory()
    assert memory.since_start
    assert memory.bytes() > 50 * 2**20  # in bytes: torch alone takes more than 50 MiB


def test_the_commit_is_that_of_the_checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    package = tmp_path / "gloss_pyg" / "compare"
    package.mkdir(parents=True)
    monkeypatch.setattr(hardware, "__file__", str(package / "hardware.py"))
    hardware.commit.cache_clear()
    assert hardware.commit() == ""  # no checkout

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@x", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    (package / "file").write_text("1")
    git("add", ".")
    git("commit", "-qm", "one")
    hardware.commit.cache_clear()
    assert hardware.commit() == git("rev-parse", "HEAD")
    (package / "file").write_text("2")
    hardware.commit.cache_clear()
    assert hardware.commit() == git("rev-parse", "HEAD") + "+"
    hardware.commit.cache_clear()
