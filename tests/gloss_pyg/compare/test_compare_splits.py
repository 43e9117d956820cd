from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gloss_pyg.compare.splits as splits_module
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.splits import SplitsCache, load_splits, needs_download
from gloss_pyg.data.load import LabelledSplits, read_splits
from gloss_pyg.errors import ConfigError, DataError


def test_seeds_draw_other_training_documents_and_are_tested_on_the_same_ones(texts_csv: Path) -> None:
    spec = DataSpec(str(texts_csv), labels_per_class=5, test_size=20, validation_size=6)
    first, second = load_splits(spec, 0), load_splits(spec, 1)
    assert set(first.documents["train"]["text"]) != set(second.documents["train"]["text"])
    for split in ("validation", "test"):
        assert first.documents[split]["text"] == second.documents[split]["text"]
    assert (first.test_rows == second.test_rows).all()
    assert first.content != second.content


def test_a_data_seed_of_its_own_draws_the_same_training_documents_for_all_cells(texts_csv: Path) -> None:
    spec = DataSpec(str(texts_csv), labels_per_class=5, seed=7)
    assert load_splits(spec, 0).content == load_splits(spec, 1).content
    assert load_splits(spec, 0).content == load_splits(DataSpec(str(texts_csv), labels_per_class=5), 7).content


def test_a_sample_of_the_test_documents_keeps_the_shares_of_the_classes(texts_csv: Path) -> None:
    whole = load_splits(DataSpec(str(texts_csv)), 0)
    part = load_splits(DataSpec(str(texts_csv), test_size=18), 0)
    assert np.bincount(part.documents["test"]["label"]).tolist() == [6, 6, 6]
    texts = whole.documents["test"]["text"]
    assert [texts[row] for row in part.test_rows] == list(part.documents["test"]["text"])
    assert part.documents["train"]["text"] == whole.documents["train"]["text"]


def test_a_small_sample_of_uneven_classes_keeps_one_of_each(tmp_path: Path) -> None:
    rows = ["text,label", *(f"word{row},{'rare' if row % 50 == 0 else 'often'}" for row in range(500))]
    path = tmp_path / "uneven.csv"
    path.write_text("\n".join(rows))
    part = load_splits(DataSpec(str(path), test_size=2), 0)
    assert sorted(part.documents["test"]["label"]) == [0, 1]
    assert len(load_splits(DataSpec(str(path), test_size=1), 0).documents["test"]) == 1


@pytest.mark.parametrize("size", [0, -1, 37])
def test_a_size_that_cannot_be_had_is_refused(texts_csv: Path, size: int) -> None:
    with pytest.raises(DataError, match=rf"test_size={size}, but the split has 36 documents"):
        load_splits(DataSpec(str(texts_csv), test_size=size), 0)


def test_what_the_loader_refuses_is_refused(texts_csv: Path) -> None:
    with pytest.raises(ConfigError, match="were both given"):
        load_splits(DataSpec(str(texts_csv), train_size=5, labels_per_class=2), 0)


def test_the_content_digest_sees_a_changed_label_and_a_changed_text(texts_csv: Path) -> None:
    spec, before = DataSpec(str(texts_csv)), load_splits(DataSpec(str(texts_csv)), 0).content
    lines = texts_csv.read_text().splitlines()
    texts_csv.write_text("\n".join([*lines[:-1], lines[-1].replace("n119", "n120")]))
    changed = load_splits(spec, 0).content
    texts_csv.write_text("\n".join([*lines[:-1], lines[-1].replace("blue", "red")]))
    assert len({before, changed, load_splits(spec, 0).content}) == 3
    texts_csv.write_text("\n".join(lines))
    assert load_splits(spec, 0).content == before


def test_the_cache_reads_again_only_for_another_draw(texts_csv: Path) -> None:
    messages: list[str] = []
    cache = SplitsCache(messages.append)
    few, fixed = DataSpec(str(texts_csv), labels_per_class=5), DataSpec(str(texts_csv), labels_per_class=5, seed=3)
    assert cache.load("few", few, 0) is cache.load("few", few, 0)
    assert len(messages) == 1
    assert cache.load("few", few, 1).content != cache.load("few", few, 0).content
    assert len(messages) == 3
    assert cache.load("fixed", fixed, 0) is cache.load("fixed", fixed, 1)


def test_the_cache_reads_a_data_set_once_for_all_budgets_and_seeds(
    texts_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counted(name_or_path: str, **columns: Any) -> LabelledSplits:
        read.append(name_or_path)
        return read_splits(name_or_path, **columns)

    monkeypatch.setattr(splits_module, "read_splits", counted)
    cache = SplitsCache(lambda text: None)
    other = texts_csv.with_name("other.csv")
    other.write_text(texts_csv.read_text().replace("blue", "red"))
    specs = [DataSpec(str(texts_csv), labels_per_class=5), DataSpec(str(texts_csv), labels_per_class=8, test_size=18)]
    drawn = {(spec, seed): cache.load("texts", spec, seed).content for spec in specs for seed in (0, 1)}
    assert read == [str(texts_csv)]
    drawn[DataSpec(str(other)), 0] = cache.load("other", DataSpec(str(other)), 0).content
    assert read == [str(texts_csv), str(other)]
    assert drawn == {(spec, seed): load_splits(spec, seed).content for spec, seed in drawn}


@pytest.mark.parametrize(
    ("name", "expected"), [("bbc", False), ("MR", True), ("owner/name", True), ("typo", False), (".", False)]
)
def test_what_may_be_downloaded_is_known(name: str, expected: bool) -> None:
    assert needs_download(DataSpec(name)) is expected
