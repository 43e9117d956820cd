"""The searches of a configuration: one for each method and data set."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean

from datasets import Dataset, DatasetDict

from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.identity import cell_settings
from gloss_pyg.compare.plan import estimate
from gloss_pyg.compare.splits import needs_download
from gloss_pyg.description import digest
from gloss_pyg.methods import Method
from gloss_pyg.tune.documents import Documents, load_documents
from gloss_pyg.tune.settings import Settings
from gloss_pyg.tune.space import put
from gloss_pyg.tune.study import Study, Trial
from gloss_pyg.tune.trial import Task


@dataclass(frozen=True, eq=False)
class Search:
    """The search of a method on a data set.

    Attributes:
        method: Its name in the table.
        data: Name of the data set.
        settings: The configuration.
        name: Of the study: the two names, and a digest of whatever determines the results.
        estimate: Seconds of all its fits as the method forecasts them, NaN where it cannot.
    """

    method: str
    data: str
    settings: Settings
    name: str
    estimate: float

    def __str__(self) -> str:
        return f"{self.method} on {self.data}"

    @property
    def spec(self) -> DataSpec:
        """The data set."""
        return self.settings.config.data[self.data]

    def study(self) -> Study:
        """Open the study, or begin it; its folder is there."""
        settings = self.settings
        folder = settings.config.output
        return Study(folder, self.name, settings.search[self.method], settings.trials, settings.sampler_seed)

    def task(self, study: Study, trial: Trial) -> Task:
        """What is to be done for a trial."""
        settings = self.settings
        return Task(
            journal=study.journal,
            study=study.name,
            trial=trial.id,
            arguments=put(settings.config.methods[self.method], trial.values, f"search.{self.method}"),
            spec=self.spec,
            seed=settings.fit_seed,
            prune=settings.prune,
        )


def plan(settings: Settings, methods: Mapping[str, Method], message: Callable[[str], None]) -> list[Search]:
    """Load and check all data, ask every method for its estimate, and list the searches.

    A method that has nothing to search has none.

    Raises:
        UserError: whatever is wrong with the data, or with a method on it.
    """
    found: dict[tuple[str, str], Search] = {}
    for data, spec in sorted(settings.config.data.items(), key=lambda item: needs_download(item[1])):
        message(f"reading {data}")
        documents = load_documents(spec, settings.fit_seed)
        splits = _without_test_labels(documents)
        for name, space in settings.search.items():
            if not space:
                continue
            message(f"estimating {name} on {data}")
            found[data, name] = Search(
                method=name,
                data=data,
                settings=settings,
                name=f"{name}-{data}-{_digest(settings, methods[name], name, spec, documents)[:12]}",
                estimate=settings.trials * estimate(methods[name], splits, dry=settings.config.dry_run).seconds,
            )
    return [found[data, name] for data in settings.config.data for name in settings.search if (data, name) in found]


def _digest(settings: Settings, method: Method, name: str, spec: DataSpec, documents: Documents) -> str:
    """Of whatever determines a trial; not of how many there are, so that a search can be made longer."""
    arguments = settings.config.methods[name]
    whole = cell_settings(method, arguments, spec, documents.content, settings.fit_seed)
    space = {path: repr(entry) for path, entry in settings.search[name].items()}
    return digest(whole | {"search": space, "sampler_seed": settings.sampler_seed, "prune": settings.prune})


def _without_test_labels(documents: Documents) -> DatasetDict:
    """Splits as an estimate takes them."""
    unlabelled = Dataset.from_dict(
        {"text": list(documents.test_texts), "label": [-1] * len(documents.test_texts)},
        features=documents.train.features,
    )
    return DatasetDict(train=documents.train, validation=documents.validation, test=unlabelled)


def seconds_left(searches: Mapping[Search, Study], workers: int) -> float:
    """Seconds until all trials have ended, by the mean of those that have; NaN before the first."""
    measured = {
        search: [row.seconds for row in study.rows() if row.seconds is not None] for search, study in searches.items()
    }
    everything = [seconds for times in measured.values() for seconds in times]
    if not everything:
        return float("nan")
    return sum(study.left() * fmean(measured[search] or everything) for search, study in searches.items()) / max(
        workers, 1
    )
