from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader
from transformers import AutoTokenizer

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.errors import DataError


@pytest.fixture
def tokenizer(tiny_bert: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_bert)


def test_a_batch_is_padded_to_its_longest_row(tokenizer: Any) -> None:
    collate = DataCollator(tokenizer)
    rows = [{"input_ids": [2, 7, 3], "label": 1}, {"input_ids": [2, 7, 8, 9, 3], "label": 0}]
    batch = collate(rows)
    assert batch["input_ids"].tolist() == [[2, 7, 3, 0, 0], [2, 7, 8, 9, 3]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]
    assert batch["labels"].tolist() == [1, 0]
    assert batch["labels"].dtype == torch.int64


def test_the_padding_is_that_of_the_tokenizer(tokenizer: Any, tiny_texts: Any) -> None:
    texts = list(tiny_texts["train"]["text"][:7])
    batch = DataCollator(tokenizer)(list(tokenize(texts, tokenizer, 16)))
    expected = tokenizer(texts, truncation=True, max_length=16, padding=True, return_tensors="pt")
    assert set(batch) == set(expected)
    assert all(torch.equal(batch[name], expected[name]) for name in expected)


@pytest.mark.parametrize("name", ["label", "labels"])
def test_no_label_becomes_the_one_that_losses_ignore(tokenizer: Any, name: str) -> None:
    rows = [{"input_ids": [2, 3], name: label} for label in (2, -1, -100, torch.tensor(-1))]
    assert DataCollator(tokenizer)(rows)["labels"].tolist() == [2, -100, -100, -100]


def test_other_columns_are_left_out_and_labels_need_not_be_there(tokenizer: Any) -> None:
    batch = DataCollator(tokenizer)([{"input_ids": [2, 3], "text": "x", "id": "a"}])
    assert set(batch) == {"input_ids", "attention_mask"}


def test_it_serves_a_loader(tokenizer: Any, tiny_texts: Any) -> None:
    rows = tokenize(tiny_texts["train"], tokenizer, 64)
    loader = DataLoader(rows, batch_size=16, collate_fn=DataCollator(tokenizer))
    batches = list(loader)
    assert torch.cat([batch["labels"] for batch in batches]).tolist() == tiny_texts["train"]["label"][:]
    lengths = [len(ids) for ids in rows["input_ids"]]
    assert [batch["input_ids"].shape[1] for batch in batches] == [max(lengths[i : i + 16]) for i in range(0, 60, 16)]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no documents"),
        ([{"text": "x", "label": 1}], "no 'input_ids', only text, label. Tokenise first"),
        ([{"input_ids": [2]}, {"text": "x"}], "no 'input_ids'"),
        ([{"input_ids": [2], "label": 1}, {"input_ids": [2]}], "label None; expected a class id.*every document"),
        ([{"input_ids": [2], "label": -2}], "label -2; expected"),
        ([{"input_ids": [2], "label": 0.5}], "label 0.5; expected"),
        ([{"input_ids": [2], "label": "sport"}], "label 'sport'; expected"),
        ([{"input_ids": [2], "label": [0, 1]}], r"label \[0, 1\]; expected"),
    ],
)
def test_what_cannot_be_a_batch_is_refused(tokenizer: Any, rows: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        DataCollator(tokenizer)(rows)
