"""A small search on disk: three classes of made-up texts, two methods."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def methods_are_importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(HERE))


@pytest.fixture
def texts_csv(tmp_path: Path) -> Path:
    path = tmp_path / "texts.csv"
    rows = [f"{'abc'[row % 3]} word{row},{['red', 'green', 'blue'][row % 3]}" for row in range(60)]
    path.write_text("\n".join(["text,label", *rows]) + "\n")
    return path


@pytest.fixture
def search_file(tmp_path: Path, texts_csv: Path) -> Callable[..., Path]:
    """Write a configuration; keyword arguments replace its fields."""

    def write(**fields: Any) -> Path:
        content: dict[str, Any] = {
            "methods": {"hill": {"class_path": "tuned_methods.Hill"}},
            "search": {},
            "data": {"texts": {"name_or_path": str(texts_csv)}},
            "seeds": [0, 1],
            "trials": 12,
            "output": str(tmp_path / "results"),
        }
        path = tmp_path / "search.yaml"
        path.write_text(yaml.safe_dump(content | fields))
        return path

    return write


@pytest.fixture
def fits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "fits"
    monkeypatch.setenv("TUNED_METHODS_JOURNAL", str(path))
    return path
