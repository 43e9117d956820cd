"""Texts into token ids, truncated and not padded: a batch is padded when it is made, to its own longest row."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, overload

import transformers
from datasets import (
    Dataset,
    DatasetDict,
    are_progress_bars_disabled,
    disable_progress_bars,
    enable_progress_bars,
)
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from gloss_pyg.errors import ConfigError, DataError

_NO_LIMIT = 1_000_000  # tokenizers that state no limit carry a number far above this one
_LONG = 50_000  # documents from which a progress bar is worth its lines


@overload
def tokenize(
    data: DatasetDict, tokenizer: PreTrainedTokenizerBase, max_length: int | None, *, keep_text: bool = ...
) -> DatasetDict: ...


@overload
def tokenize(
    data: Dataset | Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int | None,
    *,
    keep_text: bool = ...,
) -> Dataset: ...


def tokenize(
    data: DatasetDict | Dataset | Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    max_length: int | None,
    *,
    keep_text: bool = False,
) -> DatasetDict | Dataset:
    """Tokenise texts, each cut to `max_length` tokens, none padded.

    Args:
        data: Splits, or one split, with columns `text` and maybe `label`; or texts alone.
        tokenizer: A tokenizer of transformers.
        max_length: Longest row in tokens, special tokens included; `None` takes the tokenizer's own limit.
        keep_text: Whether to keep the column `text`.

    Returns:
        The tokenizer's columns (`input_ids`, `attention_mask`, ...), lists of uneven length, and the label as
        `labels` (with its class names; -1 where there is none, which `DataCollator` turns into -100).

    Raises:
        ConfigError: if `max_length` is not positive, above the tokenizer's limit, or `None` without such a limit.
        DataError: if there is no column `text`, or a text is no string.

    Example:
        >>> from tokenizers import Tokenizer, models, pre_tokenizers
        >>> from transformers import PreTrainedTokenizerFast
        >>> words = Tokenizer(models.WordLevel({"[PAD]": 0, "[UNK]": 1, "good": 2}, unk_token="[UNK]"))
        >>> words.pre_tokenizer = pre_tokenizers.Whitespace()
        >>> tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]")
        >>> tokenize(["good film", "good"], tokenizer, max_length=8)["input_ids"][:]
        [[2, 1], [2]]
    """
    limit = _limit(tokenizer, max_length)
    if isinstance(data, DatasetDict):
        return DatasetDict(
            {name: _tokenize_split(split, tokenizer, limit, keep_text=keep_text) for name, split in data.items()}
        )
    if not isinstance(data, Dataset):
        if isinstance(data, str):
            raise DataError("tokenize was given one string; give a list of texts: tokenize([text], ...).")
        data = Dataset.from_dict({"text": _strings(data)})
    return _tokenize_split(data, tokenizer, limit, keep_text=keep_text)


def _tokenize_split(split: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, *, keep_text: bool) -> Dataset:
    if "text" not in split.column_names:
        raise DataError(f"There is no column 'text' to tokenise; the columns are {', '.join(split.column_names)}.")

    def encode(batch: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        return dict(tokenizer(_strings(batch["text"]), truncation=True, max_length=max_length))

    kept = {"text"} if keep_text else set()
    dropped = [name for name in split.column_names if name not in kept | {"label"}]
    with _quiet(len(split) < _LONG):
        tokens: Dataset = split.map(
            encode,
            batched=True,
            remove_columns=dropped,
            new_fingerprint=_fingerprint(split, tokenizer, max_length, dropped),
        )
    return tokens.rename_column("label", "labels") if "label" in tokens.column_names else tokens


def _fingerprint(
    split: Dataset, tokenizer: PreTrainedTokenizerBase, max_length: int, dropped: Sequence[str]
) -> str | None:
    """What the tokens are known by in the cache of `datasets`.

    It would pickle the function with all that it reaches, a second for each split; `None` lets it, where the tokenizer
    does not tell all that it does.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        return None
    own = (repr(tokenizer), tokenizer.model_input_names, tokenizer.backend_tokenizer.to_str(), transformers.__version__)
    return hashlib.sha256(repr((split._fingerprint, own, max_length, dropped)).encode()).hexdigest()[:32]


@contextmanager
def _quiet(short: bool) -> Iterator[None]:
    if not short or are_progress_bars_disabled():
        yield
        return
    disable_progress_bars()
    try:
        yield
    finally:
        enable_progress_bars()


def _strings(texts: Sequence[object]) -> list[str]:
    strings = [text for text in texts if isinstance(text, str)]
    if len(strings) < len(texts):
        row, found = next((row, text) for row, text in enumerate(texts) if not isinstance(text, str))
        raise DataError(f"Text {row} is a {type(found).__name__} ({found!r:.60}); expected a string.")
    return strings


def _limit(tokenizer: PreTrainedTokenizerBase, max_length: int | None) -> int:
    own = int(tokenizer.model_max_length)
    if max_length is None:
        if own > _NO_LIMIT:
            raise ConfigError("The tokenizer states no largest length; give max_length.")
        return own
    if isinstance(max_length, bool) or not isinstance(max_length, int) or max_length < 1:
        raise ConfigError(f"max_length={max_length!r}; expected a number of tokens, a whole number from 1.")
    if max_length > own:
        raise ConfigError(f"max_length={max_length}, but the model reads at most {own} tokens; give at most that.")
    return max_length
