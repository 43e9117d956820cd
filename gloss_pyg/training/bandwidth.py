"""Bandwidths fitted once, before training, on the pretrained embeddings of the training documents."""

import inspect
import logging
from collections.abc import Callable

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel

from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.graph import fittable_parts
from gloss_pyg.training.loss_function import embeddings_of
from gloss_pyg.training.sizes import inner_model

progress = logging.getLogger("gloss_pyg.progress")
LABEL_COLUMNS = ("labels", "label")  # both as the Trainer and `DataCollator` take them


def fit_bandwidth(
    loss: torch.nn.Module,
    model: PreTrainedModel,
    documents: Dataset,
    collate: Callable[..., dict[str, Tensor]],
    batch_size: int = 64,
) -> None:
    """Fit every bandwidth of a loss that is to be fitted (`sigma="sqrt"`, `"leave-one-out"`, the start of `"learned"`).

    For a training script of your own, once before the first step; our commands do it. On a model that is not a
    `TextEncoder` call `trainer_loss(loss, model)` first, which makes the model return its embeddings.

    Args:
        loss: A loss with any number of graph losses in it; those whose bandwidth is a number are left alone.
        model: The pretrained model, before its first step.
        documents: The tokenised training documents as the Trainer gets them; `"leave-one-out"` needs their class ids
            as `labels` or `label`.
        collate: Makes a padded batch of some of them.
        batch_size: Documents encoded at a time.

    Raises:
        ConfigError: if the model returns no embeddings, or for `"leave-one-out"` without labels.
        DataError: for fewer than two documents, or embeddings most of which coincide.

    Example:
        >>> from datasets import Dataset
        >>> from gloss_pyg import DataCollator, GLoss, TextEncoder, load_tokenizer, tokenize
        >>> tokenizer = load_tokenizer("random-tiny")
        >>> model = TextEncoder.from_encoder("random-tiny", ["good", "bad"])
        >>> rows = {"text": ["a fine film", "a dull film", "very fine", "very dull"], "label": [0, 1, 0, 1]}
        >>> documents = tokenize(Dataset.from_dict(rows), tokenizer, 8)
        >>> loss = GLoss()  # DenseGaussian(sigma="sqrt")
        >>> fit_bandwidth(loss, model, documents, DataCollator(tokenizer))
        >>> loss.needs_fit
        False
    """
    waiting = [part for part in fittable_parts(loss) if part.needs_fit]
    if not waiting:
        return
    progress.info("fitting bandwidths on the pretrained embeddings")
    embeddings = embed_documents(model, documents, collate, batch_size)
    column = next((name for name in LABEL_COLUMNS if name in documents.column_names), None)
    labels = None if column is None else np.asarray(documents[column])
    for part in waiting:
        part.fit(embeddings, labels)


def embed_documents(
    model: PreTrainedModel, documents: Dataset, collate: Callable[..., dict[str, Tensor]], batch_size: int = 64
) -> Tensor:
    """Embeddings `[n, d]` of tokenised documents, in order, in float32 on the CPU, without dropout.

    Args:
        model: A `TextEncoder`, or a model that `trainer_loss` was called for.
        documents: Tokenised documents, at least one. As the Trainer does, `collate` is not handed columns that the
            model's forward does not take, such as texts.
        collate: Makes a padded batch of some of them.
        batch_size: Documents encoded at a time.

    Raises:
        ConfigError: if the model returns no embeddings.
        DataError: for no documents.

    Example:
        >>> from datasets import Dataset
        >>> from gloss_pyg import DataCollator, TextEncoder, load_tokenizer, tokenize
        >>> tokenizer = load_tokenizer("random-tiny")
        >>> model = TextEncoder.from_encoder("random-tiny", ["good", "bad"])
        >>> rows = {"text": ["a fine film", "a dull film", "very fine", "very dull"], "label": [0, 1, 0, 1]}
        >>> documents = tokenize(Dataset.from_dict(rows), tokenizer, 8)
        >>> embed_documents(model, documents, DataCollator(tokenizer)).shape[0]
        4
    """
    return apply_to_documents(model, _read_columns(model, documents), collate, embeddings_of, batch_size)


def _read_columns(model: PreTrainedModel, documents: Dataset) -> Dataset:
    """The columns that the Trainer would keep; all of them where the model's forward does not name what it takes."""
    taken = {*inspect.signature(inner_model(model).forward).parameters, *LABEL_COLUMNS, "label_ids"}
    if "input_ids" not in taken:
        return documents
    kept: Dataset = documents.remove_columns([name for name in documents.column_names if name not in taken])
    return kept
