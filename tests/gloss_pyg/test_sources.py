"""Digests of source: what a module imports counts, what it does not import does not."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from source_caches import forget_sources

from gloss_pyg import sources
from gloss_pyg.description import describe
from gloss_pyg.sources import imports_digest, source_digest

FILES = {
    "project/__init__.py": "from project.parts import Part\n",
    "project/parts/__init__.py": "from .one import Part\nfrom .two import Other\nCONSTANT = 1\n",
    "project/parts/one.py": "from ..deep import depth\n\nclass Part:\n    size = depth()\n",
    "project/parts/two.py": "class Other: pass\n",
    "project/deep.py": "import helper\ndef depth():\n    from project import late\n    return helper.DEPTH\n",
    "project/late.py": "LATE = 1\n",
    "project/unused.py": "x = 1\n",
    "project/method.py": "from project import Part\nimport json, torch\n\nclass Method:\n    part = Part()\n",
    "helper.py": "DEPTH = 3\n",
}

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Change a file of a small project; gives the digest of what `project.method` imports."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)

    def change(name: str, content: str) -> str:
        (tmp_path / name).write_text(content)
        forget_sources()
        return imports_digest("project.method")

    yield change
    for name in [name for name in sys.modules if name.partition(".")[0] in ("project", "helper")]:
        del sys.modules[name]
    forget_sources()


@pytest.mark.parametrize("name", ["project/parts/one.py", "project/deep.py", "project/late.py", "helper.py"])
def test_what_is_imported_counts_near_or_far_at_once_or_late(write: Write, name: str) -> None:
    before = write(name, FILES[name])
    assert write(name, FILES[name] + "\nmore = 1\n") != before
    assert write(name, '"""A docstring."""\n# and a comment\n' + FILES[name]) == before


@pytest.mark.parametrize("name", ["project/parts/two.py", "project/unused.py", "project/method.py"])
def test_what_is_not_imported_does_not_count(write: Write, name: str) -> None:
    before = write(name, FILES[name])
    assert write(name, FILES[name] + "\nmore = 1\n") == before


def test_a_name_that_a_package_defines_itself_lies_in_the_package(write: Write) -> None:
    before = write("project/method.py", "from project.parts import CONSTANT\n")
    assert write("project/parts/__init__.py", FILES["project/parts/__init__.py"].replace("1", "2")) != before


MORE = {
    "a folder without an __init__": {
        "own/method.py": "from own import helper\nfrom own.deep.er import x\n",
        "own/helper.py": "a = 1\n",
        "own/deep/er.py": "x = 1\n",
    },
    "a folder without an __init__ in a package": {
        "own/__init__.py": "",
        "own/method.py": "from .deep import er\n",
        "own/deep/er.py": "a = 1\n",
    },
    "a name that a package imports and wraps": {
        "own/__init__.py": "from .inner import f\nf = [f, 1]\n",
        "own/inner.py": "def f(): pass\n",
        "own/method.py": "from own import f\n",
    },
    "a name that a package imports or else makes": {
        "own/__init__.py": "try:\n    from .fast import f\nexcept ImportError:\n    def f(): return 1\n",
        "own/fast.py": "def f(): pass\n",
        "own/method.py": "from own import f\n",
    },
    "a package whose part is imported": {
        "own/__init__.py": "def f(): return 1\n",
        "own/sub.py": "",
        "own/method.py": "import own.sub\nown.f()\n",
    },
    "packages that import each other": {
        "own/__init__.py": "from .sub import run\n",
        "own/sub/__init__.py": "def run():\n    from own import run\n    return 1\n",
        "own/method.py": "from own import run\n",
    },
    "a module with a byte order mark": {
        "own/__init__.py": "",
        "own/method.py": "import other\n",
        "other.py": "\ufeffa = 1\n",
    },
    "a module that is no Python": {"own/__init__.py": "", "own/method.py": "import other\n", "other.py": "what is 1\n"},
}


@pytest.mark.parametrize("case", MORE)
def test_other_ways_to_import_and_odd_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, content in MORE[case].items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    forget_sources()
    before = imports_digest("own.method")
    changed = [name for name, content in MORE[case].items() if "1" in content]
    assert changed
    for name in changed:
        (tmp_path / name).write_text(MORE[case][name].replace("1", "2"))
        forget_sources()
        assert imports_digest("own.method") != before
        (tmp_path / name).write_text(MORE[case][name])
    forget_sources()


def test_a_module_may_name_its_encoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "own_method.py").write_text("import latin\n")
    digests = []
    for name in ("\u00e9", "\u00e8"):
        (tmp_path / "latin.py").write_bytes(f"# -*- coding: latin-1 -*-\na = '{name}'\n".encode("latin-1"))
        forget_sources()
        digests.append(imports_digest("own_method"))
    assert digests[0] != digests[1]


@pytest.mark.parametrize("folder", ["lib/site-packages", "dist-packages"])
def test_packages_that_are_installed_anywhere_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    (tmp_path / folder / "foreign").mkdir(parents=True)
    (tmp_path / folder / "foreign" / "__init__.py").write_text("a = 1\n")
    (tmp_path / "own_method.py").write_text("import foreign, torch\n")
    for place in (tmp_path, tmp_path / folder):
        monkeypatch.syspath_prepend(str(place))
    forget_sources()
    assert imports_digest("own_method") == ""


def test_nothing_is_imported_to_find_it_out(write: Write) -> None:
    write("project/late.py", "raise RuntimeError\n")
    assert not {"project", "project.late", "helper"} & set(sys.modules)


def test_an_object_is_described_with_what_its_class_imports(write: Write) -> None:
    write("helper.py", FILES["helper.py"])
    before = describe(importlib.import_module("project.method").Method())
    write("helper.py", "DEPTH = 4\n")
    after = describe(importlib.import_module("project.method").Method())
    assert before["arguments"] == after["arguments"]
    assert before["code"] != after["code"]


def test_our_own_methods_depend_on_their_parts_and_on_no_layer_that_they_do_not_use() -> None:
    found = {"gloss_pyg.methods.fine_tuning"}
    waiting = list(found)
    while waiting:
        for name in sources._imported(waiting.pop()):
            if name not in found:
                found.add(name)
                waiting.append(name)
    assert found >= {f"gloss_pyg.{name}" for name in ("losses.targets", "data.mixed_sampler", "training.keep_best")}
    assert not found & {"gloss_pyg.propagation.heat_kernel", "gloss_pyg.compare.grid", "gloss_pyg.viz.page", "torch"}


def test_python_and_installed_packages_are_none_of_it() -> None:
    assert imports_digest("json.decoder") == imports_digest("numpy.linalg") == imports_digest("nowhere.at.all") == ""


def test_comments_and_docstrings_change_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "one.py", tmp_path / "two.py"
    one.write_text('def f():\n    "Says."\n    return 1  # one\n')
    two.write_text("# Twice.\ndef f():\n\n    return 1\n")
    assert source_digest(one) == source_digest(two)
