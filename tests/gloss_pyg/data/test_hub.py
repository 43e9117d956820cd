from functools import partial
from typing import Any

import datasets
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from huggingface_hub import HfApi

from gloss_pyg.data import describe, hub, load_text_dataset
from gloss_pyg.errors import DataError


@pytest.fixture
def on_the_hub(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """A made-up Hub data set in the form of GLUE's: class names out of order, test labels hidden, a split too many."""
    features = Features(sentence=Value("string"), label=ClassLabel(names=["positive", "negative"]), idx=Value("int32"))

    def split(name: str, size: int, *, hidden: bool = False) -> Dataset:
        return Dataset.from_dict(
            {
                "sentence": [f"{name} {row}" for row in range(size)],
                "label": [-1 if hidden else row % 2 for row in range(size)],
                "idx": list(range(size)),
            },
            features=features,
        )

    loaded = DatasetDict(
        train=split("train", 50),
        validation=split("validation", 6),
        test=split("test", 8, hidden=True),
        unsupervised=split("more", 5, hidden=True),
    )
    calls: list[tuple[Any, ...]] = []

    def load_dataset(*args: Any, **options: Any) -> DatasetDict:
        calls.append(args)
        assert not options  # above all no trust_remote_code
        return loaded

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    return calls


def test_a_hub_data_set(on_the_hub: list[tuple[Any, ...]]) -> None:
    splits = load_text_dataset("owner/name:sst2", text_column="sentence")
    assert on_the_hub == [("owner/name", "sst2")]
    assert {name: len(split) for name, split in splits.items()} == {"train": 45, "validation": 5, "test": 6}
    names = splits["test"].features["label"].names
    assert names == ["negative", "positive"]
    assert [names[label] for label in splits["test"]["label"]] == ["positive", "negative"] * 3
    notes = describe(splits).notes
    assert notes[0] == "the splits unsupervised were left out"
    assert "8 documents of 'test' have no labels" in notes[1]


def test_a_wrong_column_names_the_split(on_the_hub: list[tuple[Any, ...]]) -> None:
    with pytest.raises(DataError, match="owner/name, split 'train' has no column 'text'; its columns are 'sentence'"):
        load_text_dataset("owner/name")


def test_without_network_the_hub_is_asked_once(monkeypatch: pytest.MonkeyPatch, network_is_off: list[str]) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr(hub, "HfApi", partial(HfApi, endpoint="http://127.0.0.1:9"))

    def load_dataset(*args: Any) -> None:
        pytest.fail("datasets would try again for half a minute")

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(DataError, match=r"no local file or folder 'owner/name'.*cannot be reached.*check the network"):
        load_text_dataset("owner/name")
    network_is_off.clear()  # huggingface_hub itself asks for a list of user agents, and goes on without


@pytest.mark.parametrize("error", [ValueError("Config name is missing: a, b"), RuntimeError("scripts are not run")])
def test_what_datasets_refuses_is_passed_on(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def load_dataset(*args: Any) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    with pytest.raises(
        DataError, match=rf"'owner/name' of the Hub cannot be loaded: {error}.*owner/name:configuration"
    ):
        load_text_dataset("owner/name")
