"""Run the trials that are missing, in this process or in several, and share them with other runs of the command."""

import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from gloss_pyg.compare.forecast import spell_seconds
from gloss_pyg.errors import one_line
from gloss_pyg.tune.narrator import Narrator
from gloss_pyg.tune.search import Search, seconds_left
from gloss_pyg.tune.study import Study, Trial, best
from gloss_pyg.tune.trial import Measured, Task

_POLL_SECONDS = 0.5


class Engine:
    """The searches of a configuration, shared by the threads of this process.

    Args:
        studies: Study of each search; data sets in order of preference.
        run: Runs a trial; with several workers called by as many threads.
        narrator: Told of everything.
        workers: Trials at a time.
        end: Time (`time.monotonic`) by which the last trial should have ended.
        stopped: Whether to end now; a trial that went wrong then is no failure.
    """

    def __init__(
        self,
        studies: Mapping[Search, Study],
        run: Callable[[Task], Measured],
        narrator: Narrator,
        workers: int = 1,
        end: float = math.inf,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self._studies = studies
        self._run = run
        self._narrator = narrator
        self._workers = workers
        self._end = end
        self._stopped = stopped

    def finish(self) -> None:
        """Run trials until none is left, or none would end in time."""
        if self._workers == 1:
            self._loop()
            return
        with ThreadPoolExecutor(self._workers) as pool:
            for thread in [pool.submit(self._loop) for _ in range(self._workers)]:
                thread.result()

    def _loop(self) -> None:
        """Take one trial after the other; where others work on the last ones, wait, and take over where one dies."""
        while not self._stopped():
            left = {search: study.left() for search, study in self._studies.items()}
            if not (waiting := sum(left.values())):
                break
            if any(self._take(search, self._studies[search]) for search in _in_turn(left)):
                continue
            if not self._has_time():
                break
            self._narrator.status(f"waiting for {waiting} trial{'s' if waiting > 1 else ''} that others work on")
            time.sleep(_POLL_SECONDS)
        self._narrator.rest()

    def _has_time(self) -> bool:
        if self._end == math.inf:
            return True
        times = [row.seconds for study in self._studies.values() for row in study.rows() if row.seconds is not None]
        return time.monotonic() + (sum(times) / len(times) if times else 0.0) < self._end

    def _take(self, search: Search, study: Study) -> bool:
        """Run the next trial of a search; gives whether there was one."""
        if not self._has_time():
            return False
        with study.claim() as trial:
            if trial is None:
                return False
            with self._narrator.at(f"{search}, trial {trial.number}"):
                self._finish(search, study, trial)
        return True

    def _finish(self, search: Search, study: Study, trial: Trial) -> None:
        try:
            study.finish(trial, self._run(search.task(study, trial)))
        except Exception as error:  # whatever a method raises is that trial's result
            if self._stopped():
                return
            study.fail(trial, one_line(error))
        self._narrator.note(self._told(search, study, trial))

    def _told(self, search: Search, study: Study, trial: Trial) -> str:
        rows = study.rows()
        row = next(row for row in rows if row.number == trial.number)
        line = f"{search}, trial {row.number} of {search.settings.trials}: "
        if row.state == "failed":
            line += f"FAILED: {row.error}"
        elif row.state == "pruned":
            line += f"ended after {row.steps} steps, {spell_seconds(row.seconds or 0)}: below the median"
        else:
            line += f"{spell_score(row.score, row.metric)} in {spell_seconds(row.seconds or 0)}"
        if (found := best(rows)) is not None:
            line += f"; best {spell_score(found.score, found.metric)} (trial {found.number})"
        left = seconds_left(self._studies, self._workers)
        return line + ("" if math.isnan(left) or not left else f"; about {spell_seconds(left)} left")


def _in_turn(left: Mapping[Search, int]) -> list[Search]:
    """Data set by data set, of its methods those first that have most left: cut short, they have had as many."""
    data = list(dict.fromkeys(search.data for search in left))
    return sorted(left, key=lambda search: (data.index(search.data), -left[search]))


def spell_score(score: float | None, metric: str) -> str:
    """Write a validation score as people read it.

    Example:
        >>> spell_score(0.8731, "macro_f1"), spell_score(0.4, "macro_silhouette")
        ('validation macro-F1 87.31', 'validation macro silhouette 0.400')
    """
    if score is None:
        return "no score"
    if metric == "macro_f1":
        return f"validation macro-F1 {100 * score:.2f}"
    return f"validation {metric.replace('_', ' ')} {score:.3f}"
