"""The commands of the guides: each is one that its program takes, and those of the tutorial run in their order."""

import contextlib
import io
import re
import shlex
import sys
from pathlib import Path

import pytest

from gloss_pyg import load_text_dataset, predict
from gloss_pyg import train as train_command
from gloss_pyg.compare import __main__ as compare_command
from gloss_pyg.compare.command_line import read_arguments
from gloss_pyg.compare.report import __main__ as report_command
from gloss_pyg.tune import __main__ as tune_command
from gloss_pyg.viz import __main__ as viz_command

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GUIDES = sorted([*DOCS.glob("*.md"), *(DOCS / "how-to").glob("*.md")])
BLOCK = re.compile(r"^ *```bash\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(guide):
    """Program and arguments of each line that runs one of our modules."""
    for block in BLOCK.findall(guide.read_text("utf-8")):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "-m" in words:
                start = words.index("-m")
                end = words.index("&") if "&" in words else None
                yield words[start + 1], words[start + 2 : end]


ALL = [
    (guide.stem, module, arguments) for guide in [ROOT / "README.md", *GUIDES] for module, arguments in commands(guide)
]


def test_there_are_commands_of_every_program():
    assert {module for _, module, _ in ALL} >= {
        "gloss_pyg.train", "gloss_pyg.predict", "gloss_pyg.compare", "gloss_pyg.compare.report", "gloss_pyg.viz",
        "gloss_pyg.tune",
    }  # fmt: skip


# write-a-layer.md has a configuration of the reader's own, which a test of that guide runs.
# tune.md runs what a search has written.
COMPARISONS = [
    given
    for guide, module, given in ALL
    if module == "gloss_pyg.compare" and guide != "write-a-layer" and "best-" not in " ".join(given)
]


@pytest.mark.parametrize("arguments", COMPARISONS)
def test_comparisons_are_understood(arguments):
    read_arguments(arguments).check()


@pytest.mark.parametrize("arguments", [given for _, module, given in ALL if module == "gloss_pyg.compare.report"])
def test_reports_are_understood(arguments):
    report_command._parser().parse_args(arguments)


@pytest.mark.parametrize(
    "arguments", [given for _, module, given in ALL if module == "gloss_pyg.tune" and "--help" not in given]
)
def test_searches_are_understood(arguments):
    pytest.importorskip("optuna")
    from gloss_pyg.tune.settings import read_settings

    settings, methods = read_settings(arguments)
    assert set(settings.search) == set(methods)


@pytest.mark.parametrize(
    "program", [compare_command, report_command, tune_command, train_command, predict, viz_command]
)
def test_the_help_ends_with_an_example_of_the_command_itself(program, capsys):
    with contextlib.suppress(SystemExit):
        program.main(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    name = program.__name__.removesuffix(".__main__")
    assert f"Example: python -m {name} " in shown


def test_the_tutorial_runs_from_file_to_picture(tiny_texts, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny_texts["train"].to_pandas().assign(label=[f"class {label}" for label in tiny_texts["train"]["label"]]).to_csv(
        "articles.csv", index=False
    )
    tiny_texts["test"].remove_columns("label").to_csv("tomorrow.csv", index=False)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a text of one line\n")))
    ran = []
    for module, arguments in commands(DOCS / "tutorial.md"):
        if module == "gloss_pyg.train":
            small = [word for word in arguments if not word.startswith("--method.model")]
            status = train_command.main([*small, "--method.model=random-tiny", "--method.max_steps=2"])
        elif module == "gloss_pyg.predict":
            status = predict.main(arguments)
        elif module == "gloss_pyg.viz":
            status = viz_command.main(arguments)
        else:
            continue
        assert status == 0, (module, arguments, capsys.readouterr().err)
        ran.append(module)
    assert len(ran) == 5
    assert Path("batch.png").stat().st_size > 10_000
    assert len(Path("predictions.csv").read_text("utf-8").splitlines()) == 1 + len(tiny_texts["test"])


@pytest.mark.parametrize("guide", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *GUIDES], ids=lambda guide: guide.stem)
def test_links_lead_somewhere(guide):
    text = guide.read_text("utf-8")
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (guide.parent / path).resolve() if path else guide
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, link


def test_every_guide_stands_in_the_contents():
    named = set(re.findall(r"^([\w/-]+)$", (DOCS / "index.md").read_text("utf-8"), re.MULTILINE))
    assert {str(guide.relative_to(DOCS).with_suffix("")) for guide in GUIDES} - {"index"} <= named


def test_the_tutorial_speaks_of_classes_that_are_there():
    names = load_text_dataset("bbc")["train"].features["label"].names
    assert str(names) in (DOCS / "tutorial.md").read_text("utf-8")
