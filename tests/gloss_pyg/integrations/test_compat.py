import pytest

from gloss_pyg.errors import MissingExtraError
from gloss_pyg.integrations import compat


def test_what_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(compat._PLACES, "Nothing", ("setfit", ("no_such_package.at_all",)))
    with pytest.raises(MissingExtraError, match=r"no_such_package.*gloss-pyg\[setfit\]"):
        _ = compat.Nothing


def test_the_second_place_is_tried(monkeypatch):
    monkeypatch.setitem(compat._PLACES, "Path", ("st", ("pathlib:NoSuchName", "pathlib")))
    import pathlib

    assert compat.Path is pathlib.Path


def test_other_names_are_not_there():
    with pytest.raises(AttributeError, match="no name 'Other'"):
        _ = compat.Other
