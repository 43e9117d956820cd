from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, DatasetDict
from transformers import AutoTokenizer

from gloss_pyg.data import tokenize
from gloss_pyg.errors import ConfigError, DataError


@pytest.fixture
def tokenizer(tiny_bert: Path) -> Any:
    return AutoTokenizer.from_pretrained(tiny_bert)


def test_splits(tokenizer: Any, tiny_texts: Any) -> None:
    tokens = tokenize(tiny_texts, tokenizer, 6)
    assert isinstance(tokens, DatasetDict)
    for name, split in tokens.items():
        assert split["input_ids"][:] == [
            tokenizer(text, truncation=True, max_length=6)["input_ids"] for text in tiny_texts[name]["text"]
        ]
        assert split["labels"][:] == tiny_texts[name]["label"][:]
        assert split.features["labels"] == tiny_texts[name].features["label"]
        assert "text" not in split.column_names
        assert "label" not in split.column_names
    lengths = {len(ids) for ids in tokens["train"]["input_ids"]}
    assert max(lengths) == 6
    assert min(lengths) < 6  # not padded


def test_texts_alone_and_kept(tokenizer: Any) -> None:
    tokens = tokenize(["team", "the band"], tokenizer, 64, keep_text=False)
    assert set(tokens.column_names) == {"input_ids", "token_type_ids", "attention_mask"}
    kept = tokenize(Dataset.from_dict({"text": ["team"], "id": [4]}), tokenizer, 64, keep_text=True)
    assert kept["text"][:] == ["team"]
    assert "id" not in kept.column_names


def test_unlabelled_documents_keep_their_mark(tokenizer: Any, tiny_texts: Any) -> None:
    split = tiny_texts["train"].select(range(2)).map(lambda row: {"label": -1})
    assert tokenize(split, tokenizer, 64)["labels"][:] == [-1, -1]


def test_the_tokenizers_own_limit(tokenizer: Any) -> None:
    tokens = tokenize(["team " * 100], tokenizer, None)
    assert len(tokens["input_ids"][0]) == tokenizer.model_max_length == 64


@pytest.mark.parametrize("length", [0, -1, 65, True])
def test_lengths_that_cannot_be(tokenizer: Any, length: int) -> None:
    with pytest.raises(ConfigError, match=r"max_length=.*(whole number from 1|at most 64 tokens)"):
        tokenize(["x"], tokenizer, length)


def test_no_limit_at_all(tokenizer: Any) -> None:
    tokenizer.model_max_length = int(1e30)
    with pytest.raises(ConfigError, match="give max_length"):
        tokenize(["x"], tokenizer, None)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("one text", "was given one string"),
        (Dataset.from_dict({"body": ["x"]}), "no column 'text' .*columns are body"),
        (Dataset.from_dict({"text": ["x", None]}), "Text 1 is a NoneType"),
        (Dataset.from_dict({"text": [1, 2]}), "Text 0 is a int"),
    ],
)
def test_what_cannot_be_tokenised_is_refused(tokenizer: Any, data: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        tokenize(data, tokenizer, 64)


def test_progress_bars_are_left_as_they_were(tokenizer: Any, capfd: Any) -> None:
    import datasets

    tokenize(["x"] * 10, tokenizer, 64)
    assert capfd.readouterr().err == ""
    assert not datasets.are_progress_bars_disabled()
