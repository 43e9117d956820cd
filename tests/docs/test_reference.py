"""Every public name says what it is for, what it refuses, where its formula is from, and shows itself in use."""

import dataclasses
import importlib
import inspect
import sys
from pathlib import Path

import pytest
from torch import nn

pytest.importorskip("sphinx", reason="the reference is built by the extra docs")

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
from reference_pages import PAGES, page, public_names

sys.path.remove(str(DOCS))

NAMES = [(package, name) for package in PAGES for name in public_names(package)]
# Formulas of others: what follows a paper names it.
FROM_PAPERS = ("gloss_pyg.propagation", "gloss_pyg.losses")


def described_by_attributes(part):
    """Records, protocols, errors, aliases and bases to derive from are shown by what uses them."""
    if not inspect.isclass(part):
        return not inspect.isfunction(part)
    return (
        dataclasses.is_dataclass(part)
        or inspect.isabstract(part)
        or getattr(part, "_is_protocol", False)
        or issubclass(part, BaseException)
    )


def documented(package, name):
    part = getattr(importlib.import_module(package), name)
    return part, part.__doc__ or ""


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_name_says_what_it_is(package, name):
    part, text = documented(package, name)
    if getattr(part, "__module__", "").startswith("typing"):
        return  # the choices of an option, which are their own description
    assert len(text.split()) >= 4
    assert text.strip().splitlines()[0].rstrip().endswith((".", ":", ";", ","))


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_name_shows_itself_in_use(package, name):
    part, text = documented(package, name)
    if getattr(part, "__module__", "").startswith("typing") or described_by_attributes(part):
        return
    subclass_shown = (
        inspect.isclass(part) and not part.__init__.__doc__ and name in ("GraphStep", "Sized", "Propagation")
    )
    assert "Example:" in text or subclass_shown


LAYERS_AND_LOSSES = [
    (package, name)
    for package, name in NAMES
    if package in FROM_PAPERS
    and inspect.isclass(part := getattr(importlib.import_module(package), name))
    and issubclass(part, nn.Module)
    and not inspect.isabstract(part)
]


@pytest.mark.parametrize(("package", "name"), LAYERS_AND_LOSSES)
def test_layers_and_losses_name_their_source_and_what_they_refuse(package, name):
    text = documented(package, name)[1]
    assert "Source:" in text
    assert "Raises:" in text or "__init__" not in vars(documented(package, name)[0])


def test_there_is_something_to_check():
    assert len(NAMES) > 100
    assert len(LAYERS_AND_LOSSES) > 25


@pytest.mark.parametrize("package", PAGES)
def test_the_page_of_a_package_has_all_of_it(package):
    text = page(package, "title")
    assert all(f":: {package}.{name}\n" in text for name in public_names(package))
