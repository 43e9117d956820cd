"""Imports run one way, and every module says what it is."""

import ast
import doctest
import importlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gloss_pyg"
BASELINES = ROOT / "baselines"
# A package may import what stands before it. The first eight stand on nothing of ours but errors, and `description` on
# `sources`.
ORDER = [
    "errors",
    "startup",
    "command",
    "files",
    "model_folder",
    "model_card",
    "sources",
    "description",
    "metrics",
    "data",
    "encoder",
    "graph",
    "propagation",
    "classifier",
    "losses",
    "testing",
    "training",
    "methods",
    "compare",
]
# The commands and the adapters, and what each has no business with: one command stands on no other, predicting trains
# nothing, and an adapter brings losses to another library's training.
ON_TOP = {
    "integrations": {"testing", "methods", "compare", "train", "predict", "tune", "viz"},
    "train": {"integrations", "testing", "predict", "tune", "viz"},
    "predict": {"integrations", "losses", "testing", "training", "compare", "train", "tune", "viz"},
    "tune": {"integrations", "testing", "train", "predict", "viz"},
    "viz": {"integrations", "testing", "methods", "train", "predict", "tune"},
}
MODULES = sorted(path.relative_to(ROOT) for path in PACKAGE.rglob("*.py"))
# What `baselines` may use of gloss_pyg: it is compared, so it knows nothing of what compares it.
OPEN_TO_BASELINES = set(ORDER) - {"compare"}
BASELINE_MODULES = sorted(path.relative_to(ROOT) for path in BASELINES.rglob("*.py"))
ALL_MODULES = [*MODULES, *BASELINE_MODULES]


def imported(path):
    """Dotted names that a module imports anywhere, inside functions and for type checkers too."""
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively, which this test does not follow"
            if node.module == "gloss_pyg":
                yield from (f"gloss_pyg.{alias.name}" for alias in node.names)
            else:
                yield node.module


def home(dotted):
    """The part of gloss_pyg that a dotted name is in."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == "gloss_pyg" and len(parts) > 1 else None


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_one_way(path):
    own = path.parts[1].removesuffix(".py")
    for name in imported(path):
        assert name.split(".")[0] not in ("baselines", "tests", "benchmarks"), f"{path} imports {name}"
        part = home(name)
        if part is None or own.startswith("_") or part in (own, "__version__"):
            continue  # the package's own front, and what registers it, may name every part
        if own in ON_TOP:
            assert part in {*ORDER, *ON_TOP}, f"{path} imports {name}, which has no place in the order"
            assert part not in ON_TOP[own], f"{path} imports {name}: {own} has no business with {part}"
            continue
        assert own in ORDER, f"{path} has no place in the order"
        assert part in ORDER, f"{path} imports {name}, which has no place in the order"
        assert ORDER.index(part) < ORDER.index(own), f"{path} imports {name}: {own} stands before {part}"


@pytest.mark.parametrize("path", BASELINE_MODULES, ids=str)
def test_baselines_stand_on_gloss_pyg(path):
    for name in imported(path):
        assert name.split(".")[0] not in ("tests", "benchmarks"), f"{path} imports {name}"
        assert home(name) in {None, *OPEN_TO_BASELINES}, f"{path} imports {name}, which is not for methods"


def test_the_order_names_what_is_there():
    parts = {path.parts[1].removesuffix(".py") for path in MODULES}
    assert {part for part in parts if not part.startswith("_")} <= {*ORDER, *ON_TOP}
    assert set(ORDER) <= parts


# Packages whose name on PyPI is not the name they are imported by.
CALLED = {"faiss": "faiss-cpu", "pil": "pillow", "sklearn": "scikit-learn", "umap": "umap-learn", "yaml": "pyyaml"}


def test_every_package_that_is_imported_is_declared():
    """One that comes only because another package wants it goes when that package changes its mind."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    entries = [project["dependencies"], *project["optional-dependencies"].values()]
    declared = {re.match(r"[\w-]+", entry)[0].lower() for group in entries for entry in group}
    used = {name.split(".")[0] for path in ALL_MODULES for name in imported(path)} - sys.stdlib_module_names
    missing = {
        name
        for name in {name.lower() for name in used} - {"gloss_pyg", "baselines"}
        if CALLED.get(name, name).replace("_", "-") not in declared
    }
    assert not missing


def test_type_checkers_are_told_that_the_package_is_typed():
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("path", ALL_MODULES, ids=str)
def test_every_module_has_a_docstring(path):
    assert ast.get_docstring(ast.parse((ROOT / path).read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", [path for path in ALL_MODULES if ">>> " in (ROOT / path).read_text()], ids=str)
def test_examples_of_docstrings(path, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # readers who type them in have no such checks
    module = importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
    names = {**vars(module), "torch": importlib.import_module("torch")}
    found = [test for test in doctest.DocTestFinder(exclude_empty=True).find(module, globs=names) if test.examples]
    assert found, f"{path} holds examples that doctest does not find"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    for test in found:
        report: list[str] = []
        runner.run(test, out=report.append)
        assert not report, "".join(report)
