from pathlib import Path

import pytest
import yaml

from gloss_pyg.compare.configuration import check_names, find_config, normalise_data, read_config, shipped_names
from gloss_pyg.errors import ConfigError


def test_a_shipped_configuration_is_found_by_name() -> None:
    assert {"quick", "tiny", "mr-800"} <= set(shipped_names())
    assert find_config("quick").name == "quick.yaml"


def test_a_file_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("methods: {}")
    assert find_config(str(path)) == path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("qick", "Did you mean 'quick'"),
        ("zzz", "Known: .*quick"),
        ("no/such/quik.yaml", "no configuration file no/such/quik.yaml.*Did you mean 'quick'"),
        ("no/such/zzz.yaml", r"no configuration file no/such/zzz.yaml\.$"),
    ],
)
def test_an_unknown_configuration_names_the_nearest(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_config(name)


def test_a_folder_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        find_config(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds empty; expected the fields methods, data"),
        ("- a\n- b", "holds a list"),
        ("methods: {a: {b: [}", "not valid YAML"),
        ("metods: {a: FineTuning}\ndata: bbc", "no field 'metods'. Did you mean 'methods'"),
        ("data: bbc", "'methods' is empty"),
        ("methods: {}\ndata: bbc", "'methods' is a mapping without entries"),
        ("methods: FineTuning\ndata: bbc", "'methods' is a text"),
        ("methods: {a b: FineTuning}\ndata: bbc", "'a b' cannot be a name"),
        ("methods: {a.b: FineTuning}\ndata: bbc", "'a.b' cannot be a name"),
        ("methods: {g-loss: A, g_loss: B}\ndata: bbc", "'g-loss' and 'g_loss' are too alike"),
        ("methods: {a: FineTuning}", "data is empty"),
        ("methods: {a: FineTuning}\ndata: []", "data is a list without entries"),
        ("methods: {a: FineTuning}\ndata: 7", "data is a number"),
        ("methods: {a: FineTuning}\ndata: [{train_size: 5}]", "without a name_or_path"),
        ("methods: {a: FineTuning}\ndata: {bbc: {train_sise: 5}}", "no field 'train_sise'. Did you mean 'train_size'"),
        ("methods: {a: FineTuning}\ndata: {bbc: 5}", "data.bbc is a number"),
        ("methods: {a: FineTuning}\ndata: [x/a.csv, y/a.csv]", "two data sets are called 'a'"),
        ("methods: {a: FineTuning}\ndata: {seed: {name_or_path: bbc}}", "'seed' is a field of a data set"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        read_config(path)


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(b"methods: {caf\xe9: FineTuning}")
    with pytest.raises(ConfigError, match="not valid YAML"):
        read_config(path)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("bbc", {"bbc": {"name_or_path": "bbc"}}),
        ("[MR, R8]", {"MR": {"name_or_path": "MR"}, "R8": {"name_or_path": "R8"}}),
        ("{bbc: {labels_per_class: 5}}", {"bbc": {"name_or_path": "bbc", "labels_per_class": 5}}),
        ("{few: {name_or_path: bbc}}", {"few": {"name_or_path": "bbc"}}),
        ("{name_or_path: a/b.c.csv, seed: 3}", {"b-c": {"name_or_path": "a/b.c.csv", "seed": 3}}),
        ("{bbc: }", {"bbc": {"name_or_path": "bbc"}}),
        ("{few: some/folder}", {"few": {"name_or_path": "some/folder"}}),
        ("owner/name", {"name": {"name_or_path": "owner/name"}}),
        ("some/folder/", {"folder": {"name_or_path": "some/folder/"}}),
        ("отзывы.csv", {"data": {"name_or_path": "отзывы.csv"}}),
    ],
)
def test_data_sets_may_be_written_in_several_ways(given: str, expected: dict[str, object]) -> None:
    assert normalise_data(yaml.safe_load(given), "data") == expected


def test_names_of_the_fields_in_the_table_are_allowed() -> None:
    check_names(["20NG", "g-loss", "CE_2"], "methods")
