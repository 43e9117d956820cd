"""A small comparison on disk: three classes of made-up texts, two fake methods."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from gloss_pyg.compare.cell import Cell
from gloss_pyg.compare.configuration import DataSpec

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def fakes_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def texts_csv(tmp_path: Path) -> Path:
    """120 documents of three classes, told apart by their words most of the time."""
    generator = np.random.default_rng(0)
    lines = ["text,label"]
    for row in range(120):
        label = row % 3
        own = [f"{'abc'[label]}{number}" for number in generator.integers(0, 6, 2)]
        common = [f"w{number}" for number in generator.integers(0, 9, 6)]
        other = f"{'abc'[int(generator.integers(3))]}{generator.integers(0, 6)}"
        lines.append(f"{' '.join([*own, *common, other, other])} n{row},{['red', 'green', 'blue'][label]}")
    path = tmp_path / "texts.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def config_file(tmp_path: Path, texts_csv: Path) -> Callable[..., Path]:
    """Write a configuration with two fake methods; keyword arguments replace its fields."""

    def write(**fields: Any) -> Path:
        content: dict[str, Any] = {
            "methods": {
                "plain": {"class_path": "fake_methods.FakeMethod"},
                "with-part": {
                    "class_path": "fake_methods.FakeMethod",
                    "init_args": {"smoothing": {"class_path": "fake_methods.Square", "init_args": {"amount": 0.25}}},
                },
            },
            "data": {"texts": {"name_or_path": str(texts_csv), "labels_per_class": 8}},
            "seeds": [0, 1],
            "output": str(tmp_path / "results"),
        }
        path = tmp_path / "comparison.yaml"
        path.write_text(yaml.safe_dump(content | fields))
        return path

    return write


@pytest.fixture
def child_command() -> list[str]:
    """How a test starts the command in another process."""
    return [sys.executable, "-m", "gloss_pyg.compare"]


@pytest.fixture
def make_cell(tmp_path: Path) -> Callable[..., Cell]:
    """A cell that nobody runs; the digest comes from its names."""

    def make(method: str = "plain", data: str = "texts", seed: int = 0, *, transductive: bool = False) -> Cell:
        return Cell(
            method=method,
            data=data,
            seed=seed,
            arguments={"class_path": "fake_methods.FakeMethod", "init_args": {"steps": 3}},
            spec=DataSpec(str(tmp_path / f"{data}.csv")),
            transductive=transductive,
            settings={"seed": seed},
            digest=f"{method}-{data}-{seed}",
        )

    return make


@pytest.fixture
def make_record() -> Callable[..., dict[str, Any]]:
    """The record of a finished cell with these measures."""

    def make(cell: Cell, **values: Any) -> dict[str, Any]:
        measures = {
            "accuracy": 0.5,
            "macro_f1": 0.4,
            "macro_silhouette": None,
            "fit_seconds": 1.0,
            "predict_seconds": 0.5,
            "best_step": 10,
            "steps": 30,
            "peak_memory_bytes": 1000,
        }
        return cell.keys() | measures | values

    return make
