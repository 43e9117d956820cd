"""Full precision where a model computes in half."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(device_type: str) -> AbstractContextManager[object]:
    """Keep autocast from rounding what stands in the block, a graph or a solve; free where autocast is off."""
    if torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, enabled=False)
    return nullcontext()


def full_format(embeddings: Tensor) -> Tensor:
    """Half precision in float32, the others as they are: float64 may hold what float32 rounds to infinity."""
    return embeddings.float() if embeddings.dtype in (torch.float16, torch.bfloat16) else embeddings
