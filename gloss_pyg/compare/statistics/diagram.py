"""The critical-difference diagram: average ranks of all methods, those joined that cannot be told apart."""

import io
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from gloss_pyg.compare.files import write_whole
from gloss_pyg.compare.statistics.common import missing
from gloss_pyg.compare.statistics.ranks import Ranking

_INK = "#222222"
_BAR = "#0072B2"


def draw_ranks(ranking: Ranking, path: Path) -> bool:
    """Draw the diagram of Demšar (JMLR 7, 2006).

    Args:
        ranking: Methods over data sets.
        path: Where the picture goes, whole or not at all; the suffix says the format.

    Returns:
        Whether there was anything to draw: nothing is where Friedman's test was not made.

    Raises:
        MissingExtraError: if scikit-posthocs is not installed.
    """
    if ranking.nemenyi is None:
        return False
    try:
        import pandas as pd
        from scikit_posthocs import critical_difference_diagram
    except ImportError as error:
        raise missing("scikit-posthocs", "The critical-difference diagram") from error
    names = list(ranking.methods)
    figure = Figure(figsize=(8, 1.6 + 0.28 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    axis = figure.subplots()
    critical_difference_diagram(
        dict(zip(names, ranking.average_ranks, strict=True)),
        pd.DataFrame(ranking.nemenyi, index=names, columns=names),
        ax=axis,
        label_fmt_left="{label} ({rank:.2f}) ",
        label_fmt_right=" ({rank:.2f}) {label}",
        label_props={"parse_math": False},
        elbow_props={"color": _INK, "linewidth": 1},
        marker_props={"color": _INK, "s": 22},
        crossbar_props={"color": _BAR, "linewidth": 4, "solid_capstyle": "round"},
        text_h_margin=0.05,
    )
    axis.set_xlim(0.9, len(names) + 0.1)  # all ranks there can be, so that two diagrams compare
    axis.set_xticks(range(1, len(names) + 1))
    axis.set_title(
        f"average rank over {ranking.friedman.observations} data sets, 1 is the best; a bar joins methods that\n"
        f"Nemenyi's test cannot tell apart (they differ by less than {ranking.critical_difference:.2f} ranks)",
        fontsize="small",
        loc="left",
        pad=20,
    )
    picture = io.BytesIO()
    figure.savefig(picture, dpi=150, format=path.suffix[1:])
    write_whole(path, picture.getvalue())
    return True
