"""Bandwidths fitted once, before training, on the pretrained embeddings of the training documents."""

from collections.abc import Callable

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel

from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.losses import GLoss
from gloss_pyg.training.loss_function import embeddings_of


def fit_bandwidth(
    loss: torch.nn.Module,
    model: PreTrainedModel,
    documents: Dataset,
    collate: Callable[..., dict[str, Tensor]],
    batch_size: int = 64,
) -> None:
    """Fit every bandwidth of a loss that is to be fitted (`sigma="sqrt"`, the start of `"learned"`).

    Args:
        loss: A loss with any number of `GLoss` in it; those whose bandwidth is a number are left alone.
        model: The pretrained model, before its first step.
        documents: The tokenised training documents.
        collate: Makes a padded batch of some of them.
        batch_size: Documents encoded at a time.
    """
    waiting = [module for module in loss.modules() if isinstance(module, GLoss) and module.needs_fit]
    if not waiting:
        return
    embeddings = embed_documents(model, documents, collate, batch_size)
    for graph_loss in waiting:
        graph_loss.fit_sigma(embeddings)


def embed_documents(
    model: PreTrainedModel, documents: Dataset, collate: Callable[..., dict[str, Tensor]], batch_size: int = 64
) -> Tensor:
    """Embeddings `[n, d]` of tokenised documents, in order, in float32 on the CPU, without dropout."""
    return apply_to_documents(model, documents, collate, embeddings_of, batch_size)
