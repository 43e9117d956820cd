"""The set-up itself: the network guard guards, the tiny encoder reads the made-up texts."""

import socket
from typing import Any

import pytest
import torch


def test_a_call_to_another_machine_is_refused_and_noted(network_is_off: list[str]) -> None:
    with pytest.raises(OSError, match="no network calls"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(OSError, match="no network calls"):
        socket.getaddrinfo("example.org", 443)
    assert network_is_off == ["192.0.2.1", "example.org"]
    network_is_off.clear()


def test_loopback_works(network_is_off: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_shapes_are_checked_at_run_time() -> None:
    from gloss_pyg import errors

    with pytest.raises(Exception, match="type"):
        errors.did_you_mean(3, [])  # type: ignore[arg-type]


def test_tiny_bert_reads_the_tiny_texts(tiny_bert: Any, tiny_texts: Any) -> None:
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    tokens = tokenizer(tiny_texts["train"]["text"][:8], padding=True, return_tensors="pt")
    assert not (tokens["input_ids"] == tokenizer.unk_token_id).any()
    assert torch.isfinite(AutoModel.from_pretrained(tiny_bert)(**tokens).last_hidden_state).all()
