from pathlib import Path

import pytest

from gloss_pyg.compare.budgets import expand_budgets
from gloss_pyg.compare.command_line import read_arguments
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.errors import ConfigError

CONFIG = """
methods: {a: {class_path: fake_methods.FakeMethod}}
data: {bbc: {labels_per_class: [5, 20, all], unlabelled: keep}, MR: {train_size: [0.1, 100]}, R8: {train_size: all}}
"""


def test_lists_of_budgets_become_data_sets(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(CONFIG)
    data = read_arguments(["--config", str(path)]).check_without_methods().data
    budgets = {name: (spec.name_or_path, spec.labels_per_class, spec.train_size) for name, spec in data.items()}
    assert budgets == {
        "bbc-5": ("bbc", 5, None),
        "bbc-20": ("bbc", 20, None),
        "bbc-all": ("bbc", None, None),
        "MR-0_1": ("MR", None, 0.1),
        "MR-100": ("MR", None, 100),
        "R8": ("R8", None, None),
    }
    assert data["bbc-5"].unlabelled == "keep"


def test_a_list_can_be_given_in_an_option(tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text("methods: {a: {class_path: fake_methods.FakeMethod}}\ndata: bbc")
    arguments = read_arguments(["--config", str(path), "--data.labels_per_class=[1,all]"])
    assert list(arguments.check_without_methods().data) == ["bbc-1", "bbc-all"]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"bbc": DataSpec("bbc", labels_per_class=[])}, r"data.bbc: labels_per_class=\[\]; expected different budgets"),
        ({"bbc": DataSpec("bbc", labels_per_class=[5, 5])}, "expected different budgets"),
        (
            {"bbc": DataSpec("bbc", labels_per_class=[5]), "bbc-5": DataSpec("bbc")},
            "two data sets would be called 'bbc-5'",
        ),
    ],
    ids=["empty", "twice", "the same name"],
)
def test_lists_that_cannot_be_are_refused(data: dict[str, DataSpec], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        expand_budgets(data)
