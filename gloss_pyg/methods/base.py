"""What `compare` runs: the contract of a method, and what a fit reports of itself.

A method is anything that learns from labelled texts and gives class probabilities for texts: fine-tuning with any
loss, a graph over the corpus, TF-IDF with a linear model. `compare` knows it by this contract alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from datasets import Dataset, DatasetDict

from gloss_pyg.methods.search import Range


@dataclass(frozen=True)
class FitReport:
    """What a fit cost and how it went; times in seconds.

    Attributes:
        encoder: Name of the text encoder, empty for a method that has none.
        setup_seconds: Loading, tokenising and fitting bandwidths, before the first step.
        checkpoint_seconds: The part of `setup_seconds` that a fine-tuning took which the method starts from.
        graph_seconds: Building a graph over the corpus; 0 for methods whose graphs are built inside the steps.
        training_seconds: From the first to the last step, validation included.
        seconds_per_epoch: Training time of one pass over the training documents, validation not included.
        epochs: Passes over the training documents, fractional where training stopped within one.
        steps: Optimiser steps that were run.
        best_step: The step whose parameters were kept, by validation score.
        best_score: That score: validation macro-F1, or what `chosen_by` names.
        chosen_by: The validation score by which the step was chosen.
        stopped_by: What ended the training: `patience`, the validation score, or `limit`, the most steps that were
            allowed; `None` from methods that do not stop by a score.
        loss_overhead: Share of a step's time spent in the loss, forward only; 0 where it was not measured.
        history: A row each validation, in order: `step`, `seconds` since training began, and the scores, `macro_f1`
            and `accuracy` or what `chosen_by` names.
    """

    encoder: str = ""
    setup_seconds: float = 0.0
    checkpoint_seconds: float = 0.0
    graph_seconds: float = 0.0
    training_seconds: float = 0.0
    seconds_per_epoch: float = 0.0
    epochs: float = 0.0
    steps: int = 0
    best_step: int = 0
    best_score: float = float("nan")
    chosen_by: Literal["macro_f1", "macro_silhouette"] = "macro_f1"
    stopped_by: Literal["patience", "limit"] | None = None
    loss_overhead: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Estimate:
    """A rough forecast of a fit and its predictions, for `compare --dry-run`.

    Attributes:
        seconds: Time; NaN where it is not known.
        memory_bytes: Memory of the process at its highest; 0 where it is not known.
    """

    seconds: float = float("nan")
    memory_bytes: int = 0


class Method(ABC):
    """A classifier of texts that `compare` can run.

    Attributes:
        transductive: Whether `fit` uses the test *texts* (never their labels). `compare` passes them to such methods
            only, and marks every row of its table. A class says it, or an object by its arguments.
        elsewhere: Arguments that say where something is put and change no result, for instance a folder of checkpoints.

    Raises:
        UserError: from its constructor for arguments, from `check` for names, from `fit` for documents that cannot
            work; `compare` shows the sentence.

    Example:
        >>> class Shares(Method):
        ...     "Predict the classes' shares among the training documents."
        ...
        ...     def fit(self, train, validation, test_texts=None, *, seed):
        ...         labels = np.asarray(train["label"])
        ...         self.shares = np.bincount(labels[labels >= 0]) / (labels >= 0).sum()
        ...         return FitReport()
        ...
        ...     def predict_proba(self, texts):
        ...         return np.tile(self.shares, (len(texts), 1))
        ...
        ...     def save(self, folder):
        ...         folder.mkdir()
        ...         np.save(folder / "shares.npy", self.shares)
        ...
        ...     @classmethod
        ...     def load(cls, folder):
        ...         loaded = cls()
        ...         loaded.shares = np.load(folder / "shares.npy")
        ...         return loaded
        >>> documents = Dataset.from_dict({"text": ["a", "b", "c", "d"], "label": [0, 1, 1, 1]})
        >>> method = Shares()
        >>> report = method.fit(documents, documents, seed=0)
        >>> method.predict_proba(["e"]).tolist()
        [[0.25, 0.75]]
    """

    transductive: bool = False
    elsewhere: ClassVar[tuple[str, ...]] = ()

    @property
    def limits(self) -> Mapping[str, Literal["steps", "epochs"] | None]:
        """Arguments that only bound the training, by default none, each with the figure of the report that it bounds.

        Such as `{"max_steps": "steps"}`, or `None` for one that bounds nothing beside another. A fit that was
        `stopped_by` patience is the very same under any bound that it keeps within, so that nothing else may depend on
        them (as a learning rate that falls towards the end does).
        """
        return {}

    @property
    def name(self) -> str:
        """Name of the method in tables, where the configuration gives no other."""
        return type(self).__name__

    def check(self) -> None:  # noqa: B027 - most methods have nothing to look up
        """Raise a `UserError` for names in the arguments that do not exist, such as the encoder's.

        Called before any data is read or downloaded, so it must be quick.
        """

    @abstractmethod
    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """Learn from `train`, choosing by `validation`.

        Args:
            train: Columns `text` and `label` (a `ClassLabel`; -1 marks an unlabelled document).
            validation: The same columns.
            test_texts: Texts to be predicted later, for transductive methods only, else `None`.
            seed: Seed of everything random in the fit.
        """

    @abstractmethod
    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Class probabilities, shape `[len(texts), C]`, in the order of the training `ClassLabel`'s names."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the fitted method into a folder that does not exist yet."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> "Method":
        """Read what `save` wrote."""

    def embed(self, texts: Sequence[str]) -> np.ndarray | None:  # noqa: ARG002 - methods with embeddings use it
        """Embeddings `[len(texts), d]` for the silhouette column; `None` from a method that has none."""
        return None

    def search_space(self) -> Mapping[str, Range]:
        """What `gloss_pyg.tune` searches where its configuration does not say it: a range for each argument.

        Arguments of parts are reached by dots, as in `loss.graph_loss.graph.sigma`. Empty by default: a method that
        chooses by the validation documents itself needs no tuning.
        """
        return {}

    def estimate(self, splits: DatasetDict) -> Estimate:  # noqa: ARG002 - methods with a forecast use it
        """Forecast `fit` on these splits and the prediction of their test texts, without training.

        Unknown by default: a dry run then shows "?", and the time left is known once a cell of the method has ended.
        """
        return Estimate()
