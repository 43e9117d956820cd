"""Configuration of `TextEncoder`: the encoder inside it, its pooling and the names of the labels."""

from typing import Any, ClassVar, Literal, get_args

from transformers import CONFIG_MAPPING, AutoConfig, PreTrainedConfig

from gloss_pyg.errors import ConfigError, did_you_mean

Pooling = Literal["cls", "mean"]


class TextEncoderConfig(PreTrainedConfig):
    """Configuration of `TextEncoder`; `TextEncoder.from_encoder` makes it for you.

    Args:
        text_config: Configuration of the encoder inside, or its dictionary form; its `model_type` says which.
        pooling: How a document's token states become its embedding: `"cls"` the first, `"mean"` the mean of all.
        id2label: Names of the classes by index, and `label2id` the reverse.

    Raises:
        ConfigError: if `pooling` is neither of the two.

    Example:
        >>> from transformers import BertConfig
        >>> config = TextEncoderConfig(text_config=BertConfig(), pooling="mean", id2label={0: "bad", 1: "good"})
        >>> config.num_labels, config.text_config.hidden_size
        (2, 768)
    """

    model_type: ClassVar[str] = "gloss_text_encoder"
    # What transformers asks a configuration that holds another: attention kernels and dtypes are set through it.
    sub_configs: ClassVar[dict[str, Any]] = {"text_config": AutoConfig}
    # The Trainer would gather the embeddings of the whole evaluation set beside the logits.
    keys_to_ignore_at_inference: ClassVar[list[str]] = ["embeddings"]

    # The tests' run-time checks must leave the generated __init__ alone: its signature hides that it takes any keyword.
    __no_type_check__: ClassVar[bool] = True

    text_config: PreTrainedConfig | dict[str, Any] | None = None
    pooling: str = "cls"

    def __post_init__(self, **kwargs: Any) -> None:
        inside = self.text_config
        if isinstance(inside, dict) and inside.get("model_type") in CONFIG_MAPPING:
            inside = CONFIG_MAPPING[inside["model_type"]](**inside)
        # A model that transformers does not know stays a dictionary, which its own set-up could not handle; loading
        # with trusted code replaces it.
        self.text_config = inside if isinstance(inside, PreTrainedConfig) else None
        super().__post_init__(**kwargs)
        self.text_config = inside
        check_pooling(self.pooling)


def check_pooling(pooling: str) -> None:
    """Raise a `ConfigError` unless this is one of the two poolings."""
    if pooling not in get_args(Pooling):
        raise ConfigError(f"pooling={pooling!r}; expected 'cls' or 'mean'.{did_you_mean(pooling, get_args(Pooling))}")
