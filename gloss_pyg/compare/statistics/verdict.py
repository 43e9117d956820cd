"""What may be said of a difference, in words: it holds, it is noise, or it cannot be told."""

from dataclasses import dataclass
from enum import StrEnum

from gloss_pyg.compare.statistics.common import ALPHA, LEVEL
from gloss_pyg.compare.statistics.pair import Difference
from gloss_pyg.compare.statistics.power import detectable_difference, documents_needed, seeds_needed

MARGIN = 0.01
"""A difference that is surely smaller than this is called noise: one point."""
METRIC_NAMES = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


class Verdict(StrEnum):
    """What may be said of a difference.

    | verdict | when |
    |---|---|
    | `HOLDS` | its p is at most 5 % after Holm's correction, from at least two seeds |
    | `NOISE` | it does not hold, and the whole interval is within the margin: any difference is smaller |
    | `CANNOT_BE_TOLD` | all others, and all with one seed |
    """

    HOLDS = "holds"
    NOISE = "is noise"
    CANNOT_BE_TOLD = "cannot be told"


@dataclass(frozen=True)
class Comparison:
    """A difference and what may be said of it.

    Attributes:
        measured: The difference.
        p_holm: Its p, corrected for all comparisons that are shown.
        verdict: What may be said.
        sentence: The same in a sentence, with figures.
        seeds_needed: With how many seeds in all a true difference of the size seen would be told on these documents,
            with 80 % power at the level that the correction asks for at its strictest; `None` where that is over 1,000,
            where the difference holds or is noise, and with one seed.
        documents_needed: How many test documents that would take with these seeds; `None` where over ten million, and
            as above.
        detectable_difference: The smallest true difference that this comparison would tell so; `None` with one seed.
    """

    measured: Difference
    p_holm: float | None
    verdict: Verdict
    sentence: str
    seeds_needed: int | None
    documents_needed: int | None
    detectable_difference: float | None


def judge(measured: Difference, p_holm: float | None, family: int, margin: float = MARGIN) -> Comparison:
    """Say what may be said of a difference.

    Args:
        measured: The difference.
        p_holm: Its p after Holm's correction.
        family: How many tests are shown together.
        margin: Up to which size a difference does not matter.
    """
    level = ALPHA / max(family, 1)
    seeds = documents = None
    least = None
    if measured.variation is not None:
        least = detectable_difference(measured.variation, len(measured.seeds), measured.documents, level)
    verdict = _verdict(measured, p_holm, margin)
    if verdict is Verdict.CANNOT_BE_TOLD and measured.variation is not None and measured.difference:
        size = abs(measured.difference)
        seeds = seeds_needed(size, measured.variation, measured.documents, level)
        if measured.same_documents:
            documents = documents_needed(size, measured.variation, len(measured.seeds), level)
    sentence = _sentence(measured, p_holm, family, margin, verdict, seeds, documents)
    return Comparison(measured, p_holm, verdict, sentence, seeds, documents, least)


def _verdict(measured: Difference, p_holm: float | None, margin: float) -> Verdict:
    if len(measured.seeds) < 2:
        return Verdict.CANNOT_BE_TOLD
    if p_holm is not None and p_holm <= ALPHA:
        return Verdict.HOLDS
    if max(abs(measured.interval.low), abs(measured.interval.high)) <= margin:
        return Verdict.NOISE
    return Verdict.CANNOT_BE_TOLD


def _sentence(
    measured: Difference,
    p_holm: float | None,
    family: int,
    margin: float,
    verdict: Verdict,
    seeds: int | None,
    documents: int | None,
) -> str:
    better, worse = measured.first, measured.second
    low, high = measured.interval.low, measured.interval.high
    if measured.difference < 0:
        better, worse, low, high = worse, better, -high, -low
    size = f"{_points(abs(measured.difference))} of {METRIC_NAMES[measured.metric]}"
    figures = f"{LEVEL:.0%} interval {100 * low:.2f} to {100 * high:.2f}".replace("%", " %")
    figures += f"; {_tested(measured, p_holm, family)}"
    where, pair = f"On {measured.data}", f"{measured.first} and {measured.second}"
    if not measured.differing_documents:
        told = "" if len(measured.seeds) > 1 else ", with the one seed there is"
        same = "are right and wrong on the same documents" if measured.metric == "accuracy" else "give the same answers"
        return f"{where}, {pair} {same}{told}."
    score = METRIC_NAMES[measured.metric]
    if len(measured.seeds) < 2 and not measured.difference:
        return (
            f"{where}, these fits of {pair} have the same {score} ({figures}). With one seed it cannot be told whether "
            "other fits would show the same."
        )
    if len(measured.seeds) < 2:
        return (
            f"{where}, this fit of {better} is {size} above this fit of {worse} ({figures}). With one seed it cannot "
            "be told whether other fits would show the same."
        )
    if verdict is Verdict.HOLDS:
        return f"{where}, {better} is better than {worse} by {size} ({figures})."
    if verdict is Verdict.NOISE:
        return (
            f"{where}, the difference of {size} between {pair} is noise ({figures}): if there is one, it is smaller "
            f"than {100 * margin:g} point{'' if margin == 0.01 else 's'}."
        )
    if not measured.difference:
        return f"{where}, {pair} have the same mean {score}; whether they differ cannot be told ({figures})."
    start = (
        f"{where}, {better} is {size} above {worse}, but whether that is more than chance cannot be told ({figures})."
    )
    return f"{start}{_needed(measured, seeds, documents)}"


def _tested(measured: Difference, p_holm: float | None, family: int) -> str:
    if measured.p is None or p_holm is None:
        return (
            f"not tested: they differ on {measured.differing_documents} documents, which can give no p below "
            f"{measured.smallest_p:.3g}"
        )
    corrected = f", {_p(p_holm)} after Holm's correction for {family} comparisons" if family > 1 else ""
    return f"p {_p(measured.p, equals=True)}{corrected}"


def _needed(measured: Difference, seeds: int | None, documents: int | None) -> str:
    if measured.variation is None or not measured.difference:
        return ""
    have = len(measured.seeds)
    if seeds is not None and seeds > have:
        more = f"{seeds} seeds in place of {have} would be needed"
        if documents is not None and documents > measured.documents:
            more += f", or about {two_digits(documents)} test documents in place of {measured.documents:,}"
    elif seeds is None and documents is not None:
        more = f"no number of seeds would do on these documents; about {two_digits(documents)} test documents would"
    elif seeds is None:
        more = "neither more seeds nor more test documents alone would do"
    else:
        return " A true difference of this size is found in four cases of five; this may be the fifth."
    return f" To tell a true difference of this size, {more}."


def _points(value: float) -> str:
    number = f"{100 * value:.2f}"
    return f"{number} point" if number == "1.00" else f"{number} points"


def _p(value: float, *, equals: bool = False) -> str:
    if value < 0.0001:
        return "< 0.0001"
    return f"{'= ' if equals else ''}{value:.2g}"


def two_digits(value: int) -> str:
    """A number of two digits, upwards: more would claim a knowledge that a forecast does not have, less would not do.

    Example:
        >>> two_digits(1_234), two_digits(1_010), two_digits(87)
        ('1,300', '1,100', '87')
    """
    unit = 10 ** max(0, len(str(value)) - 2)
    return f"{-(-value // unit) * unit:,}"
