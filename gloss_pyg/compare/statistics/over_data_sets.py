"""All methods over all data sets: ranks, and Wilcoxon's test of each pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from gloss_pyg.compare.statistics.bootstrap import Floats, Scores
from gloss_pyg.compare.statistics.common import ALPHA
from gloss_pyg.compare.statistics.multiple import holm
from gloss_pyg.compare.statistics.predictions import DataSetPredictions
from gloss_pyg.compare.statistics.ranks import Ranking, RankTest, rank_methods, wilcoxon


@dataclass(frozen=True)
class PairOverDataSets:
    """Two methods over all data sets.

    Attributes:
        first: Name of one method.
        second: Name of the other.
        difference: Mean difference, first less second.
        test: Wilcoxon's test.
        p_holm: Its p, corrected for all pairs.
    """

    first: str
    second: str
    difference: float
    test: RankTest
    p_holm: float | None


@dataclass(frozen=True)
class OverDataSets:
    """All methods over all data sets.

    Attributes:
        metric: `accuracy` or `macro_f1`.
        data_sets: Those that all methods are finished on. Settings of one corpus (label budgets) are averaged first,
            since they are not independent data sets.
        left_out: Those that some method is not finished on.
        ranking: Average ranks, Friedman's and Nemenyi's tests.
        pairs: Wilcoxon's test of each pair.
        sentences: What this says, in words.
    """

    metric: str
    data_sets: tuple[str, ...]
    left_out: tuple[str, ...]
    ranking: Ranking | None
    pairs: tuple[PairOverDataSets, ...]
    sentences: tuple[str, ...]


def over_data_sets(data: Sequence[DataSetPredictions], scores: Sequence[Scores], metric: str) -> OverDataSets:
    """Rank all methods by their mean over the seeds on each data set."""
    methods = list(dict.fromkeys(method for one in data for method in one.methods))
    corpora: dict[str, list[Floats]] = {}
    names: dict[str, list[str]] = {}
    for one, found in zip(data, scores, strict=True):
        row = np.full(len(methods), np.nan)
        for place, method in enumerate(one.methods):
            row[methods.index(method)] = np.nanmean(found.observed[metric][place])
        corpora.setdefault(one.corpus, []).append(row)
        names.setdefault(one.corpus, []).append(one.data)
    means = {corpus: np.mean(rows, axis=0) for corpus, rows in corpora.items()}
    complete = [corpus for corpus, row in means.items() if np.isfinite(row).all()]
    shown = {corpus: " and ".join(names[corpus]) for corpus in corpora}
    left_out = tuple(shown[corpus] for corpus in corpora if corpus not in complete)
    if not complete:
        return OverDataSets(metric, (), left_out, None, (), ("No data set has results of all methods.",))
    table = np.stack([means[corpus] for corpus in complete])
    ranking = rank_methods(table, methods)
    tests = []
    for first, second in combinations(range(len(methods)), 2):
        differences = table[:, first] - table[:, second]
        tests.append((methods[first], methods[second], float(differences.mean()), wilcoxon(differences, "data sets")))
    corrected = holm([test.p for *_, test in tests])
    pairs = tuple(PairOverDataSets(*test, p) for test, p in zip(tests, corrected, strict=True))
    return OverDataSets(
        metric,
        tuple(shown[corpus] for corpus in complete),
        left_out,
        ranking,
        pairs,
        _sentences(ranking, pairs, left_out),
    )


def _sentences(ranking: Ranking, pairs: Sequence[PairOverDataSets], left_out: Sequence[str]) -> tuple[str, ...]:
    said = []
    friedman = ranking.friedman
    if friedman.p is None:
        said.append(friedman.note)
    elif friedman.p > ALPHA:
        said.append(
            f"Over {friedman.observations} data sets, it cannot be told whether the methods differ at all (Friedman's "
            f"test, p = {friedman.p:.2g})."
        )
    else:
        said.append(
            f"Over {friedman.observations} data sets, the methods differ (Friedman's test, p = {friedman.p:.2g})."
        )
        said.extend(_nemenyi_sentences(ranking))
    for pair in pairs:
        if pair.p_holm is not None and pair.p_holm <= ALPHA:
            better, worse = (pair.first, pair.second) if pair.test.effect > 0 else (pair.second, pair.first)
            said.append(
                f"Over {pair.test.observations} data sets, {better} is better than {worse} (Wilcoxon's test, p = "
                f"{pair.p_holm:.2g} after Holm's correction for {len(pairs)} pairs; rank-biserial correlation "
                f"{abs(pair.test.effect):.2f})."
            )
    said.extend(dict.fromkeys(pair.test.note for pair in pairs if pair.test.note))
    if left_out:
        said.append(f"Not among these: {', '.join(left_out)}, where not all methods are finished.")
    return tuple(said)


def _nemenyi_sentences(ranking: Ranking) -> list[str]:
    assert ranking.nemenyi is not None
    ranks = ranking.average_ranks
    said = []
    for one, other in combinations(np.argsort(ranks).tolist(), 2):
        if (p := ranking.nemenyi[one][other]) <= ALPHA:
            said.append(
                f"{ranking.methods[one]} ranks above {ranking.methods[other]} (average ranks {ranks[one]:.2f} and "
                f"{ranks[other]:.2f}; Nemenyi's test, p = {p:.2g})."
            )
    return said or [f"Nemenyi's test finds no pair that differs by more than {ranking.critical_difference:.2f} ranks."]
