"""A callback of the Trainer that draws one fixed batch as training goes on."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, final

import torch
from torch import Tensor
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.losses import GLoss
from gloss_pyg.losses.gloss import Propagated
from gloss_pyg.training.loss_function import embeddings_of
from gloss_pyg.viz.batch_graph import draw_batch_graph
from gloss_pyg.viz.layout import Positions, node_positions
from gloss_pyg.viz.looks import save_picture
from gloss_pyg.viz.trackers import send_picture

logger = logging.getLogger("gloss_pyg")


@final
class DrawEvery(TrainerCallback):  # type: ignore[misc]
    """Draw the graph of the same documents before the first step, every few steps, and after the last.

    Pictures are `step-000100.png` and so on in a folder; each layout is turned towards the one before, so that what
    moves has changed. `moments` keeps what was drawn, for `draw_moments` and `animate`. The model is put in evaluation
    mode meanwhile, and no random number of the training's is drawn, so that training goes on as without it.

    `trainer.add_callback(callback)` draws into the folder; `callback.attach(trainer)` also hands the pictures to
    TensorBoard and Weights & Biases, where the Trainer reports to them.

    Args:
        documents: Tokenised documents, such as 64 rows of the validation split; the same each time.
        collate: Makes a padded batch of some of them.
        loss: Its graph, layer and share of seen labels are used, with the seen labels the same each time. A bandwidth
            that is to be fitted (`sigma="sqrt"`) must be, before training.
        folder: Where the pictures go; made if it is not there.
        every: Steps from picture to picture. A picture takes about a second: at 50 steps of 2 s it is 1 % of the time.
        class_names: Names of the classes.

    Attributes:
        moments: `(step, batch)` of each picture.

    Raises:
        ConfigError: for an `every` below 1.
        DataError: for fewer than two documents, or documents without `labels`.

    Example:
        >>> from datasets import Dataset
        >>> from gloss_pyg import DataCollator, DenseGaussian, load_tokenizer, tokenize
        >>> tokenizer = load_tokenizer("random-tiny")
        >>> rows = {"text": ["a fine film", "a dull film", "very fine", "very dull"], "label": [0, 1, 0, 1]}
        >>> documents = tokenize(Dataset.from_dict(rows), tokenizer, 8)
        >>> callback = DrawEvery(documents, DataCollator(tokenizer), GLoss(DenseGaussian(sigma=0.5)), Path("pictures"))
        >>> # callback.attach(trainer)
    """

    def __init__(
        self,
        documents: Any,
        collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]],
        loss: GLoss,
        folder: Path,
        every: int = 50,
        class_names: Sequence[str] | None = None,
    ) -> None:
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ConfigError(f"every={every!r}; expected a whole number of steps from 1.")
        self._documents = list(documents)
        if len(self._documents) < 2 or "labels" not in self._documents[0]:
            raise DataError(
                f"DrawEvery got {len(self._documents)} documents; expected at least 2, tokenised, with 'labels'."
            )
        self._collate = collate
        self._loss = loss
        self._folder = Path(folder)
        self._every = every
        self._class_names = class_names
        self._places: Positions | None = None
        self.labels = torch.tensor([int(row["labels"]) for row in self._documents])
        self.moments: list[tuple[int, Propagated]] = []
        self._trackers: list[TrainerCallback] = []
        self._unsent: list[tuple[Path, int]] = []

    def attach(self, trainer: Trainer) -> None:
        """Add this callback to a trainer, before its trackers, which close as training ends."""
        trainer.callback_handler.callbacks.insert(0, self)
        self._trackers = trainer.callback_handler.callbacks

    def on_train_begin(
        self,
        args: TrainingArguments,  # noqa: ARG002 - transformers names them
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,
    ) -> None:
        """Draw the model as it is before the first step, or the first after a resume."""
        self._draw(state, kwargs["model"])

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 - transformers names them
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,
    ) -> None:
        """Draw every few steps."""
        if state.global_step % self._every == 0:
            self._draw(state, kwargs["model"])
        self._send()

    def on_train_end(
        self,
        args: TrainingArguments,  # noqa: ARG002 - transformers names them
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,
    ) -> None:
        """Draw the model as it is after the last step."""
        self._draw(state, kwargs["model"])
        self._send()

    def _draw(self, state: TrainerState, model: Any) -> None:
        step = state.global_step
        if not state.is_world_process_zero or any(step == drawn for drawn, _ in self.moments):
            return
        batch = self._propagate(model)
        self._places = node_positions(batch, like=self._places)
        title = f"step {step}"
        ax = draw_batch_graph(batch, labels=self.labels, class_names=self._class_names, pos=self._places, title=title)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / f"step-{step:06d}.png"
        save_picture(ax, path, dpi=100)
        self.moments.append((step, batch))
        self._unsent.append((path, step))

    def _send(self) -> None:
        """Pictures to the trackers, also the first, which is drawn before they begin."""
        while self._unsent and send_picture(self._trackers, "batch graph", *self._unsent[0]):
            self._unsent.pop(0)

    def _propagate(self, model: Any) -> Propagated:
        embeddings = apply_to_documents(model, self._documents, self._collate, embeddings_of, 64)
        was_training, device = self._loss.training, embeddings.device
        parameter = next(self._loss.parameters(), None)
        place = device if parameter is None else parameter.device
        self._loss.eval()  # the same labels are seen each time, and the loss's statistics stay as they are
        try:
            with torch.no_grad():
                return self._loss.propagate(embeddings.to(place), self.labels.to(place))
        finally:
            self._loss.train(was_training)
