"""Methods for the tests of the comparison: no torch, milliseconds, and every way to go wrong."""

import dataclasses
import os
import random
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from datasets import Dataset, DatasetDict

from gloss_pyg.errors import ConfigError
from gloss_pyg.methods import Estimate, FitReport, Method

JOURNAL = "FAKE_METHODS_JOURNAL"
"""Environment variable with the file that gets a line for each fit."""


class Smoothing:
    """A part, as losses are parts of real methods."""

    def __init__(self, amount: float = 1.0) -> None:
        self.amount = amount


class Square(Smoothing):
    """A sibling with an argument more."""

    def __init__(self, amount: float = 1.0, power: int = 2, kind: Literal["hard", "soft"] = "soft") -> None:
        self.amount = amount
        self.power = power
        self.kind = kind


class Drawn(Smoothing):
    """A part that draws a parameter as it is made, as learned layers do."""

    def __init__(self) -> None:
        super().__init__(random.random())


class FakeMethod(Method):
    """Counts the words of each class; the seed decides which tenth of the training documents is left out.

    Args:
        model: Stands for the encoder's name.
        smoothing: A part; by default one is made.
        steps: Rows of the validation curve.
        seconds: How long a fit takes at least.
        fail: Raise in the fit.
        fail_for_seed: Raise in the fit with this seed.
        interrupt: Behave as if Ctrl-C was hit in the fit.
        killed: Be ended in the fit, as for want of memory.
    """

    def __init__(
        self,
        model: str = "offline",
        smoothing: Smoothing | None = None,
        steps: int = 3,
        seconds: float = 0.0,
        fail: str = "",
        fail_for_seed: int | None = None,
        interrupt: bool = False,
        killed: bool = False,
    ) -> None:
        if steps < 0:
            raise ConfigError(f"steps={steps}; expected a number from 0.")
        self.model = model
        self.smoothing = smoothing or Smoothing()
        self.steps = steps
        self.seconds = seconds
        self.fail = fail
        self.fail_for_seed = fail_for_seed
        self.interrupt = interrupt
        self.killed = killed
        self._fitted = False

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """Count words."""
        assert not self._fitted, "an object must be fitted once only"
        assert (test_texts is not None) == self.transductive
        self._fitted = True
        if journal := os.environ.get(JOURNAL):
            with Path(journal).open("a") as stream:
                stream.write(f"{os.getpid()} {type(self).__name__} {self.smoothing.amount} {seed}\n")
        time.sleep(self.seconds)
        if self.interrupt:
            raise KeyboardInterrupt
        if self.killed:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fail or self.fail_for_seed == seed:
            raise RuntimeError(self.fail or f"seed {seed} cannot be fitted")
        classes = train.features["label"].num_classes
        left_out = np.random.default_rng(seed).random(len(train)) < 0.1
        self._counts: list[dict[str, float]] = [{} for _ in range(classes)]
        for text, label, out in zip(train["text"], train["label"], left_out, strict=True):
            if label >= 0 and not out:
                for word in text.split():
                    self._counts[label][word] = self._counts[label].get(word, 0.0) + 1.0
        history = [
            {"step": float(10 * row), "seconds": 0.1 * row, "macro_f1": 0.5 + 0.1 * row, "accuracy": 0.5}
            for row in range(1, self.steps + 1)
        ]
        return FitReport(
            encoder=self.model,
            training_seconds=0.1,
            epochs=1.0,
            steps=10 * self.steps,
            best_step=10 * self.steps,
            best_score=0.5 + 0.1 * self.steps,
            history=history,
        )

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Share of each class in the words of the text."""
        amount = self.smoothing.amount
        scores = np.array(
            [[sum(words.get(word, 0.0) for word in text.split()) + amount for words in self._counts] for text in texts]
        )
        return scores / scores.sum(axis=1, keepdims=True)

    def save(self, folder: Path) -> None:
        """Not needed."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Any:
        """Not needed."""
        raise NotImplementedError

    def check(self) -> None:
        """Know one encoder only."""
        if self.model != "offline":
            raise ConfigError(f"There is no encoder '{self.model}'. Did you mean 'offline'?")

    def estimate(self, splits: DatasetDict) -> Estimate:
        """A forecast that a test can recognise."""
        return Estimate(seconds=120.0 + len(splits["train"]), memory_bytes=3 * 2**30)


class Bounded(FakeMethod):
    """Its score rises no more after 30 steps, ten of which make an epoch, unless it is ended before."""

    def __init__(self, smoothing: Smoothing | None = None, max_steps: int | None = None, max_epochs: int = 20) -> None:
        super().__init__(smoothing=smoothing)
        self.max_steps = max_steps
        self.max_epochs = max_epochs

    @property
    def limits(self) -> Mapping[str, Literal["steps", "epochs"] | None]:
        """As those of `EncoderMethod`."""
        return {"max_steps": "steps", "max_epochs": "epochs" if self.max_steps is None else None}

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """Count words, and say what ended that."""
        report = super().fit(train, validation, test_texts, seed=seed)
        steps = min(30, self.max_steps or 10 * self.max_epochs)
        return dataclasses.replace(
            report, steps=steps, epochs=steps / 10, stopped_by="patience" if steps == 30 else "limit"
        )


class FakeTransductive(FakeMethod):
    """The same, with the test texts."""

    transductive = True


class FakeUnknown(FakeMethod):
    """One that says nothing of its time and memory."""

    def estimate(self, splits: DatasetDict) -> Estimate:
        """As a method that does not write one."""
        return Method.estimate(self, splits)


class BadShape(FakeMethod):
    """Predicts one class too many."""

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Too wide."""
        return np.pad(super().predict_proba(texts), ((0, 0), (0, 1)))
