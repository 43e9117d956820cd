"""Token states into one embedding a document."""

from jaxtyping import Float, Shaped
from torch import Tensor

from gloss_pyg.encoder.config import Pooling


def pool(
    states: Float[Tensor, "batch tokens d"], mask: Shaped[Tensor, "batch tokens"] | None, pooling: Pooling
) -> Float[Tensor, "batch d"]:
    r"""Pool token states :math:`h_{it}` with mask :math:`m_{it} \in \{0, 1\}` into embeddings.

    - `"cls"`: the first token's state, :math:`x_i = h_{i1}`, as BERT and the published G-Loss use;
    - `"mean"`: :math:`x_i = \sum_t m_{it} h_{it} / \sum_t m_{it}`, as sentence-transformers models were trained.

    Args:
        states: Last hidden states; each document's tokens begin in the first column.
        mask: 1 (or true) at tokens, 0 at padding; `None` where nothing is padding.
        pooling: Which of the two.

    Example:
        >>> import torch
        >>> pool(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]), "mean")
        tensor([[2.]])
    """
    if pooling == "cls":
        return states[:, 0]
    if mask is None:
        return states.mean(dim=1)
    weights = mask.to(states.dtype)  # [B, L]
    # A product of matrices: it makes no second tensor of the size of the states, forward or backward.
    summed = (weights.unsqueeze(1) @ states).squeeze(1)  # [B, d]
    return summed / weights.sum(dim=1, keepdim=True).clamp(min=1)
