"""Models that are not ours: which have a first token that stands for the text, and how they give its state."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import nn
from torch.utils.hooks import RemovableHandle
from transformers.utils import ModelOutput

from gloss_pyg.encoder.checks import first_token_fault, reads_left_to_right
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
            f"{kind} {first_token_fault(config)}, so the graph loss could learn nothing from the first token. "
            f"{_USE_AN_ENCODER} Or put a classifier on its mean state: "
            "gloss_pyg.TextEncoder.from_encoder(name, label_names, pooling='mean')."
        )


def return_hidden_states(model: nn.Module) -> list[RemovableHandle]:
    """Let every call of a model return its hidden states, beside what the Trainer gathers in evaluation.

    Nothing is written into the model's configuration, which would be saved with it: the saved model would return (and
    somebody else's Trainer gather) the states of all layers at every call. A model whose forward knows no
    `output_hidden_states` is left as it is; it has to return `embeddings` itself.

    Returns:
        Handles whose `remove` makes the model what it was.
    """
    parameters = inspect.signature(model.forward).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if "output_hidden_states" not in parameters and not takes_any:
        return []
    return [
        model.register_forward_pre_hook(_ask, with_kwargs=True),
        model.register_forward_hook(_set_aside),
    ]


def _ask(model: nn.Module, arguments: Any, options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:  # noqa: ARG001
    return arguments, {**options, "output_hidden_states": True}


def _set_aside(model: nn.Module, arguments: Any, outputs: Any) -> Any:  # noqa: ARG001 - a forward hook's arguments
    """In evaluation, keep the hidden states as an attribute alone: the Trainer gathers the items of the outputs.

    In training it gathers nothing, and DistributedDataParallel hands on nothing but the items. So does DataParallel,
    in evaluation too, where it makes one output of its replicas'; there the states stay items.
    """
    if model.training or getattr(model, "_is_replica", False) or not isinstance(outputs, ModelOutput):
        return outputs
    quiet = type(outputs)(**{name: value for name, value in outputs.items() if name != "hidden_states"})
    object.__setattr__(quiet, "hidden_states", outputs.get("hidden_states"))  # its own setter would make it an item
    return quiet
