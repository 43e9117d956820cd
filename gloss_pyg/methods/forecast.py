"""A rough forecast of time and memory, from the encoder's size, the texts and a fraction of a second of measuring."""

import functools
import time
from collections.abc import Sequence

import torch
from transformers import PretrainedConfig

from gloss_pyg.encoder.locate import load_config, locate_encoder
from gloss_pyg.methods.base import Estimate

# English WordPiece tokens for each word, and characters for each token, as seen in the five data sets; used because
# tokenising everything for a forecast would take longer than the forecast is worth.
CHARACTERS_A_TOKEN = 4.5
# Share of the speed of a large matrix product that a step of an encoder reaches.
EFFICIENCY = 0.5


def forecast(
    model: str,
    sample: Sequence[str],
    *,
    max_length: int,
    training_documents: float,
    other_documents: float,
    batch_size: int,
) -> Estimate:
    """Seconds and bytes of training on some documents and encoding others, without loading the encoder.

    A token costs about `2 P` operations forward, `P` the parameters of the layers, and twice that backward. Memory is
    parameters, gradients and Adam's two moments, and the activations of a batch.

    Args:
        model: The encoder's name.
        sample: Some of the training texts, for their lengths.
        max_length: Tokens after which a text is cut.
        training_documents: Documents trained on, repeats counted.
        other_documents: Documents encoded only.
        batch_size: Documents a step.
    """
    config = load_config(locate_encoder(model))
    tokens = sum(min(max_length, len(text) / CHARACTERS_A_TOKEN + 2) for text in sample) / max(len(sample), 1)
    width: int = getattr(config, "hidden_size", None) or 768  # transformers maps other names to these two
    depth: int = getattr(config, "num_hidden_layers", None) or 12
    layers, embeddings = _parameters(config, width, depth)
    operations = 2 * layers * tokens * (3 * training_documents + other_documents)
    activations = batch_size * tokens * width * depth * 34
    return Estimate(
        seconds=operations / (EFFICIENCY * _operations_a_second()),
        memory_bytes=int(16 * (layers + embeddings) + activations + 700e6),
    )


def _parameters(config: PretrainedConfig, width: int, depth: int) -> tuple[int, int]:
    """Parameters of the layers and of the embeddings, by the usual shape of an encoder."""
    inner: int = getattr(config, "intermediate_size", None) or 4 * width
    vocabulary: int = getattr(config, "vocab_size", None) or 30_000
    return depth * (4 * width**2 + 2 * width * inner), vocabulary * width


@functools.lru_cache(maxsize=1)
def _operations_a_second() -> float:
    """Speed of a matrix product on the device that training would use."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.ones(1024, 1024, device=device)
    (matrix @ matrix).sum().item()
    start = time.perf_counter()
    for _ in range(4):
        matrix @ matrix
    matrix.sum().item()
    return 4 * 2 * 1024**3 / (time.perf_counter() - start)
