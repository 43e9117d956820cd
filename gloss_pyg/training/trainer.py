"""The stock Trainer with our loss, its report, the balanced sampler and the paper's learning-rate step."""

from typing import Any

from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler
from torch.utils.data import Sampler
from transformers import (
    PreTrainedModel,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from gloss_pyg.losses import TrainingLoss
from gloss_pyg.training.loss_function import SUBMODULE, trainer_loss
from gloss_pyg.training.report import LossReport


class GraphTrainer(Trainer):
    """`transformers.Trainer` that trains with one of our losses and logs its parts.

    Args:
        model: The model; see `trainer_loss` for what is set on it.
        args: As for the stock Trainer; `gloss_pyg.training.training_arguments` makes them with our defaults.
        loss: The loss.
        train_sampler: Order of the training documents, for instance `gloss_pyg.data.ClassBalancedSampler`; the
            Trainer's own by default. One with `set_epoch` is told each epoch, after a resume too.
        decay_step: Optimiser step from which the learning rate is a tenth (the paper: epoch 30); the Trainer's own
            schedule by default.
        kwargs: Everything else that the stock Trainer takes.

    Raises:
        ConfigError: for a loss or a model that `trainer_loss` refuses.

    Example:
        >>> from datasets import Dataset
        >>> from gloss_pyg import ClassificationLoss, DataCollator, TextEncoder, load_tokenizer, tokenize
        >>> tokenizer = load_tokenizer("random-tiny")
        >>> model = TextEncoder.from_encoder("random-tiny", ["good", "bad"])
        >>> rows = {"text": ["a fine film", "a dull film", "very fine", "very dull"], "label": [0, 1, 0, 1]}
        >>> documents = tokenize(Dataset.from_dict(rows), tokenizer, 8)
        >>> from gloss_pyg.training import training_arguments
        >>> arguments = training_arguments("results", max_steps=2, eval_strategy="no")
        >>> trainer = GraphTrainer(
        ...     model, arguments, ClassificationLoss(), train_dataset=documents, data_collator=DataCollator(tokenizer)
        ... )
        >>> trainer.get_train_dataloader().batch_sampler.batch_size
        64
    """

    def __init__(
        self,
        model: PreTrainedModel,
        args: TrainingArguments,
        loss: TrainingLoss,
        train_sampler: Sampler[int] | None = None,
        decay_step: int | None = None,
        **kwargs: Any,
    ) -> None:
        self.loss_function = trainer_loss(loss, model)
        self._own_train_sampler = train_sampler
        self._decay_step = decay_step
        super().__init__(model, args, compute_loss_func=self.loss_function, **kwargs)
        LossReport.attach(self, self.loss_function)
        if train_sampler is not None:
            self.add_callback(_EpochOfSampler(train_sampler))

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int] | None:
        return self._own_train_sampler or super()._get_train_sampler(train_dataset)

    def get_decay_parameter_names(self, model: nn.Module) -> list[str]:
        """The Trainer's own, without scalars and vectors of the loss: decay would pull a learned `sigma` to 1."""
        short = {f"{SUBMODULE}.{name}" for name, value in self.loss_function.loss.named_parameters() if value.ndim < 2}
        return [name for name in super().get_decay_parameter_names(model) if name not in short]

    def create_scheduler(self, num_training_steps: int, optimizer: Optimizer | None = None) -> LRScheduler:
        """The learning-rate step where one was asked for."""
        if self._decay_step is None or self.lr_scheduler is not None:
            return super().create_scheduler(num_training_steps, optimizer)
        decay_step = self._decay_step
        scheduler = LambdaLR(optimizer or self.optimizer, lambda step: 0.1 if step >= decay_step else 1.0)  # type: ignore[arg-type]
        self.lr_scheduler = scheduler
        return scheduler


class _EpochOfSampler(TrainerCallback):
    """Tells a sampler its epoch; with several processes accelerate does not reach it when an epoch is resumed."""

    def __init__(self, sampler: Sampler[int]) -> None:
        self._set_epoch = getattr(sampler, "set_epoch", None)

    def on_epoch_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:  # noqa: ARG002
        if self._set_epoch is not None:
            self._set_epoch(int(state.epoch or 0))
