"""A model over many tokenised documents, without gradients."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from gloss_pyg.errors import DataError


@torch.no_grad()
def apply_to_documents(
    model: PreTrainedModel,
    documents: Iterable[Mapping[str, Any]],
    collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]],
    read: Callable[[Any], Tensor],
    batch_size: int,
) -> Tensor:
    """What `read` takes from the model's outputs, a row for each document in order, in float32 on the CPU.

    Documents of like length go together, so that little is computed for padding; each row is put back in its place.
    Dropout is off meanwhile; labels are not handed to the model.

    Args:
        model: Any model of transformers.
        documents: Tokenised documents, at least one.
        collate: Makes a padded batch of some of them.
        read: From a batch's outputs to rows `[batch, ...]`, for instance its logits.
        batch_size: Documents computed at once.

    Raises:
        DataError: for no documents.
    """
    rows = list(documents)
    if not rows:
        raise DataError("There are no documents to encode; expected at least one.")
    order = sorted(range(len(rows)), key=lambda row: len(rows[row]["input_ids"]))
    was_training = model.training
    model.eval()
    parts = []
    for start in range(0, len(order), batch_size):
        batch = collate([rows[row] for row in order[start : start + batch_size]])
        inputs = {name: values.to(model.device) for name, values in batch.items() if name != "labels"}
        parts.append(read(model(**inputs)).float().cpu())
    model.train(was_training)
    return torch.cat(parts)[torch.tensor(order).argsort()]
