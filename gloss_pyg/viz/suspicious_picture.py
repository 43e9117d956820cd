"""The picture of suspicious labels: for each, what its neighbours say against what it says itself."""

import numpy as np
from matplotlib.axes import Axes

from gloss_pyg.errors import ConfigError
from gloss_pyg.viz.looks import class_colour, class_legend, new_axes, plain, set_title, whole_figure
from gloss_pyg.viz.suspicious import Suspect, Suspicion


def draw_suspicious(found: Suspicion, *, most: int = 12, ax: Axes | None = None) -> Axes:
    """Draw the most suspicious labels: to the right the inferred class's probability, to the left the given one's.

    Args:
        found: What `suspicious_labels` found.
        most: Documents drawn.
        ax: Where to draw; by default a new figure.

    Raises:
        ConfigError: for no documents.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import DenseGaussian, LabelPropagation
        >>> from gloss_pyg.viz import suspicious_labels
        >>> data = DenseGaussian(sigma=0.3)(Data(x=torch.randn(12, 3), y=torch.arange(12) % 2))
        >>> ax = draw_suspicious(suspicious_labels(data, LabelPropagation()))
    """
    if most < 1:
        raise ConfigError(f"most={most}; expected at least 1 document.")
    shown = found.suspects[:most]
    own = ax is None
    ax = new_axes(9.0, 1.9 + 0.36 * max(len(shown), 2)) if ax is None else ax
    places = np.arange(len(shown))
    for sign, numbers, values in (
        (1, [one.inferred for one in shown], [one.probability for one in shown]),
        (-1, [one.label for one in shown], [one.own_probability for one in shown]),
    ):
        ax.barh(places, [sign * 100 * value for value in values], color=[class_colour(number) for number in numbers])
    for place, one in zip(places, shown, strict=True):
        said = f"{plain(one.label_name, 14)} → {plain(one.inferred_name, 14)}"
        ax.text(102, float(place), said, va="center", fontsize="small", color="#444444", parse_math=False)
    ax.set_yticks(places, labels=[_named(one) for one in shown], fontsize="small")
    for label in ax.get_yticklabels():
        label.set_parse_math(False)
    ax.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    ax.set_xlim(-55, 160)
    ax.set_xticks([-50, 0, 50, 100], labels=["50", "0", "50", "100"])
    ax.set_xlabel("← probability of its own label (%), of the inferred class →", fontsize="small")
    ax.axvline(0, color="#444444", linewidth=0.8)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    lines = [
        f"{len(found.suspects):,} of {found.checked:,} labels contradict their neighbours",
        found.how + (f"; {found.unreached:,} documents reached by no other label" if found.unreached else ""),
    ]
    if own:
        whole_figure(ax).suptitle("\n".join(lines), x=0.01, ha="left", fontsize="medium", parse_math=False)
    else:
        set_title(ax, *lines)
    if shown:
        present = sorted({number for one in shown for number in (one.label, one.inferred)})
        class_legend(ax, found.class_names, present, squares=True)
    return ax


def _named(one: Suspect) -> str:
    return f"{plain(one.text, 46)}  [{one.document}]" if one.text.strip() else f"document {one.document}"
