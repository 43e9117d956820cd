"""One folder of checkpoints for a whole comparison: no cell takes another's model."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gloss_pyg.compare.__main__ import main


@pytest.fixture
def run(
    config_file: Callable[..., Path],
    tiny_texts: Any,
    tiny_bert: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Any:
    (tmp_path / "data").mkdir()
    for split, file in {"train": "train", "validation": "val", "test": "test"}.items():
        tiny_texts[split].to_csv(tmp_path / "data" / f"{file}.csv")
    settings = {"model": str(tiny_bert), "max_length": 16, "max_epochs": 2, "batch_size": 16, "learning_rate": 1e-3}
    graph_loss = {"class_path": "GLoss", "init_args": {"graph": {"class_path": "DenseGaussian"}}}
    loss = {"class_path": "HybridLoss", "init_args": {"graph_loss": graph_loss}}
    methods = {"g-loss": {"class_path": "FineTuning", "init_args": settings | {"loss": loss}}}
    path = config_file(methods=methods, data={"tiny": str(tmp_path / "data")})

    def once(output: str, *options: str) -> dict[tuple[str, int], dict[str, Any]]:
        assert main([f"--config={path}", f"--output={tmp_path / output}", *options]) == 0, capsys.readouterr().err
        lines = (tmp_path / output / "results.jsonl").read_text().splitlines()
        return {(row["method"], row["seed"]): row for row in map(json.loads, lines)}

    return once


def test_one_folder_of_checkpoints_changes_no_result(run: Any, tmp_path: Path) -> None:
    place = tmp_path / "checkpoints"
    option = f"--methods.g-loss.checkpoints={place}"
    expected, found = run("without"), run("with", option)
    assert len(list(place.iterdir())) == len(expected) == 2
    for cell, record in expected.items():
        for name in ("digest", "accuracy", "macro_f1", "macro_silhouette", "best_step", "steps", "stopped_by"):
            assert found[cell][name] == pytest.approx(record[name]), (cell, name)
    shutil.rmtree(tmp_path / "with")  # the results are lost, the checkpoints are not
    again = run("with", option)
    assert {cell: record["accuracy"] for cell, record in again.items()} == {
        cell: pytest.approx(record["accuracy"]) for cell, record in expected.items()
    }
