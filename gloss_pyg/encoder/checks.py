"""What `TextEncoder` refuses, each with a sentence that says what to do."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
)

from gloss_pyg.errors import ConfigError, DataError


def check_label_names(names: Sequence[str]) -> list[str]:
    """The names as a list, or a `ConfigError`: no list, fewer than two, empty, no strings, or one twice."""
    if isinstance(names, str):
        raise ConfigError(f"label_names is the one string {names!r}; expected a list of the classes' names.")
    if not isinstance(names, Iterable):
        raise ConfigError(f"label_names={names!r}; expected a list of the classes' names, such as ['bad', 'good'].")
    listed = list(names)
    if len(listed) < 2:
        raise ConfigError(f"label_names has {len(listed)} name(s), {listed}; a classifier needs at least two classes.")
    for name in listed:
        if not isinstance(name, str) or not name.strip():
            raise ConfigError(f"label_names has {name!r}; expected a name, a string that is not empty, for each class.")
    if repeated := sorted({name for name in listed if listed.count(name) > 1}):
        raise ConfigError(f"label_names has {', '.join(repeated)} more than once; expected a different name a class.")
    return listed


def check_inputs(tokens: Mapping[str, Tensor]) -> None:
    """Raise a `DataError` unless all inputs are `[batch, tokens]` with a document and a token at least."""
    ids = tokens["input_ids"]
    for name, values in tokens.items():
        if values.ndim != 2 or values.shape != ids.shape or not values.numel():
            raise DataError(
                f"{name} has shape {list(values.shape)}, input_ids {list(ids.shape)}; expected [batch, tokens] for "
                f"both, with a document and a token at least."
            )


def check_unused(
    inputs_embeds: Tensor | None,
    output_attentions: bool | None,
    output_hidden_states: bool | None,
    return_dict: bool | None,
) -> None:
    """Raise a `ConfigError` for arguments of other models' forward, unless they ask for nothing."""
    if inputs_embeds is not None:
        raise ConfigError("TextEncoder takes no inputs_embeds: it sorts and cuts rows by their tokens. Give input_ids.")
    for name, asked in (("output_attentions", output_attentions), ("output_hidden_states", output_hidden_states)):
        if asked:
            raise ConfigError(f"{name}=True: TextEncoder returns logits and embeddings alone; model.body has the rest.")
    if return_dict is False:
        raise ConfigError("return_dict=False: TextEncoder returns no tuple; leave it out and read output.logits.")


def check_known(text_config: PreTrainedConfig | dict[str, Any] | None) -> PreTrainedConfig:
    """The configuration of an encoder, or a `ConfigError` for one that transformers does not have."""
    if not isinstance(text_config, PreTrainedConfig):
        kind = (text_config or {}).get("model_type")
        raise ConfigError(
            f"The encoder inside is a {kind!r} model, which transformers does not have. If you trust the code that "
            f"was saved with it, load it with trust_remote_code=True."
        )
    return text_config


def reads_left_to_right(config: Any) -> bool:
    """Whether a token sees only those before it; transformers has no flag for it, but lists which models write on."""
    kind = getattr(config, "model_type", None)
    writes_on = kind in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES and kind not in MODEL_FOR_MASKED_LM_MAPPING_NAMES
    return writes_on or bool(getattr(config, "is_decoder", False))


def first_token_fault(config: Any) -> str:
    """Why the first token does not stand for the text, in a model for which `reads_left_to_right` holds."""
    if getattr(config, "model_type", None) == "xlnet":  # it sees all tokens, and is padded on the left
        return "has the token that stands for the text at the end, and pads at the start"
    return "reads from left to right: its first token has seen nothing of the text"


def check_body(body: PreTrainedModel, pooling: str) -> None:
    """Raise a `ConfigError` unless this is an encoder that reads tokens and gives a state for each, fit for pooling."""
    kind = type(body).__name__
    if body.config.is_encoder_decoder:
        raise ConfigError(f"{kind} is an encoder-decoder; give an encoder, such as BERT, RoBERTa or MiniLM.")
    if body.main_input_name != "input_ids" or not isinstance(getattr(body.config, "hidden_size", None), int):
        raise ConfigError(f"{kind} does not read text tokens; give a text encoder, such as BERT, RoBERTa or MiniLM.")
    if pooling == "cls" and reads_left_to_right(body.config):
        raise ConfigError(
            f"{kind} {first_token_fault(body.config)}, so pooling='cls' would not embed the text. Give pooling='mean'."
        )
    if body.base_model_prefix in {"", "classifier", "gloss_loss"}:
        raise ConfigError(
            f"{kind} has the base_model_prefix {body.base_model_prefix!r}, by which `AutoModel` would not find its "
            f"weights in a saved TextEncoder. Set `{kind}.base_model_prefix` to the name of the encoder in its models "
            f"with a head, for instance 'model'."
        )
