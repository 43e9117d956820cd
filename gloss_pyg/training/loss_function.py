"""The bridge from our losses to `transformers.Trainer`: its `compute_loss_func`."""

import time
from typing import Any, Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from gloss_pyg.data.labels import IGNORED
from gloss_pyg.encoder import TextEncoder, TextEncoderOutput
from gloss_pyg.errors import ConfigError
from gloss_pyg.losses import TrainingLoss
from gloss_pyg.training.foreign import check_first_token, return_hidden_states
from gloss_pyg.training.sizes import inner_model, set_sizes
from gloss_pyg.training.usable import UsableBatches

SUBMODULE = "gloss_loss"
_HAS_RUN = "_gloss_loss_has_run"  # on the model itself, so that it is copied, compiled and saved without ado
# What the last call of `trainer_loss` hung on a model.
_hung_on: WeakKeyDictionary[nn.Module, list[RemovableHandle]] = WeakKeyDictionary()


def trainer_loss(loss: nn.Module, model: nn.Module, pooling: Literal["cls", "mean"] = "cls") -> "LossFunction":
    r"""Make a loss the `compute_loss_func` of the stock `transformers.Trainer`.

    With our `TextEncoder` the embeddings are the model's own. Any other sequence classifier is asked for its hidden
    states at each call (the Trainer does not gather them in evaluation), and the first token of the last layer is the
    embedding. Its configuration stays as it is, so a saved model is like any other, but for the loss's parameters.

    The value is scaled as the Trainer expects of a loss function of one's own: the mean over the batch at hand times
    its share of all labelled documents of the step,

    .. math:: L = L(\text{batch}) \cdot \frac{\text{labelled documents in the batch}}{\text{those in the whole step}}

    so that a step's gradient is the mean of its batches' gradients weighted by their labelled documents, with
    gradient accumulation and with several processes alike. Each batch has a graph of its own: accumulation does not
    enlarge the graph. A batch without labels contributes zero.

    The three lines are all that training takes, a warning included when the graph loss can use few batches. To see the
    parts of the loss in the Trainer's logs, a fourth: `LossReport.attach(trainer, loss_function)`.

    A second call for the same model takes the place of the first: its loss, its parameters and its hooks are gone.

    Args:
        loss: `HybridLoss(GLoss(...))`, `ClassificationLoss()`, or a `TrainingLoss` of your own.
        model: The model that will be given to the Trainer, with PEFT (LoRA) the wrapped one; a Trainer that is given
            `model_init` trains others. A loss with parameters or buffers (a learned or fitted `sigma`) becomes its
            submodule `gloss_loss`, so that it is optimised, moved and saved with it. The stock Trainer's `weight_decay`
            (0 unless set) then also pulls a learned `sigma` towards 1; `GraphTrainer` leaves it out.
        pooling: For a model that is not ours, only `"cls"`.

    Raises:
        ConfigError: for a loss that is no `TrainingLoss`, or has a part made for another width or number of
            classes; on a model that is not ours, for mean pooling, and for models whose first token does not see the
            text (GPT-2, Llama and others that read from left to right) or that have no such token (encoder-decoders).

    Example:
        >>> from gloss_pyg import GLoss, HybridLoss, DenseGaussian
        >>> from transformers import BertConfig, BertForSequenceClassification
        >>> config = BertConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1)
        >>> model = BertForSequenceClassification(config)
        >>> loss_function = trainer_loss(HybridLoss(GLoss(DenseGaussian(sigma=0.5))), model)
        >>> # Trainer(model, args, train_dataset=..., compute_loss_func=loss_function)
        >>> embeddings_of(model(torch.tensor([[2, 3, 4]]))).shape
        torch.Size([1, 4])
    """
    if not isinstance(loss, TrainingLoss):
        raise ConfigError(
            f"trainer_loss needs a TrainingLoss such as HybridLoss(GLoss(...)), not {type(loss).__name__}; a GLoss "
            "alone trains no classifier."
        )
    model = getattr(model, "_orig_mod", model)  # of torch.compile, which runs this one's hooks and has its parameters
    ours = isinstance(inner_model(model), TextEncoder)
    if not ours:
        if pooling != "cls":
            raise ConfigError(
                f"pooling={pooling!r}: on a model that is not ours a loss function sees no attention mask, so only the "
                "first token can be pooled. For mean pooling use gloss_pyg.TextEncoder.from_encoder(name, label_names)."
            )
        check_first_token(model)
    set_sizes(loss, model)
    for known in (model, inner_model(model)):
        for handle in _hung_on.pop(known, []):
            handle.remove()
    for module in list(model.modules()):  # of an earlier call, perhaps for the model in a wrapper
        if SUBMODULE in dict(module.named_children()):
            delattr(module, SUBMODULE)
    hung = [model.register_forward_hook(_note_run)] if ours else return_hidden_states(model)
    if ours:
        setattr(model, _HAS_RUN, False)
    if next(loss.parameters(), None) is not None or next(loss.buffers(), None) is not None:
        model.add_module(SUBMODULE, loss)
        hung.append(model.register_forward_hook(_join_outputs))
    _hung_on[model] = hung
    return LossFunction(loss, model)


def _note_run(model: nn.Module, inputs: Any, outputs: Any) -> None:  # noqa: ARG001 - a forward hook's arguments
    setattr(model, _HAS_RUN, True)


def _join_outputs(model: nn.Module, inputs: Any, outputs: Any) -> Any:  # noqa: ARG001 - a forward hook's arguments
    """Let the loss's parameters take part in the model's outputs, with weight 0.

    The loss uses them after the forward that DistributedDataParallel watches. Without this it would count them as
    unused and stop when their gradient comes all the same; or wait forever for it after a batch the loss cannot use.
    """
    if model.training and (logits := _get(outputs, "logits")) is not None:
        for parameter in model.get_submodule(SUBMODULE).parameters():
            logits = logits + 0 * parameter.sum()
        outputs["logits"] = logits
    return outputs


class LossFunction:
    """What `trainer_loss` returns: callable as the Trainer calls it, with counts of what it computed.

    It warns, once, when the graph loss could use few of the training batches.

    Attributes:
        seconds: Time spent in the loss over training batches, forward only.

    Raises:
        ConfigError: on use, for a batch without labels, for outputs of another model than the one that it was made for,
            and of a model without logits or embeddings.

    Example:
        >>> from gloss_pyg import ClassificationLoss
        >>> loss_function = trainer_loss(ClassificationLoss(), TextEncoder.from_encoder("random-tiny", ["a", "b"]))
        >>> outputs = {"logits": torch.zeros(3, 2), "embeddings": torch.zeros(3, 4)}
        >>> round(float(loss_function(outputs, torch.tensor([0, 1, -100]))), 4)
        0.6931
    """

    def __init__(self, loss: TrainingLoss, model: nn.Module) -> None:
        self.loss = loss
        self.model = model
        self.seconds = 0.0
        self._usable = UsableBatches(loss)
        self._sums: dict[str, Tensor] = {}
        self._batches = 0

    def reset(self) -> None:
        """Start the means and the counts of the graph losses afresh."""
        self._sums = {}
        self._batches = 0
        self._usable.reset()

    def __call__(self, outputs: Any, labels: Tensor | None, num_items_in_batch: Tensor | int | None = None) -> Tensor:
        """The scaled loss of a batch."""
        start = time.perf_counter()
        if labels is None:
            raise ConfigError(
                "The batch has no labels. Name the label column 'labels', and set label_names=['labels'] in the "
                "TrainingArguments if the model's forward takes none."
            )
        if isinstance(outputs, TextEncoderOutput) and not getattr(self.model, _HAS_RUN, True):
            raise ConfigError(
                "These are outputs of another model than trainer_loss was given: that one has not run, so that the "
                "loss would not know training from evaluation, and what it learns would not be trained. Call "
                "trainer_loss(loss, model) with the very model that the Trainer trains, and give the Trainer that "
                "model in place of model_init."
            )
        if self.loss.training != self.model.training:  # a loss that is no submodule does not follow by itself
            self.loss.train(self.model.training)
        parts = self.loss.parts(embeddings_of(outputs), _logits(outputs), labels)
        value = self.loss.total(parts)
        if num_items_in_batch is not None:
            # Counted as the Trainer counts, which takes a label of -1 for one: the batches' shares then sum to 1.
            here = (labels != IGNORED).sum()
            value = value * here / torch.as_tensor(num_items_in_batch, device=value.device).clamp(min=1)
        if self.model.training:
            self._count(parts)
            self.seconds += time.perf_counter() - start
            self._usable.batch()
        return value

    def _count(self, parts: dict[str, Tensor]) -> None:
        self._batches += 1
        for name, part in parts.items():
            part = part.detach().double()
            self._sums[name] = self._sums[name] + part if name in self._sums else part

    def summary(self) -> dict[str, float]:
        """Mean of each part over the training batches since the last `reset`, and what the graph losses counted."""
        return {name: float(total) / self._batches for name, total in self._sums.items()} | self._usable.summary()


def embeddings_of(outputs: Any) -> Tensor:
    """Embeddings `[B, d]` of a model's outputs: its own, else the first token of its last hidden states."""
    embeddings: Tensor | None = _get(outputs, "embeddings")
    if embeddings is not None:
        return embeddings
    hidden_states = _get(outputs, "hidden_states")
    if hidden_states is None:
        raise ConfigError(
            "The model returned neither embeddings nor hidden_states. Call trainer_loss(loss, model) with the very "
            "model that the Trainer trains; it asks the model for its hidden states, which the model's forward must be "
            "able to give (output_hidden_states=True, return_dict not False)."
        )
    first_token: Tensor = hidden_states[-1][:, 0]
    return first_token


def _logits(outputs: Any) -> Tensor:
    logits: Tensor | None = _get(outputs, "logits")
    if logits is None:
        raise ConfigError("The model returned no logits: G-Loss needs a model for sequence classification.")
    return logits


def _get(outputs: Any, name: str) -> Any:
    found = outputs.get(name) if isinstance(outputs, dict) else None
    return getattr(outputs, name, None) if found is None else found
