"""The trials of one method on one data set: which comes next, and what became of the others.

A trial is held by a lock of the operating system as long as somebody works on it. One that is running while its lock
is free was lost with its process: it is closed, and its values are tried again, so that a search that was killed
ends with the trials of one that was not.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout
from optuna.trial import FrozenTrial, TrialState

from gloss_pyg.methods.search import Value
from gloss_pyg.tune.space import Space
from gloss_pyg.tune.storage import distribution, open_storage, quiet_optuna
from gloss_pyg.tune.trial import Measured

_LOST, _AGAIN, _ERROR = "lost", "again", "error"
_RUNNING = (TrialState.RUNNING, TrialState.WAITING)


@dataclass(frozen=True)
class Trial:
    """A trial that is to be run.

    Attributes:
        number: From 1, as people count; a lost trial and the one that takes its place have the same.
        id: Optuna's id in the storage.
        values: Its arguments, by path.
    """

    number: int
    id: int
    values: dict[str, Value]


@dataclass(frozen=True)
class Row:
    """A trial that has ended.

    Attributes:
        number: From 1.
        state: `finished`, `pruned` or `failed`.
        values: Its arguments, by path.
        score: Validation score, `None` where it has none.
        metric: Name of the score.
        seconds: Of the fit, `None` where it failed.
        steps: That were taken.
        error: Why it failed.
    """

    number: int
    state: str
    values: dict[str, Value]
    score: float | None
    metric: str
    seconds: float | None
    steps: int
    error: str


class Study:
    """The search of one method on one data set, shared by all processes that have it open.

    Args:
        folder: Where the journal and the locks lie; it is there.
        name: Of the study; it holds a digest of whatever determines the results.
        space: What is searched.
        trials: How many fits.
        seed: Of the sampler.

    Attributes:
        journal: File of the storage.
        name: As given.
    """

    def __init__(self, folder: Path, name: str, space: Space, trials: int, seed: int) -> None:
        self.journal = folder / "journal.log"
        self.name = name
        self._locks = folder / "locks"
        self._locks.mkdir(exist_ok=True)
        self._distributions = {path: distribution(entry) for path, entry in space.items()}
        self._trials = trials
        self._seed = seed
        with self._alone(), quiet_optuna():
            self._storage = open_storage(self.journal)
            optuna.create_study(storage=self._storage, study_name=name, direction="maximize", load_if_exists=True)

    def _alone(self) -> FileLock:
        return FileLock(self._locks / f"{self.name}.lock")

    def _study(self, seed: int | None = None) -> optuna.Study:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # constant_liar: trials that run
            sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=True)
        return optuna.load_study(study_name=self.name, storage=self._storage, sampler=sampler)

    @contextmanager
    def claim(self) -> Iterator[Trial | None]:
        """Hold the next trial for the time of the block; `None` where none is to be begun.

        A block that is left without `finish` or `fail` gives the trial back.
        """
        with self._alone(), quiet_optuna():
            self._close_lost()
            trial = self._next()
            lock = None if trial is None else self._hold(trial.id)
        try:
            yield trial
        finally:
            if lock is not None:
                lock.release()

    def _hold(self, trial: int) -> FileLock:
        lock = FileLock(self._locks / f"{self.name}-{trial}.lock")
        lock.acquire(timeout=0)
        return lock

    def _close_lost(self) -> None:
        study = self._study()
        for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            try:
                lock = self._hold(trial._trial_id)
            except Timeout:
                continue  # somebody works on it
            if self._storage.get_trial(trial._trial_id).state != TrialState.RUNNING:
                lock.release()  # it ended since the list was read
                continue
            self._storage.set_trial_user_attr(trial._trial_id, _LOST, True)  # noqa: FBT003 - Optuna's signature
            study.tell(trial.number, state=TrialState.FAIL)
            lock.release()
        known = study.get_trials(deepcopy=False)
        taken_up = {trial.user_attrs.get(_AGAIN) for trial in known}
        for trial in known:
            if _LOST in trial.user_attrs and trial.number not in taken_up:
                study.enqueue_trial(trial.params, user_attrs={_AGAIN: trial.number})

    def _next(self) -> Trial | None:
        known = self._study().get_trials(deepcopy=False)
        drawn = sum(_AGAIN not in trial.user_attrs for trial in known)
        if drawn >= self._trials and not any(trial.state == TrialState.WAITING for trial in known):
            return None
        # Each draw has a seed of its own, so that a search that goes on draws what one that was not stopped would.
        study = self._study(self._seed + drawn)
        asked = study.ask(fixed_distributions=self._distributions)
        number = _count(study.get_trials(deepcopy=False), asked.number)
        return Trial(number, asked._trial_id, dict(asked.params))

    def finish(self, trial: Trial, measured: Measured) -> None:
        """Note what came of a trial that is held."""
        self._note(trial, metric=measured.name, seconds=measured.seconds, steps=measured.steps)
        state = TrialState.PRUNED if measured.score is None else TrialState.COMPLETE
        self._storage.set_trial_state_values(
            trial.id, state, None if measured.score is None else [float(measured.score)]
        )

    def fail(self, trial: Trial, error: str) -> None:
        """Note that a trial which is held failed; it counts, and is not tried again."""
        self._note(trial, error=error)
        self._storage.set_trial_state_values(trial.id, TrialState.FAIL)

    def _note(self, trial: Trial, **attributes: Any) -> None:
        for name, value in attributes.items():
            self._storage.set_trial_user_attr(trial.id, name, value)

    def rows(self) -> list[Row]:
        """The trials that have ended, in their order."""
        known = self._study().get_trials(deepcopy=False)
        ended = [trial for trial in known if trial.state not in _RUNNING and _LOST not in trial.user_attrs]
        return sorted((_row(trial, _count(known, trial.number)) for trial in ended), key=lambda row: row.number)

    def left(self) -> int:
        """Trials that have not ended, those that somebody works on included."""
        return max(self._trials - len(self.rows()), 0)


def _count(known: Sequence[FrozenTrial], number: int) -> int:
    """Number of a trial as people count: a lost one and those in its place count once."""
    first = number
    while (lost := known[first].user_attrs.get(_AGAIN)) is not None:
        first = lost
    return 1 + sum(_AGAIN not in trial.user_attrs for trial in known[:first])


def _row(trial: FrozenTrial, number: int) -> Row:
    noted = trial.user_attrs
    states = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned"}
    scores = list(trial.intermediate_values.values())
    return Row(
        number=number,
        state=states.get(trial.state, "failed"),
        values=dict(trial.params),
        score=trial.value if trial.state == TrialState.COMPLETE else max(scores, default=None),
        metric=noted.get("metric", ""),
        seconds=noted.get("seconds"),
        steps=noted.get("steps", 0),
        error=noted.get(_ERROR, ""),
    )


def best(rows: list[Row]) -> Row | None:
    """The finished trial with the highest score, the first of equals; `None` where none is finished."""
    finished = [row for row in rows if row.state == "finished" and row.score is not None]
    return max(finished, key=lambda row: (row.score or 0.0, -row.number), default=None)
