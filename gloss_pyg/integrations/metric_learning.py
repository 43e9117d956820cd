"""`GraphMetricLoss`, `GraphMemory`: ours as one of pytorch-metric-learning's losses (extra `metric`)."""

from typing import Any

import torch
from torch import Tensor, nn

from gloss_pyg.errors import DataError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.integrations.compat import BaseMetricLossFunction, CrossBatchMemory
from gloss_pyg.losses import GLoss


class GraphMetricLoss(BaseMetricLossFunction):  # type: ignore[misc]  # its base is found when it is imported
    """A loss of pytorch-metric-learning that infers the batch's labels over a graph.

    With reference embeddings, as a memory hands them in (`GraphMemory`), the references are the labelled nodes and
    every document of the batch is hidden: labels flow from memory to batch. Without them some labels of the batch are
    seen and the others hidden, as `GLoss` does.

    A reference that equals a document of the batch in every number is that document, which a memory may have queued
    already; it would give its label away and is left out. Where no other is there, it is as without references.

    Args:
        loss: `GLoss(...)`; by default `GLoss(DenseGaussian(sigma=0.5))`.
        kwargs: Those of the library's losses: `embedding_regularizer` and the like. A reducer has nothing to reduce.

    Shapes: `forward(embeddings [N, d], labels [N], indices_tuple=None, ref_emb [M, d]=None, ref_labels [M]=None)` to a
    scalar. Pairs chosen by a miner (`indices_tuple`) are not looked at: the graph holds all of them.

    Raises:
        DataError: for no labels; see `GLoss` for what does not fit.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025; the interface is Musgrave, Belongie, Lim, arXiv 2008.09164.

    Example:
        >>> loss = GraphMetricLoss()
        >>> embeddings = torch.tensor([[1.0, 0.1], [0.1, 1.0]], requires_grad=True)
        >>> value = loss(embeddings, torch.tensor([0, 1]), ref_emb=torch.eye(2), ref_labels=torch.tensor([0, 1]))
        >>> round(float(value), 4)
        0.0631
    """

    def __init__(self, loss: GLoss | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.loss: nn.Module = GLoss(DenseGaussian(sigma=0.5)) if loss is None else loss

    def compute_loss(
        self,
        embeddings: Tensor,
        labels: Tensor | None,
        indices_tuple: Any,  # noqa: ARG002 - see the class
        ref_emb: Tensor,
        ref_labels: Tensor | None,
    ) -> dict[str, dict[str, Any]]:
        """Called by the library's `forward`, which takes the batch itself where there are no references."""
        if labels is None or ref_labels is None:
            raise DataError(
                "GraphMetricLoss needs labels; pairs in indices_tuple alone do not say which class is meant."
            )
        kept = ~_copies(ref_emb, embeddings)
        if not bool(kept.any()):
            value = self.loss(embeddings, labels)
        else:
            rows = torch.cat([embeddings, ref_emb[kept].to(embeddings.dtype)])
            seen = torch.arange(rows.size(0), device=rows.device) >= embeddings.size(0)
            value = self.loss(rows, torch.cat([labels, ref_labels[kept]]), mask=seen)
        return {"loss": {"losses": value, "indices": None, "reduction_type": "already_reduced"}}


class GraphMemory(CrossBatchMemory):  # type: ignore[misc]  # its base is found when it is imported
    """`CrossBatchMemory` for `GraphMetricLoss`: documents of past batches are labelled nodes of the next batch's graph.

    The library admits losses by a list of names, which this one adds to; all else is the library's. Embeddings of past
    batches are older than the encoder: keep the memory to a few batches, or begin after the first hundred steps.

    Args:
        loss: `GraphMetricLoss(...)`, and the others as the library has them: `embedding_size`, `memory_size`.

    Source: Wang, Zhang, Huang, Scott, "Cross-Batch Memory for Embedding Learning", CVPR 2020.

    Example:
        >>> memory = GraphMemory(GraphMetricLoss(), embedding_size=2, memory_size=8)
        >>> labels = torch.tensor([0, 1, 0, 1])
        >>> first, second = (memory(torch.randn(4, 2), labels) for _ in range(2))
    """

    @staticmethod
    def supported_losses() -> list[str]:
        """The library's list, and ours."""
        return [*CrossBatchMemory.supported_losses(), "GraphMetricLoss"]


@torch.no_grad()
def _copies(references: Tensor, embeddings: Tensor) -> Tensor:
    """Which references are rows of the batch."""
    rows, number = torch.cat([embeddings, references.to(embeddings.dtype)]).unique(dim=0, return_inverse=True)
    of_batch = torch.zeros(rows.size(0), dtype=torch.bool, device=rows.device)
    of_batch[number[: embeddings.size(0)]] = True
    found: Tensor = of_batch[number[embeddings.size(0) :]]
    return found
