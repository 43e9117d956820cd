"""What a class looks like, and other things that all pictures share: colours, shapes, plain text, a figure, a file."""

import io
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from gloss_pyg.errors import ConfigError
from gloss_pyg.files import whole_file

# Okabe & Ito, "Color universal design" (2008): told apart with any colour vision; the pale yellow last.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
SHAPES = ("o", "s", "^", "D", "v", "P", "X", "p")
UNKNOWN = "#999999"
MOST_LEGEND_ROWS = 14

FORMATS = (".png", ".svg", ".pdf")


def class_colour(number: int) -> str:
    """Colour of a class; grey for a negative number, which is no class.

    Example:
        >>> class_colour(0), class_colour(8), class_colour(-1)
        ('#0072B2', '#0072B2', '#999999')
    """
    return COLOURS[number % len(COLOURS)] if number >= 0 else UNKNOWN


def class_shape(number: int) -> str:
    """Marker of a class: another for each of eight classes, and another pair with its colour for each of 64.

    Example:
        >>> class_shape(0), class_shape(1), class_shape(8)
        ('o', 's', 's')
    """
    return SHAPES[(number + number // len(COLOURS)) % len(SHAPES)] if number >= 0 else "o"


def plain(text: str, longest: int = 60) -> str:
    r"""Text on one line, cut, without characters that no font draws.

    Example:
        >>> plain("two\nlines,  and a bell\a", longest=14)
        'two lines, an…'
    """
    kept = "".join(" " if unicodedata.category(letter)[0] == "C" else letter for letter in str(text))
    line = " ".join(kept.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def new_axes(width: float = 8.0, height: float = 6.0) -> Axes:
    """Axes of a figure of their own that needs no window and that pyplot does not hold on to."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure.subplots()


def whole_figure(ax: Axes) -> Figure:
    """The figure that axes are in, also those in a part of a figure."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure


def set_title(ax: Axes, *lines: str) -> None:
    """A title of one or more lines at the left; dollar signs stay dollar signs."""
    ax.set_title("\n".join(line for line in lines if line), loc="left", fontsize="medium", parse_math=False)


def class_legend(
    ax: Axes,
    names: Sequence[str],
    present: Sequence[int],
    others: Sequence[tuple[Line2D, str]] = (),
    *,
    squares: bool = False,
) -> Legend:
    """A legend of the classes that are there, the most frequent first where they are many, and of other things.

    Args:
        ax: Where it is put, outside at the right.
        names: Names of all classes.
        present: Numbers of the classes that are there, the most frequent first.
        others: Handles and names of what else is to be explained.
        squares: Whether the picture has bars of the classes and not their shapes.
    """
    shown = sorted(present[:MOST_LEGEND_ROWS])
    rows = []
    for number in shown:
        shape = "s" if squares else class_shape(number)
        rows.append((Line2D([], [], linestyle="", marker=shape, color=class_colour(number)), plain(names[number], 24)))
    if len(present) > len(shown):
        rows.append((Line2D([], [], linestyle=""), f"and {len(present) - len(shown)} more classes"))
    rows.extend(others)
    # Names are set afterwards: matplotlib leaves out those that begin with an underscore.
    legend = ax.legend(
        [handle for handle, _ in rows],
        ["x"] * len(rows),
        fontsize="small",
        frameon=False,
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
    )
    for text, (_, name) in zip(legend.get_texts(), rows, strict=True):
        text.set_parse_math(False)
        text.set_text(name)
    return legend


def check_picture_name(path: Path) -> None:
    """Refuse a name whose suffix is no format of pictures, or a folder that is not there.

    Raises:
        ConfigError: for both.
    """
    if path.suffix.lower() not in FORMATS:
        raise ConfigError(f"{path}: '{path.suffix}' is no format of pictures; give one of {', '.join(FORMATS)}.")
    if path.is_dir():
        raise ConfigError(f"{path} is a folder; give the name of a file.")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.absolute().parent}.")


def save_picture(ax: Axes, path: Path, dpi: int = 150) -> None:
    """Write the figure of some axes, whole or not at all; the same picture is the same file.

    Args:
        ax: What a function of `gloss_pyg.viz` returned.
        path: The suffix says the format: `.png`, `.svg` or `.pdf`.
        dpi: Dots an inch, of PNG.

    Raises:
        ConfigError: for another suffix, or a folder that is not there.

    Example:
        >>> ax = new_axes()
        >>> save_picture(ax, Path("picture.png"))
    """
    check_picture_name(path)
    kind = path.suffix[1:].lower()
    picture = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
    with mpl.rc_context({"svg.hashsalt": "gloss_pyg"}):
        whole_figure(ax).savefig(picture, dpi=dpi, format=kind, metadata=metadata)
    with whole_file(path) as stream:
        stream.write(picture.getvalue())
