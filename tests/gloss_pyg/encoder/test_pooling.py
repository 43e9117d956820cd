"""Pooling against its formula, row by row."""

import pytest
import torch

from gloss_pyg.encoder.pooling import pool


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.float32])
def test_mean_is_over_the_tokens_alone(kind: torch.dtype) -> None:
    states = torch.randn(3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    lengths = [4, 1, 2]
    mask = torch.stack([torch.arange(4) < length for length in lengths]).to(kind)
    pooled = pool(states, mask, "mean")
    for row, length in enumerate(lengths):
        torch.testing.assert_close(pooled[row], states[row, :length].sum(0) / length)


def test_padding_gets_no_gradient_and_tokens_share_it() -> None:
    states = torch.randn(1, 3, 2, requires_grad=True)
    pool(states, torch.tensor([[1, 1, 0]]), "mean").sum().backward()
    assert states.grad is not None
    assert states.grad[0].tolist() == [[0.5, 0.5], [0.5, 0.5], [0.0, 0.0]]


def test_cls_is_the_first_state() -> None:
    states = torch.randn(2, 3, 4)
    assert torch.equal(pool(states, torch.ones(2, 3), "cls"), states[:, 0])


def test_no_mask_means_no_padding() -> None:
    states = torch.randn(2, 3, 4)
    torch.testing.assert_close(pool(states, None, "mean"), pool(states, torch.ones(2, 3), "mean"))


def test_a_row_without_tokens_stays_finite() -> None:
    assert torch.isfinite(pool(torch.randn(1, 2, 3), torch.zeros(1, 2), "mean")).all()
