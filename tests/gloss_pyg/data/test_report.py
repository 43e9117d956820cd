from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from gloss_pyg.data import describe

FEATURES = Features(text=Value("string"), label=ClassLabel(names=["a", "b"]))


def split(texts: list[str], labels: list[int]) -> Dataset:
    return Dataset.from_dict({"text": texts, "label": labels}, features=FEATURES)


SPLITS = DatasetDict(
    train=split(["one two", "one  two", "three", "four five six"], [0, 1, 0, -1]),
    test=split(["three", "one two ", "seven"], [0, 1, 1]),
)


def test_numbers_against_a_count_by_hand() -> None:
    report = describe(SPLITS)
    assert report.documents == {"train": 4, "test": 3}
    assert report.unlabelled == {"train": 1, "test": 0}
    assert report.per_class == {"train": {"a": 2, "b": 1}, "test": {"a": 1, "b": 2}}
    assert report.median_words == {"train": 2.0, "test": 1.0}
    assert report.shared_texts == {("train", "test"): 2}
    assert report.repeated_texts == {"train": 1, "test": 0}
    assert report.conflicting_texts == 1  # "one two" is both a and b
    assert report.notes == ()


def test_it_reads_as_text() -> None:
    lines = str(describe(SPLITS)).splitlines()
    assert lines == [
        "train: 4 documents, 1 unlabelled, 2 classes of 1 to 2, median 2 words",
        "test: 3 documents, 2 classes of 1 to 2, median 1 words",
        "2 texts of 'test' also occur in 'train'",
        "1 documents repeat a text of their own split",
        "1 texts occur with more than one label",
    ]
