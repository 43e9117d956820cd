"""The picture of a label flow: a bar for each labelled document that gave most, with its text."""

import numpy as np
from matplotlib.axes import Axes

from gloss_pyg.errors import ConfigError
from gloss_pyg.viz.flow import LabelFlow, Source
from gloss_pyg.viz.looks import UNKNOWN, class_colour, class_legend, new_axes, plain, set_title, whole_figure


def draw_flow(flow: LabelFlow, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Draw what the strongest sources gave, in the colour of their class; the others together in the last line.

    A bar is the source's share of the document's propagated probability (for layers whose scores have signs, its part
    of the score). Beside it stands by how much the probability of the inferred class would change if that document's
    label had been hidden, which is another question (see `label_flow`).

    Args:
        flow: What `label_flow` found.
        most: Sources with a bar of their own.
        ax: Where to draw; by default a new figure.

    Raises:
        ConfigError: for no bars.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import LabelPropagation
        >>> from gloss_pyg.viz import label_flow
        >>> chain = Data(y=torch.tensor([0, -100, 1]), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> ax = draw_flow(label_flow(chain, LabelPropagation(), 1, texts=["a goal", "?", "a bank"]))
    """
    if most < 1:
        raise ConfigError(f"most={most}; expected at least 1 bar.")
    shown, rest = flow.sources[:most], flow.sources[most:]
    signed = bool(np.isnan([source.share for source in flow.sources]).any())
    own = ax is None
    ax = new_axes(9.0, 1.9 + 0.36 * (len(shown) + bool(rest))) if ax is None else ax
    rows = [_amount(source, signed=signed) for source in shown]
    colours = [class_colour(source.label) for source in shown]
    names = [_named(source) for source in shown]
    form = "{:.3g}" if signed else "{:.1f} %"
    said = [_said(flow, source, form.format(row)) for source, row in zip(shown, rows, strict=True)]
    if rest:  # no bar: together they would often dwarf all others
        rows.append(0.0)
        colours.append(UNKNOWN)
        names.append(f"{len(rest):,} others")
        said.append(_together(flow, rest, form, signed=signed))
    places = np.arange(len(rows))
    ax.barh(places, rows, color=colours, height=0.72)
    widest = max(map(abs, rows), default=0.0) or 1.0
    ax.set_xlim(min(*rows, 0.0) * 1.05, max(*rows, 0.3 * widest) + 0.72 * widest)
    for row, (amount, words) in enumerate(zip(rows, said, strict=True)):
        place = max(amount, 0.0) + 0.02 * widest
        ax.text(place, row, words, va="center", fontsize="small", color="#444444", parse_math=False)
    ax.axvline(0, color="#444444", linewidth=0.8)
    ax.set_yticks(places, labels=names, fontsize="small")
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.invert_yaxis()
    ax.set_xlabel("part of the score" if signed else "share of the propagated probability (%)", fontsize="small")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    lines = [f"Where the label of document {flow.document} came from", *_told(flow)]
    if own:  # at the figure's left, where there is room for a text
        whole_figure(ax).suptitle("\n".join(lines), x=0.01, ha="left", fontsize="medium", parse_math=False)
    else:
        set_title(ax, *lines)
    class_legend(ax, flow.class_names, sorted({source.label for source in shown}), squares=True)
    return ax


def _amount(source: Source, *, signed: bool) -> float:
    return float(source.given[source.label]) if signed else 100 * source.share


def _said(flow: LabelFlow, source: Source, amount: str) -> str:
    if source.if_hidden is None:
        return amount
    return f"{amount}   if hidden: {100 * source.if_hidden[max(flow.inferred, 0)]:+.1f} points"


def _together(flow: LabelFlow, rest: list[Source], form: str, *, signed: bool) -> str:
    """What the others gave, by class, the largest part first."""
    parts: dict[int, float] = {}
    for source in rest:
        parts[source.label] = parts.get(source.label, 0.0) + _amount(source, signed=signed)
    largest = sorted(parts.items(), key=lambda part: (-abs(part[1]), part[0]))[:3]
    named = ", ".join(f"{plain(flow.class_names[label], 16)} {form.format(value)}" for label, value in largest)
    return f"{form.format(sum(parts.values()))} together: {named}" + (", ..." if len(parts) > 3 else "")


def _named(source: Source) -> str:
    number = f"document {source.document}"
    return f"{plain(source.text, 46)}  [{source.document}]" if source.text.strip() else number


def _inferred(flow: LabelFlow) -> str:
    return plain(flow.class_names[flow.inferred], 24) if flow.inferred >= 0 else "none"


def _told(flow: LabelFlow) -> list[str]:
    lines = [f"“{plain(flow.text, 90)}”"] if flow.text.strip() else []
    if flow.inferred < 0:
        return [*lines, "no label reaches it"]
    found = f"inferred: {_inferred(flow)}, {100 * flow.probabilities[flow.inferred]:.1f} %"
    if flow.label >= 0 and flow.label != flow.inferred:
        found += f" (its own label: {plain(flow.class_names[flow.label], 24)})"
    return [*lines, f"{found}; by {plain(flow.layer, 70)}"]
