"""The first part: what was compared, and which differences hold."""

from collections.abc import Iterator, Sequence

from gloss_pyg.compare.report.content import Block, Details, Items, Section, Text
from gloss_pyg.compare.report.material import Material
from gloss_pyg.compare.report.wording import count, listed, percent, span
from gloss_pyg.compare.statistics.verdict import METRIC_NAMES, Comparison, Verdict
from gloss_pyg.compare.table import at_limit

_SHOWN = 8


def answer(material: Material) -> Section:
    """Summary in words."""
    blocks: list[Block] = [Text(_verdict(material), "answer")]
    blocks.append(Items(tuple(_leader(material, data) for data in material.merged.data)))
    blocks += [Text(warning, "warning") for warning in (_incomplete(material), _cut_off(material)) if warning]
    blocks.append(Section("What was compared", (Items(tuple(_compared(material))),)))
    if material.statistics is not None:
        found = material.statistics.comparisons
        blocks += [*_said(material, "What holds", Verdict.HOLDS), *_said(material, "What is noise", Verdict.NOISE)]
        blocks += _undecided(found)
        over = [
            f"By {METRIC_NAMES[one.metric]}: {said}"
            for one in material.statistics.over_data_sets
            if len(one.data_sets) > 1
            for said in one.sentences
        ]
        if over:
            blocks.append(Section("Over all data sets", (Items(tuple(over)),)))
        blocks.append(Details("How these figures were made", (Items(material.statistics.notes),)))
    return Section("Summary", tuple(blocks), "summary")


def _compared(material: Material) -> Iterator[str]:
    """Methods, data, encoders and seeds, a line each."""
    merged = material.merged
    titles = [material.title(method) for method in merged.methods]
    yield f"{count(len(titles), 'method')}: {listed(titles, 20)}."
    for data in merged.data:
        records = [cell.record for cell in merged.of(data)]
        sizes = {word: _range([record.get(key) for record in records]) for key, word in _SIZES.items()}
        said = ", ".join(f"{size} {word}" for word, size in sizes.items() if size)
        seeds = sorted({cell.name[2] for cell in merged.of(data)})
        yield f"{data}: {said or 'sizes unknown'}; {count(len(seeds), 'seed')} ({listed(seeds, 10)})."
    encoders = dict.fromkeys(str(cell.record["encoder"]) for cell in merged.cells if cell.record.get("encoder"))
    if encoders:
        yield f"Encoder: {listed([_encoder(name) for name in encoders], 6)}."
    if material.reference:
        yield f"All methods are compared with {material.reference} only."


_SIZES = {
    "labelled_documents": "labelled training documents",
    "validation_documents": "for validation",
    "test_documents": "for the test",
    "classes": "classes",
}


def _range(values: Sequence[object]) -> str:
    numbers = sorted({int(value) for value in values if isinstance(value, int | float)})
    if not numbers:
        return ""
    return f"{numbers[0]:,}" if numbers[0] == numbers[-1] else f"{numbers[0]:,} to {numbers[-1]:,}"


def _encoder(name: str) -> str:
    return "all-MiniLM-L6-v2 (offline)" if name == "offline" else name


def _verdict(material: Material) -> str:
    if material.statistics is None:
        return "Nothing could be compared; the table below says what each method reached."
    methods = material.merged.methods
    found = [one for one in material.statistics.comparisons if one.measured.metric == "accuracy"]
    if not found:
        return "No two methods have a seed of one data set in common, so that nothing could be compared."
    if all(len(one.measured.seeds) < 2 for one in found):
        once = all(len(material.merged.of(data, method)) < 2 for data in material.merged.data for method in methods)
        start = "Every method was fitted once" if once else "No two methods have more than one seed in common"
        return (
            f"{start}. What one fit shows over another may be chance of that fit: no difference between these methods "
            "can be told. Three seeds would be a beginning."
        )
    held, noise, open_ = (
        sum(one.verdict is verdict for one in found)
        for verdict in (Verdict.HOLDS, Verdict.NOISE, Verdict.CANNOT_BE_TOLD)
    )
    return (
        f"Of {count(len(found), 'difference')} in accuracy, {held} {'holds' if held == 1 else 'hold'}, {noise} "
        f"{'is' if noise == 1 else 'are'} noise (surely below one point), and {open_} cannot be told from chance."
    )


def _leader(material: Material, data: str) -> str:
    """The highest accuracy on a data set, and which methods it can be told from."""
    scores = material.scores_of(data)
    if not scores:
        return f"On {data}, there are no predictions to compare."
    best, found = next(iter(scores.items()))
    others = [method for method, one in scores.items() if one.mean == found.mean and method != best]
    figures = f"{percent(found.mean)} % (95 % interval {span(found.interval.low, found.interval.high)})"
    if len(scores) == 1:
        return f"On {data}, {material.title(best)} reaches an accuracy of {figures}."
    alike = f", as has {listed([material.title(name) for name in others], 6)}" if others else ""
    start = f"On {data}, {material.title(best)} has the highest accuracy, {figures}{alike}"
    told: dict[Verdict, list[str]] = {verdict: [] for verdict in Verdict}
    above: list[str] = []  # where seeds are missing, the highest of all means may be the lower one on the seeds of both
    for one in material.comparisons(data, "accuracy"):
        names = (one.measured.first, one.measured.second)
        if best in names:
            title, ahead = material.title(names[names[0] == best]), (one.measured.difference > 0) == (names[0] == best)
            (told[one.verdict] if ahead or one.verdict is not Verdict.HOLDS else above).append(title)
    beaten, even, open_ = told[Verdict.HOLDS], told[Verdict.NOISE], told[Verdict.CANNOT_BE_TOLD]
    everybody = len(open_) == len(scores) - 1 > 1
    said = [f"on the seeds of both {listed(above, 6)} {'is' if len(above) == 1 else 'are'} better"] if above else []
    said += [f"it is better than {listed(beaten, 6)}"] if beaten else []
    said += [f"it is as good as {listed(even, 6)} within a point"] if even else []
    said += [f"it cannot be told from {'any other method' if everybody else listed(open_, 6)}"] if open_ else []
    return f"{start}; {', and '.join(said)}." if said else f"{start}."


def _incomplete(material: Material) -> str:
    merged = material.merged
    parts = []
    if merged.failed:
        parts.append(f"{count(len(merged.failed), 'fit')} failed")
    if merged.missing:
        parts.append(
            f"{count(len(merged.missing), 'fit')} of the grid {'is' if len(merged.missing) == 1 else 'are'} missing"
        )
    if material.notes or merged.notes:
        parts.append(f"{count(len(material.notes) + len(merged.notes), 'note')} on the results should be read")
    return f"{listed(parts)}: see “Cells”." if parts else ""


def _cut_off(material: Material) -> str:
    """Which fits ended at the limit of steps: their scores may say more of the limit than of the method."""
    parts = []
    for data in material.merged.data:
        for method in material.merged.methods:
            cells = material.merged.of(data, method)
            if limited := sum(at_limit(cell.record) for cell in cells):
                parts.append(f"{limited} of {len(cells)} of {material.title(method)} on {data}")
    if not parts:
        return ""
    return (
        f"Some fits ended at the limit of steps, not by their validation score: {listed(parts, 6)}. With more steps "
        "they might have gone higher; differences with them are to be read with care."
    )


def _said(material: Material, title: str, verdict: Verdict) -> list[Block]:
    """The sentences of a verdict: those of accuracy first, and of them those about the best methods."""
    sentences = {
        metric: [one.sentence for one in sorted(found, key=lambda one: _place(material, one))]
        for metric in METRIC_NAMES
        if (found := [one for data in material.merged.data for one in material.comparisons(data, metric, verdict)])
    }
    if not sentences:
        return []
    (metric, first), *others = sentences.items()
    blocks: list[Block] = [Items(tuple(first[:_SHOWN]))]
    if rest := first[_SHOWN:]:
        blocks.append(Details(f"{len(rest)} more in {METRIC_NAMES[metric]}", (Items(tuple(rest)),)))
    blocks += [Details(f"{len(said)} in {METRIC_NAMES[other]}", (Items(tuple(said)),)) for other, said in others]
    return [Section(title, tuple(blocks))]


def _place(material: Material, one: Comparison) -> tuple[int, int]:
    """How far down on its data set the lower of two methods stands, then the higher: the top comes first."""
    order = list(material.scores_of(one.measured.data, one.measured.metric))
    first, second = order.index(one.measured.first), order.index(one.measured.second)
    return max(first, second), min(first, second)


def _seeds_needed(needed: Sequence[int], never: int) -> str:
    """How many seeds would tell the first, half and the last of the differences; `needed` is in order.

    Example:
        >>> _seeds_needed([27], 0)
        'If the true difference is as large as that seen, 27 seeds would tell it, on these test documents.'
    """
    last = f" For {never} more no number up to 1,000 would do." if never else ""
    if len(needed) == 1:
        return (
            f"If the true difference is as large as that seen, {needed[0]} seeds would tell it, on these test "
            f"documents.{last}"
        )
    half = f", {needed[(len(needed) - 1) // 2]} half of them" if len(needed) > 2 else ""
    return (
        f"If the true differences are as large as those seen, {needed[0]} seeds would tell the first of "
        f"{len(needed)}{half} and {needed[-1]} all of these, on these test documents.{last}"
    )


def _undecided(found: Sequence[Comparison]) -> list[Block]:
    """What cannot be told, those first that few more seeds would decide."""
    chosen = [one for one in found if one.verdict is Verdict.CANNOT_BE_TOLD]
    if not chosen:
        return []
    known = sorted((one for one in chosen if one.seeds_needed), key=lambda one: one.seeds_needed or 0)
    near = [one for one in known if (one.seeds_needed or 0) > len(one.measured.seeds)]
    never = sum(len(one.measured.seeds) > 1 and one.seeds_needed is None for one in chosen)
    blocks: list[Block] = []
    if near:
        blocks.append(Text(_seeds_needed([one.seeds_needed or 0 for one in near], never)))
        blocks.append(Items(tuple(one.sentence for one in near[:3])))
    shown = {id(one) for one in near[:3]}
    rest = [one for one in chosen if id(one) not in shown]
    rest.sort(key=lambda one: -abs(one.measured.difference))
    if rest:
        blocks.append(
            Details(f"{'All' if not near else 'The other'} {len(rest)}", (Items(tuple(one.sentence for one in rest)),))
        )
    return [Section(f"What cannot be told ({len(chosen)})", tuple(blocks))]
