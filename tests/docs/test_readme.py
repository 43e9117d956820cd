"""What the README shows runs: its three lines are those of the guide, its commands are taken, and it fits a screen."""

import re
import shlex
from pathlib import Path

from gloss_pyg import predict
from gloss_pyg import train as train_command
from gloss_pyg.viz import __main__ as viz_command

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = "".join(text for language, text in BLOCK.findall(README) if language == "bash")


def test_its_python_is_that_of_the_guide():
    (block,) = (text for language, text in BLOCK.findall(README) if language == "python")
    assert f"```python\n{block}```" in (ROOT / "docs" / "how-to" / "trainer.md").read_text("utf-8")


def test_it_is_short():
    assert len(README.splitlines()) <= 75


def test_train_predict_and_viz_as_shown(tiny_texts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny_texts["train"].to_csv("reviews.csv", index=False)
    tiny_texts["test"].remove_columns("label").to_csv("new.csv", index=False)
    commands = [shlex.split(line, comments=True) for line in SHELL.replace("\\\n", " ").splitlines()]
    (fit,) = (words[3:] for words in commands if words[2:3] == ["gloss_pyg.train"])
    (classify,) = (words[3:] for words in commands if words[2:3] == ["gloss_pyg.predict"])
    small = ["--method.model=random-tiny", "--method.max_steps=2", "--method.batch_size=8"]
    assert train_command.main([*fit, *small]) == 0
    assert predict.main(classify) == 0
    assert len((tmp_path / "predictions.csv").read_text().splitlines()) == 1 + len(tiny_texts["test"])
    (draw,) = (words[3:] for words in commands if words[2:3] == ["gloss_pyg.viz"])
    assert viz_command.main([*draw, "--documents=16"]) == 0
    assert (tmp_path / "batch.png").stat().st_size > 10_000
