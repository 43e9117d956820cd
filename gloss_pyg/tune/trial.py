"""One trial: a method with certain arguments fitted once, and watched while it trains."""

import gc
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import TrialState
from transformers import set_seed

from gloss_pyg.compare.cell import make_method
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.methods import FitReport
from gloss_pyg.training import watch
from gloss_pyg.tune.documents import Documents, load_documents
from gloss_pyg.tune.storage import open_storage, quiet_optuna

STARTUP_TRIALS = 5
"""Finished trials before one is pruned."""


@dataclass(frozen=True)
class Task:
    """A trial to be run, here or in another process.

    Attributes:
        journal: File of the storage.
        study: Name of the study.
        trial: Optuna's id of the trial in the storage.
        arguments: The method, the values of the trial put in.
        spec: The data set.
        seed: Of the fit.
        prune: Whether the fit is ended where its score is below the median.
    """

    journal: Path
    study: str
    trial: int
    arguments: dict[str, Any]
    spec: DataSpec
    seed: int
    prune: bool


@dataclass(frozen=True)
class Measured:
    """What came of a trial.

    Attributes:
        score: The validation score that the method kept; `None` where the fit was ended on its way.
        name: Of the score.
        seconds: Of the fit.
        steps: That were taken, 0 where the method does not say.
    """

    score: float | None
    name: str
    seconds: float
    steps: int


class PrunedError(Exception):
    """The fit was ended, since it leads nowhere."""


def trial_job(task: Task) -> Callable[[], Measured]:
    """Read the documents of a trial; gives what is left to do."""
    return partial(run_trial, task, load_documents(task.spec, task.seed))


def run_trial(task: Task, documents: Documents) -> Measured:
    """Fit, tell the storage each validation score, and end early where the pruner says so.

    Raises:
        ValueError: from a method that reports no validation score.
    """
    gc.collect()
    storage = open_storage(task.journal)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS)
    study = optuna.load_study(study_name=task.study, storage=storage, pruner=pruner)
    last = 0

    def look(step: int, score: float) -> None:
        nonlocal last
        last = step
        if math.isnan(score):
            return
        storage.set_trial_intermediate_value(task.trial, step, score)
        if task.prune and pruner.prune(study, storage.get_trial(task.trial)):
            raise PrunedError

    set_seed(task.seed)  # parts of the method may draw their parameters as they are made
    method = make_method(task.arguments)
    report = FitReport()
    clock = time.perf_counter()
    pruned = False
    with quiet_optuna(), watch(look):
        try:
            report = method.fit(
                documents.train,
                documents.validation,
                list(documents.test_texts) if method.transductive else None,
                seed=task.seed,
            )
        except PrunedError:
            pruned = True
    seconds = time.perf_counter() - clock
    if pruned:
        return Measured(None, _score_name(study), seconds, last)
    if not math.isfinite(report.best_score):
        raise ValueError(f"{method.name} reports no validation score (FitReport.best_score), so it cannot be tuned.")
    return Measured(report.best_score, report.chosen_by, seconds, report.steps)


def _score_name(study: optuna.Study) -> str:
    """What the finished trials were chosen by; one that was pruned, which takes five of them, did not get to say."""
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return next(str(trial.user_attrs["metric"]) for trial in finished if "metric" in trial.user_attrs)
