import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import ClassLabel, DatasetDict

from gloss_pyg.data import describe, load_text_dataset
from gloss_pyg.data.report import log_note, text_key


@pytest.fixture(autouse=True)
def notes_are_logged_anew() -> None:
    log_note.cache_clear()


def write(path: Path, rows: list[tuple[Any, Any]]) -> Path:
    frame = pd.DataFrame(rows, columns=["text", "label"])
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    return path


def rows_of(split: Any) -> list[tuple[str, str]]:
    names = [*split.features["label"].names, "none"]  # -1 is the last one
    return [(text, names[label]) for text, label in zip(split["text"], split["label"], strict=True)]


def test_bbc_is_divided_by_class_and_no_text_is_in_two_splits() -> None:
    splits = load_text_dataset("bbc")
    sizes = {name: len(split) for name, split in splits.items()}
    assert sizes == {"train": 1275, "validation": 212, "test": 638}
    assert sum(sizes.values()) == 2125
    keys = {name: {text_key(text) for text in split["text"]} for name, split in splits.items()}
    assert len(keys["train"] | keys["validation"] | keys["test"]) == 2125
    whole = Counter(label for split in splits.values() for label in split["label"])
    for name, share in {"train": 0.6, "validation": 0.1, "test": 0.3}.items():
        counts = Counter(splits[name]["label"])
        for label, count in whole.items():
            assert abs(counts[label] - share * count) <= 1, (name, label)
    assert any("£" in text for text in splits["train"]["text"])  # one of the files that are not UTF-8 has it
    assert describe(splits).notes[0].startswith("100 of 2225 articles")


def test_bbc_has_the_same_splits_whatever_the_seed() -> None:
    first, second = load_text_dataset("bbc", seed=0), load_text_dataset("bbc", seed=7)
    assert all(first[name][:] == second[name][:] for name in first)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_file_is_divided_60_10_30_and_keeps_every_row(suffix: str, tmp_path: Path) -> None:
    rows = [(f'text {row}, "quoted"\nand broken é 中', "ab"[row % 4 == 0]) for row in range(200)]
    splits = load_text_dataset(write(tmp_path / f"data{suffix}", rows))
    assert {name: len(split) for name, split in splits.items()} == {"train": 120, "validation": 20, "test": 60}
    assert Counter(splits["test"]["label"]) == {0: 45, 1: 15}
    assert sorted(row for split in splits.values() for row in rows_of(split)) == sorted(rows)
    assert "60/10/30" in describe(splits).notes[0]


def test_formats_give_the_same_splits(tmp_path: Path) -> None:
    rows = [(f"text {row}", row % 3) for row in range(60)]
    loaded = [load_text_dataset(write(tmp_path / f"data{suffix}", rows)) for suffix in (".csv", ".jsonl", ".parquet")]
    for other in loaded[1:]:
        assert all(other[name][:] == loaded[0][name][:] for name in ("train", "validation", "test"))


def test_equal_texts_go_into_the_same_split(tmp_path: Path) -> None:
    rows = [(f"text  {row // 3}" if row % 2 else f"text {row // 3}", "ab"[row // 3 % 2]) for row in range(120)]
    splits = load_text_dataset(write(tmp_path / "data.csv", rows))
    assert sum(map(len, splits.values())) == 120
    assert describe(splits).shared_texts == {}


def test_a_class_of_one_document_stays_in_training(tmp_path: Path) -> None:
    rows = [(f"text {row}", "common" if row else "rare") for row in range(30)]
    rows += [(f"other {row}", "second") for row in range(30)]
    splits = load_text_dataset(write(tmp_path / "data.csv", rows))
    assert ("text 0", "rare") in rows_of(splits["train"])


def test_a_folder_without_validation_takes_ten_percent_of_training(tmp_path: Path, caplog: Any) -> None:
    write(tmp_path / "train.csv", [(f"train {row}", "ab"[row % 2]) for row in range(100)])
    write(tmp_path / "test.jsonl", [(f"test {row}", "ab"[row % 2]) for row in range(10)])
    with caplog.at_level(logging.WARNING, "gloss_pyg"):
        splits = load_text_dataset(tmp_path)
    assert {name: len(split) for name, split in splits.items()} == {"train": 90, "validation": 10, "test": 10}
    assert Counter(splits["validation"]["label"]) == {0: 5, 1: 5}
    assert [text for text, _ in rows_of(splits["test"])] == [f"test {row}" for row in range(10)]
    assert "10 of the training documents, 10 % by class with seed 0" in caplog.text


def test_a_folder_with_validation_only_tests_on_it(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", [(f"train {row}", "ab"[row % 2]) for row in range(100)])
    write(tmp_path / "dev.csv", [(f"dev {row}", "ab"[row % 2]) for row in range(10)])
    splits = load_text_dataset(tmp_path)
    assert {name: len(split) for name, split in splits.items()} == {"train": 90, "validation": 10, "test": 10}
    assert set(splits["test"]["text"]) == {f"dev {row}" for row in range(10)}
    assert "the validation split is used as such" in describe(splits).notes[0]


def test_a_test_split_without_labels_counts_as_missing(tmp_path: Path) -> None:
    write(tmp_path / "train.csv", [(f"train {row}", row % 2) for row in range(50)])
    write(tmp_path / "val.csv", [(f"val {row}", row % 2) for row in range(10)])
    write(tmp_path / "test.csv", [(f"test {row}", -1) for row in range(10)])
    splits = load_text_dataset(tmp_path)
    assert set(splits["test"]["text"]) == {f"val {row}" for row in range(10)}
    assert "10 documents of 'test' have no labels" in describe(splits).notes[0]


def test_shards_are_joined_in_order(tmp_path: Path) -> None:
    for shard in range(2):
        write(tmp_path / f"train-0000{shard}-of-00002.parquet", [(f"{shard} {row}", row % 2) for row in range(10)])
    write(tmp_path / "validation.csv", [("v", 0), ("w", 1)])
    write(tmp_path / "test.csv", [("x", 0), ("y", 1)])
    splits = load_text_dataset(tmp_path)
    assert splits["train"]["text"][:] == [f"{shard} {row}" for shard in range(2) for row in range(10)]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([10, 9, 2], ["2", "9", "10"]),
        (["10", "9", "2"], ["2", "9", "10"]),
        ([10.0, 9.0, 2.0], ["2", "9", "10"]),
        (["b", " a ", "C"], ["C", "a", "b"]),
        (["10", "9", "x"], ["10", "9", "x"]),
        (["007", "07", "7"], ["007", "07", "7"]),
        ([True, False, True], ["False", "True"]),
    ],
)
def test_classes_are_sorted_by_number_or_name(labels: list[Any], names: list[str], tmp_path: Path) -> None:
    for split in ("train", "val", "test"):
        write(tmp_path / f"{split}.parquet", [(f"{split} {row}", label) for row, label in enumerate(labels)])
    splits = load_text_dataset(tmp_path)
    for split in splits.values():
        assert split.features["label"] == ClassLabel(names=names)
        assert [label for _, label in rows_of(split)] == [
            str(int(label)) if isinstance(label, float) else str(label).strip() for label in labels
        ]


def test_empty_texts_are_dropped_and_counted(tmp_path: Path, caplog: Any) -> None:
    write(tmp_path / "train.parquet", [("one", "a"), (None, "a"), (" \n", "b"), ("two", "b")])
    write(tmp_path / "val.parquet", [("x", "a"), ("y", "b")])
    write(tmp_path / "test.parquet", [("x1", "a"), ("", "b")])
    with caplog.at_level(logging.WARNING, "gloss_pyg"):
        splits = load_text_dataset(tmp_path)
    assert rows_of(splits["train"]) == [("one", "a"), ("two", "b")]
    assert describe(splits).notes == (
        "2 of 4 documents of 'train' had an empty text and were dropped",
        "1 of 2 documents of 'test' had an empty text and were dropped",
    )
    assert all(note in caplog.text for note in describe(splits).notes)


def test_classes_named_like_a_missing_label_are_told(tmp_path: Path, caplog: Any) -> None:
    labels = ["yes", "nan", "no", "None", "nan", "banana"]
    write(tmp_path / "train.csv", [(f"text {row}", labels[row % 6]) for row in range(60)])
    splits = load_text_dataset(tmp_path / "train.csv")
    assert set(splits["train"].features["label"].names) == set(labels)
    assert "20 documents have the label 'nan', which is taken for a class of that name" in caplog.text
    assert "10 documents have the label 'None'" in caplog.text
    assert "'banana'" not in caplog.text
    assert any("'nan'" in note for note in describe(splits).notes)


def test_shared_texts_are_told_and_kept(tmp_path: Path, caplog: Any) -> None:
    write(tmp_path / "train.csv", [("one", "a"), ("two", "b")])
    write(tmp_path / "val.csv", [("three", "a"), ("four", "b")])
    write(tmp_path / "test.csv", [("one", "a"), (" two ", "b"), ("three", "a")])
    with caplog.at_level(logging.WARNING, "gloss_pyg"):
        splits = load_text_dataset(tmp_path)
    assert len(splits["test"]) == 3
    assert "2 of 3 texts of 'test' also occur in 'train'" in caplog.text
    assert describe(splits).shared_texts == {("train", "test"): 2, ("validation", "test"): 1}


def test_a_note_is_logged_once(tmp_path: Path, caplog: Any) -> None:
    path = write(tmp_path / "data.csv", [(f"text {row}", "ab"[row % 2]) for row in range(40)])
    with caplog.at_level(logging.WARNING, "gloss_pyg"):
        load_text_dataset(path)
        load_text_dataset(path)
    assert len(caplog.records) == 1


def test_unlabelled_documents_are_dropped_or_kept(tmp_path: Path) -> None:
    rows = [(f"text {row}", row % 2 if row < 40 else -1) for row in range(60)]
    path = write(tmp_path / "data.csv", rows)
    dropped, kept = load_text_dataset(path), load_text_dataset(path, unlabelled="keep")
    assert len(dropped["train"]) == 24
    assert Counter(kept["train"]["label"]) == {0: 12, 1: 12, -1: 20}
    assert any("20 training documents without a label (-1) were dropped" in note for note in describe(dropped).notes)
    assert all(-1 not in split["label"] for name, split in kept.items() if name != "train")


def test_unlabelled_copies_of_test_texts_are_dropped(tmp_path: Path) -> None:
    rows = [(f"text {row % 40}", row % 2 if row < 40 else -1) for row in range(80)]
    splits = load_text_dataset(write(tmp_path / "data.csv", rows), unlabelled="keep")
    assert describe(splits).shared_texts == {}
    assert Counter(splits["train"]["label"])[-1] == 24  # 16 repeat one of the texts set aside
    assert any("16 documents without a label repeat" in note for note in describe(splits).notes)


def test_labels_per_class_keeps_that_many_of_each() -> None:
    few = load_text_dataset("bbc", labels_per_class=5, seed=1)
    assert Counter(few["train"]["label"]) == dict.fromkeys(range(5), 5)
    everything = load_text_dataset("bbc", labels_per_class=5, seed=1, unlabelled="keep")
    assert len(everything["train"]) == 1275
    labelled = [row for row in rows_of(everything["train"]) if row[1] != "none"]
    assert labelled == rows_of(few["train"])
    other = load_text_dataset("bbc", labels_per_class=5, seed=2)
    assert set(other["train"]["text"]) != set(few["train"]["text"])
    assert other["test"][:] == few["test"][:]


@pytest.mark.parametrize(("size", "expected"), [(100, 100), (0.2, 255), (1.0, 1275), (5, 5), (1275, 1275)])
def test_train_size_keeps_the_shares_of_the_classes(size: float, expected: int) -> None:
    train = load_text_dataset("bbc", train_size=size)["train"]
    full = Counter(load_text_dataset("bbc")["train"]["label"])
    counts = Counter(train["label"])
    assert len(train) == expected
    for label, count in full.items():
        assert abs(counts[label] - expected * count / 1275) <= 1


def test_classes_short_of_the_budget_are_named(tmp_path: Path) -> None:
    rows = [(f"text {row}", "big" if row < 30 else "small") for row in range(33)]
    for split in ("train", "val", "test"):
        write(tmp_path / f"{split}.csv", [(f"{split} {text}", label) for text, label in rows])
    splits = load_text_dataset(tmp_path, labels_per_class=5)
    assert Counter(splits["train"]["label"]) == {0: 5, 1: 3}
    assert describe(splits).notes == (
        "1 of 2 classes have fewer than labels_per_class=5 training documents and give all they have: 'small' (3)",
    )


def test_other_columns_and_names(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": range(40), "topic": ["x", "y"] * 20, "body": [f"text {row}" for row in range(40)]})
    frame.to_csv(tmp_path / "data.tsv", sep="\t", index=False)
    splits = load_text_dataset(str(tmp_path / "data.tsv"), text_column="body", label_column="topic")
    assert splits["train"].column_names == ["text", "label"]
    assert splits["train"].features["label"].names == ["x", "y"]


def test_notes_survive_map_select_and_disk(tmp_path: Path) -> None:
    path = write(tmp_path / "data.csv", [(f"text {row}", "ab"[row % 2]) for row in range(40)])
    splits = load_text_dataset(path)
    notes = describe(splits).notes
    changed = splits.map(lambda row: {"text": row["text"].upper()})
    assert describe(changed).notes == notes
    changed.save_to_disk(str(tmp_path / "saved"))
    assert describe(DatasetDict.load_from_disk(str(tmp_path / "saved"))).notes == notes
    assert describe(DatasetDict(train=splits["train"].select(range(3)))).notes == notes
