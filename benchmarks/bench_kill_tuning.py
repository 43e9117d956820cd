"""Kill a search with two workers at random moments, start it again, and see that nothing is lost or doubled.

    python benchmarks/bench_kill_tuning.py [--kills 10] [--seed 0]

Two methods with an untrained toy encoder, six trials each, by `python -m gloss_pyg.tune --workers=2`. One run goes
through undisturbed. Others are ended by SIGKILL after a random part of that run's time and started again in the same
folder. After each kill every trial that had ended must still be there as it was; at the end each folder must hold six
trials a method, with the values and scores of the undisturbed run. Takes about ten minutes on two cores.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

import optuna
import yaml
from bars import Bars
from killing import kill_at_random
from optuna.trial import TrialState

from gloss_pyg.compare.configuration import find_config
from gloss_pyg.tune.storage import open_storage, quiet_optuna

TRIALS = 6
SEARCH = {
    "cross-entropy": {"learning_rate": {"low": 1e-4, "high": 1e-2, "log": True}},
    "g-loss": {"loss.weight": {"low": 0.1, "high": 0.9}},
}

Ended = dict[tuple[str, int], tuple[dict[str, object], float | None, object]]


def configuration(folder: Path) -> Path:
    """The methods of `tiny`, with something to search; no trial is ended early, which would depend on its company."""
    content = yaml.safe_load(find_config("tiny").read_text(encoding="utf-8"))
    path = folder / "search.yaml"
    path.write_text(yaml.safe_dump(content | {"search": SEARCH, "trials": TRIALS, "prune": False}), encoding="utf-8")
    return path


def ended(output: Path) -> Ended:
    """Values, score and the time of its end, of each trial that has ended and was not lost, by study and trial."""
    journal = output / "journal.log"
    if not journal.exists():
        return {}
    found: Ended = {}
    with quiet_optuna():
        storage = open_storage(journal)
        for name in optuna.get_all_study_names(storage):
            for trial in optuna.load_study(study_name=name, storage=storage).trials:
                if trial.state in (TrialState.COMPLETE, TrialState.PRUNED):
                    found[name, trial.number] = (trial.params, trial.value, trial.datetime_complete)
    return found


def outcomes(trials: Ended) -> list[tuple[str, str, float | None]]:
    """What must be equal to the undisturbed run, in any order."""
    return sorted((name, repr(values), score) for (name, _), (values, score, _) in trials.items())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        config = configuration(Path(scratch))

        def command(output: Path) -> list[str]:
            return [sys.executable, "-m", "gloss_pyg.tune", f"--config={config}", f"--output={output}", "--workers=2"]

        expected, came = kill_at_random(command, ended, Path(scratch), arguments.kills, random.Random(arguments.seed))
        problems = came.problems
        for output in came.folders:
            if outcomes(ended(output)) != outcomes(expected):
                problems.append(f"{output.name}: other trials than the undisturbed run's")
    print("\n".join(problems))
    bars = Bars()
    bars.at_least("kills of a search with 2 workers", came.kills, arguments.kills, "")
    bars.at_most("trials lost, doubled or changed", len(problems), 0, "")
    return bars.status()


if __name__ == "__main__":
    sys.exit(main())
