"""Methods for the tests of tuning: milliseconds, a score that depends on the arguments, and a journal of fits."""

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset

from gloss_pyg.errors import ConfigError
from gloss_pyg.methods import Choice, FitReport, Interval, Method, Range
from gloss_pyg.training import tell_validation

JOURNAL = "TUNED_METHODS_JOURNAL"
"""Environment variable with the file that gets a line for each fit."""


class Part:
    """A part, as losses are parts of real methods."""

    def __init__(self, y: float = 0.0, z: int = 1) -> None:
        self.y = y
        self.z = z


class OtherPart(Part):
    """Another class of part."""


class Hill(Method):
    """Its validation score is highest at x = 3, and rises with the steps.

    Args:
        x: From 0.
        part: A part, whose y adds a little to the score.
        steps: Validations.
        seconds: That a validation takes.
        fails_above: Raise where x is above it.
        says_nothing: Report no score.
    """

    def __init__(
        self,
        x: float = 1.0,
        part: Part | None = None,
        steps: int = 4,
        seconds: float = 0.0,
        fails_above: float = 1e9,
        says_nothing: bool = False,
    ) -> None:
        if x < 0:
            raise ConfigError(f"x={x}; expected a number from 0.")
        self.x = x
        self.part = part or Part()
        self.steps = steps
        self.seconds = seconds
        self.fails_above = fails_above
        self.says_nothing = says_nothing

    def search_space(self) -> dict[str, Range]:
        """Of x alone."""
        return {"x": Interval(0.0, 6.0)}

    def fit(
        self, train: Dataset, validation: Dataset, test_texts: Sequence[str] | None = None, *, seed: int
    ) -> FitReport:
        """Walk up the hill."""
        seen = {
            "pid": os.getpid(),
            "x": self.x,
            "seed": seed,
            "train": len(train),
            "validation": len(validation),
            "test_texts": None if test_texts is None else len(test_texts),
        }
        if journal := os.environ.get(JOURNAL):
            with Path(journal).open("a") as stream:
                stream.write(json.dumps(seen) + "\n")
        if self.x > self.fails_above:
            raise RuntimeError(f"x={self.x} is too high")
        score = 0.0
        for step in range(1, self.steps + 1):
            time.sleep(self.seconds)
            score = float(np.exp(-((self.x - 3) ** 2)) * step / self.steps) + self.part.y / 1000
            tell_validation(10 * step, score)
        return FitReport(
            steps=10 * self.steps, best_step=10 * self.steps, best_score=float("nan") if self.says_nothing else score
        )

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """All classes alike."""
        return np.full((len(texts), 3), 1 / 3)

    def save(self, folder: Path) -> None:
        """Not needed."""
        raise NotImplementedError

    @classmethod
    def load(cls, folder: Path) -> Any:
        """Not needed."""
        raise NotImplementedError


class Transductive(Hill):
    """One that sees the test texts."""

    transductive = True


class Fixed(Hill):
    """One with nothing to search."""

    def search_space(self) -> dict[str, Range]:
        """Nothing."""
        return {}


class Parted(Hill):
    """One that declares a search of its part."""

    def search_space(self) -> dict[str, Range]:
        """Of its part."""
        return {"part.z": Choice((1, 2, 3))}
