"""What each class is to each method: F1 by class, and which classes are taken for which."""

from collections.abc import Sequence

import numpy as np

from gloss_pyg.compare.report.content import Block, Details, Section, Table, Value
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.outcomes import Outcome, class_f1
from gloss_pyg.compare.report.texts import fit_to_show
from gloss_pyg.compare.report.wording import NONE, percent

_WIDEST_MATRIX = 12
_SHOWN_CONFUSIONS = 20
_LONGEST_NAME = 40


def classes(material: Material) -> Section | None:
    """F1 by class and confusions, folded away by data set."""
    blocks: list[Block] = []
    for data in material.merged.data:
        outcomes = {method: material.outcomes_of(data, method) for method in material.merged.methods}
        outcomes = {method: found for method, found in outcomes.items() if found}
        if not outcomes:
            continue
        parts: list[Block] = [_f1(material, data, outcomes)]
        names = _names(next(iter(outcomes.values()))[0])
        if len(names) <= _WIDEST_MATRIX:
            tables = tuple(_matrix(data, method, names, found) for method, found in outcomes.items())
            parts.append(Details(f"Confusion matrices on {data}, a method each", tables))
        else:
            tables = tuple(_pairs(data, method, names, found) for method, found in outcomes.items())
            parts.append(Details(f"Most frequent confusions on {data}, a method each", tables))
        blocks.append(Section(data, tuple(parts)))
    return Section("Classes", tuple(blocks), "classes") if blocks else None


def _names(outcome: Outcome) -> list[str]:
    return [fit_to_show(name, _LONGEST_NAME) for name in outcome.class_names]


def _summed(outcomes: Sequence[Outcome]) -> np.ndarray:
    found: np.ndarray = np.sum([outcome.confusion() for outcome in outcomes], axis=0)
    return found


def _f1(material: Material, data: str, outcomes: dict[str, list[Outcome]]) -> Block:
    first = next(iter(outcomes.values()))[0]
    names, support = _names(first), first.confusion().sum(axis=1)
    scores = {
        method: np.nanmean(np.stack([np.nan_to_num(class_f1(one.confusion()), nan=0.0) for one in found]), axis=0)
        for method, found in outcomes.items()
    }
    caption, notes = f"F1 of each class on {data} (%), mean over the seeds", ("The largest class first.",)
    order = [int(place) for place in np.argsort(-support, kind="stable")]
    tops = {place: max(found[place] for found in scores.values()) for place in order}
    shown = {
        (method, place): Value(percent(found[place], 1), strong=bool(found[place] == tops[place] > 0))
        if support[place]
        else NONE
        for method, found in scores.items()
        for place in order
    }
    if len(outcomes) > len(names):
        heads = (f"{names[place]} ({support[place]:,})" for place in order)
        by_method = tuple((material.title(method), *(shown[method, place] for place in order)) for method in outcomes)
        return Table(caption, ("method", *heads), by_method, notes=notes)
    rows = tuple(
        (Value(names[place], foreign=True), f"{support[place]:,}", *(shown[method, place] for method in outcomes))
        for place in order
    )
    table = Table(caption, ("class", "test documents", *map(material.title, outcomes)), rows, notes=notes)
    return table if len(rows) <= _WIDEST_MATRIX else Details(f"F1 of the {len(rows)} classes of {data}", (table,))


def _matrix(data: str, method: str, names: list[str], outcomes: Sequence[Outcome]) -> Table:
    counts = _summed(outcomes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = tuple(
        (
            Value(name, foreign=True),
            *(Value(f"{counts[place, other]:,}", heat=float(shares[place, other])) for other in range(len(names))),
        )
        for place, name in enumerate(names)
    )
    return Table(
        f"{method} on {data}: documents of the class of the row that were given the class of the column, all seeds",
        ("true class", *names),
        rows,
    )


def _pairs(data: str, method: str, names: list[str], outcomes: Sequence[Outcome]) -> Table:
    counts = _summed(outcomes)
    support = counts.sum(axis=1)
    off = counts.copy()
    np.fill_diagonal(off, 0)
    order = np.argsort(-off, axis=None, kind="stable")[:_SHOWN_CONFUSIONS]
    rows = []
    for place, other in zip(*np.unravel_index(order, off.shape), strict=True):
        if off[place, other]:
            share = percent(off[place, other] / support[place], 1)
            pair = (Value(names[place], foreign=True), Value(names[other], foreign=True))
            rows.append((*pair, f"{off[place, other]:,}", share))
    return Table(
        f"{method} on {data}: what is taken for what most often, all seeds",
        ("true class", "given class", "documents", "% of the class"),
        tuple(rows),
        2,
        frozenset({0, 1}),
    )
