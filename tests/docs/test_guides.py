"""The guides run: their Python in order, their printed output as shown, their YAML as a configuration."""

import contextlib
import inspect
import io
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import gloss_pyg.propagation as family
from gloss_pyg import load_text_dataset
from gloss_pyg.compare.cell import make_method
from gloss_pyg.compare.command_line import read_arguments
from gloss_pyg.propagation import Propagation
from gloss_pyg.testing.promises import PROMISES

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = sorted([*DOCS.glob("*.md"), *(DOCS / "how-to").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(guide, *languages):
    return [(language, text) for language, text in BLOCK.findall(guide.read_text("utf-8")) if language in languages]


# trainer.md continues a script of the reader's, which test_trainer_guide.py has.
@pytest.mark.parametrize("guide", [g for g in GUIDES if g.stem != "trainer"], ids=lambda guide: guide.stem)
def test_python_runs_and_prints_what_is_shown(guide, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # readers who type it in have no such checks
    module = ModuleType("guide")  # PyG looks a layer's module up by its name
    monkeypatch.setitem(sys.modules, "guide", module)
    printed = ""
    for language, text in blocks(guide, "python", "text"):
        if language == "text":
            assert text.strip() == printed.strip()
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(text, str(guide), "exec"), vars(module))
        printed = out.getvalue()


def test_the_label_for_documents_without_one_is_that_of_the_guide(tmp_path):
    text = (DOCS / "how-to" / "own-data.md").read_text("utf-8")
    (mark,) = re.findall(r"^\| documents without a label \| [^|`]*`([^|`]+)`", text, re.MULTILINE)
    rows = [(f"text {row}", mark if row < 10 else "ab"[row % 2]) for row in range(50)]
    path = tmp_path / "reviews.csv"
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    kept, dropped = (load_text_dataset(path, unlabelled=option)["train"] for option in ("keep", "drop"))
    assert len(kept) - len(dropped) == kept["label"][:].count(-1) == 10


def test_the_layer_of_the_guide_is_used_by_its_class_path(monkeypatch, tmp_path):
    guide = DOCS / "write-a-layer.md"
    (tmp_path / "my_layers.py").write_text(blocks(guide, "python")[0][1])
    (tmp_path / "mine.yaml").write_text(blocks(guide, "yaml")[0][1])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_layers", raising=False)
    option = re.search(r"--methods\.diffusion[\w.]*=3", guide.read_text("utf-8")).group()
    for options, steps in (([], 5), ([option], 3)):
        config = read_arguments(["--config", str(tmp_path / "mine.yaml"), *options]).check()
        assert list(config.methods) == ["label-propagation", "diffusion"]
        methods = {name: make_method(arguments) for name, arguments in config.methods.items()}
        layer = methods["diffusion"].loss.graph_loss.propagation
        assert type(layer).__name__ == "Diffusion"
        assert layer.hops == steps


def test_the_table_of_promises_is_that_of_the_kit():
    lines = (DOCS / "write-a-layer.md").read_text("utf-8").splitlines()
    for promise in PROMISES:
        assert f"| {promise.sentence} | {promise.cause} |" in lines


def test_the_table_of_attributes_is_that_of_the_base_class():
    text = (DOCS / "write-a-layer.md").read_text("utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", text, re.MULTILINE))
    declared = {name for name in Propagation.__annotations__ if not name.startswith("_")}
    assert set(table) == declared
    assert {name: str(getattr(Propagation, name)) for name in table} == table


def test_the_guide_to_the_layers_names_each_of_them_once():
    guide = DOCS / "propagation.md"
    rows = re.findall(r"^\| `(\w+)` \|", guide.read_text("utf-8").split("\n## ")[0], re.MULTILINE)
    public = {getattr(family, name) for name in family.__all__}
    layers = [part.__name__ for part in public if isinstance(part, type) and not inspect.isabstract(part)]
    assert sorted(rows) == sorted(layers)


def test_the_guide_to_the_layers_shows_a_configuration_that_works(tmp_path):
    (tmp_path / "one.yaml").write_text(blocks(DOCS / "propagation.md", "yaml")[0][1])
    config = read_arguments(["--config", str(tmp_path / "one.yaml")]).check()
    layer = make_method(config.methods["label-spreading"]).loss.graph_loss.propagation
    assert (type(layer), layer.alpha) == (family.LabelSpreading, 0.8)


CONFIGURATIONS = [
    pytest.param(text, id=f"{guide.stem}-{number}")
    for guide in GUIDES
    for number, (_, text) in enumerate(blocks(guide, "yaml"))
    if text.startswith("methods:") and guide.stem != "write-a-layer"
]


@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_configurations_that_are_shown_can_be_made(text, tmp_path):
    (tmp_path / "shown.yaml").write_text(text)
    if "search:" in text:
        pytest.importorskip("optuna")
        from gloss_pyg.tune.settings import read_settings

        config = read_settings(["--config", str(tmp_path / "shown.yaml")])[0].config
    else:
        config = read_arguments(["--config", str(tmp_path / "shown.yaml")]).check()
    assert all(make_method(arguments) for arguments in config.methods.values())
