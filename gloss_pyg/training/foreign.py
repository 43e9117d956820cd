"""What models that are not ours must be for their first token to be an embedding of the text."""

from typing import Any

from torch import nn

from gloss_pyg.encoder.checks import reads_left_to_right
from gloss_pyg.errors import ConfigError

_USE_AN_ENCODER = (
    "Take an encoder such as BERT, RoBERTa or MiniLM, or hand the loss embeddings of your own in a training loop."
)


def check_first_token(model: nn.Module) -> None:
    """Refuse models whose first token has not seen the text: the graph loss would learn nothing, and say nothing.

    Raises:
        ConfigError: for encoder-decoders and for models that read from left to right.
    """
    config: Any = getattr(model, "config", None)
    kind = type(model).__name__
    if getattr(config, "is_encoder_decoder", False):
        raise ConfigError(
            f"{kind} is an encoder-decoder: it classifies by the last token of its decoder, and has no first token "
            f"that stands for the text. {_USE_AN_ENCODER}"
        )
    if reads_left_to_right(config):
        raise ConfigError(
            f"{kind} reads from left to right: its first token has seen nothing of the text (padded on the left, it is "
            "not even a token of it), so all texts that begin alike would have the same embedding and the graph loss "
            f"could learn nothing. {_USE_AN_ENCODER} Or put a classifier on its mean state: "
            "gloss_pyg.TextEncoder.from_encoder(name, label_names, pooling='mean')."
        )
