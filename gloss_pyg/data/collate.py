"""`DataCollator`: tokenised documents into a padded batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase
from transformers.data.data_collator import pad_without_fast_tokenizer_warning

from gloss_pyg.data.labels import IGNORED
from gloss_pyg.errors import DataError


class DataCollator:
    """Pads a batch to its longest row and turns the label -1, "no label", into -100, which losses ignore.

    The `data_collator` of `transformers.Trainer`, or the `collate_fn` of a `DataLoader`. Columns that are no input of
    the model (texts, ids of one's own) are left out.

    Args:
        tokenizer: The tokenizer that made the rows; it knows how to pad them.

    Shapes: for B documents, the longest of L tokens, `input_ids [B, L]`, `attention_mask [B, L]` and whatever else
    the tokenizer makes, and `labels [B]` (int64) where the documents have `label` or `labels`.

    Raises:
        DataError: when called with no documents, documents without `input_ids`, only some with a label, or labels that
            are no whole numbers from -1 (or -100).

    Example:
        >>> from tokenizers import Tokenizer, models
        >>> from transformers import PreTrainedTokenizerFast
        >>> words = Tokenizer(models.WordLevel({"[PAD]": 0, "good": 1}, unk_token="[PAD]"))
        >>> collate = DataCollator(PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]"))
        >>> batch = collate([{"input_ids": [1, 1], "label": 1}, {"input_ids": [1], "label": -1}])
        >>> batch["input_ids"].tolist(), batch["attention_mask"].tolist(), batch["labels"].tolist()
        ([[1, 1], [1, 0]], [[1, 1], [1, 0]], [1, -100])
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Make a batch of tokenised documents."""
        if not features:
            raise DataError("There are no documents to make a batch of.")
        inputs = [name for name in self.tokenizer.model_input_names if all(name in feature for feature in features)]
        if "input_ids" not in inputs:
            raise DataError(
                f"A document has no 'input_ids', only {', '.join(features[0])}. Tokenise first: "
                f"gloss_pyg.data.tokenize(splits, tokenizer, max_length)."
            )
        rows = [{name: feature[name] for name in inputs} for feature in features]
        batch = dict(pad_without_fast_tokenizer_warning(self.tokenizer, rows, return_tensors="pt"))
        labels = [feature.get("labels", feature.get("label")) for feature in features]
        if any(label is not None for label in labels):
            batch["labels"] = torch.tensor([_label(label) for label in labels])
        return batch


def _label(label: object) -> int:
    number = label.item() if isinstance(label, Tensor) and label.numel() == 1 else label
    if hasattr(number, "__index__") and not isinstance(number, bool):
        number = int(number)
        if number >= 0:
            return number
        if number in (-1, IGNORED):
            return IGNORED
    raise DataError(
        f"A document of the batch has the label {label!r}; expected a class id from 0, or -1 for no label, in every "
        f"document or in none."
    )
