"""Documents of past batches, which join the graph of the batch at hand."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


class DocumentMemory(nn.Module):
    """Embeddings and labels of the last documents, the oldest giving way; without gradient, as they were then.

    A batch is a small sample, and in a small sample few documents have a near neighbour: of a thousand remembered ones
    propagation infers labels better than of a batch's dozens. Labelled and unlabelled documents have rings of their
    own, so that few labelled ones that come in every batch do not crowd out the others. Where a ring is as large as
    there are documents of its kind and batches go round them, it holds each about once.

    Args:
        labelled: Labelled documents that are kept, at most.
        unlabelled: Unlabelled ones.

    Example:
        >>> memory = DocumentMemory(labelled=1, unlabelled=2)
        >>> memory.add(torch.eye(3), torch.tensor([0, -100, 1]))
        >>> memory.rows.tolist(), memory.labels.tolist()
        ([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], [1, -100])
    """

    def __init__(self, labelled: int, unlabelled: int) -> None:
        super().__init__()
        self.sizes = (labelled, unlabelled)
        self.rows: Tensor
        self.labels: Tensor
        self.register_buffer("rows", torch.zeros(0, 0))
        self.register_buffer("labels", torch.zeros(0, dtype=torch.long))
        self.register_load_state_dict_pre_hook(_make_room)

    def forget(self) -> None:
        """Let go of all documents."""
        self.rows, self.labels = self.rows.new_zeros(0, 0), self.labels[:0]

    @torch.no_grad()
    def add(self, rows: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> None:
        """Remember a batch's documents; those with NaN or infinity are left out."""
        sound = rows.isfinite().all(dim=1)
        rows, labels = rows[sound].detach().to(torch.float32), labels[sound]
        if self.rows.size(1) != rows.size(1):
            self.rows, self.labels = rows.new_zeros(0, rows.size(1)), labels[:0]
        kept_rows, kept_labels = [], []
        for is_labelled, size in zip((True, False), self.sizes, strict=True):
            old, new = (self.labels >= 0) == is_labelled, (labels >= 0) == is_labelled
            together = torch.cat([self.rows[old], rows[new]]), torch.cat([self.labels[old], labels[new]])
            start = max(together[0].size(0) - size, 0)
            kept_rows.append(together[0][start:])
            kept_labels.append(together[1][start:])
        self.rows, self.labels = torch.cat(kept_rows), torch.cat(kept_labels)


def _make_room(memory: nn.Module, state: dict[str, Tensor], prefix: str, *_: object) -> None:
    """Before a state is loaded: as many rows as it has."""
    for name in ("rows", "labels"):
        saved, own = state.get(prefix + name), getattr(memory, name)
        if saved is not None:
            setattr(memory, name, own.new_zeros(saved.shape))
