"""Charts as SVG that takes its colours from the page, so that they are dark on light and light on dark.

What matplotlib draws in one of the colours below becomes a variable of the style sheet; texts stay texts.
"""

import io
import re
import xml.etree.ElementTree as ElementTree  # noqa: S405
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gloss_pyg.compare.curves import STYLES

INK, GRID, BAR = "#010203", "#010204", "#010205"
SERIES = tuple(f"#0102{number:02x}" for number in range(16, 23))
_VARIABLES = {INK: "currentColor", GRID: "var(--grid)", BAR: "var(--series-0)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(SERIES)
}
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_WIDTH = 4.6  # inches of 96 CSS pixels: two stand side by side on a desk, one fills a phone
_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_COLOUR = re.compile(r"#0102[0-9a-f]{2}")

_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "path.simplify": True,
}


def look(number: int) -> tuple[str, Any, str]:
    """Colour, line style and marker of a method by its place; no two of the first 28 have the same line."""
    turn, place = divmod(number, len(SERIES))
    return SERIES[place], STYLES[turn % len(STYLES)], _MARKERS[(place + turn) % len(_MARKERS)]


@contextmanager
def chart(height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes, in the style of the report."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        yield figure, figure.subplots()


def legend(figure: Figure, methods: Sequence[tuple[str, int]], *, lines: bool = True) -> None:
    """Below the axes, each method with its look; room for it must be in the figure's height."""
    handles = []
    for name, number in methods:
        colour, style, marker = look(number)
        handles.append(Line2D([], [], color=colour, linestyle=style if lines else "", marker=marker, label=name))
    longest = max(len(name) for name, _ in methods)
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=1 if longest > 24 else 2,
        handlelength=3 if lines else 1,
        columnspacing=1,
    )


def legend_height(methods: Sequence[tuple[str, int]]) -> float:
    """Inches that the legend takes."""
    longest = max(len(name) for name, _ in methods)
    return 0.15 + 0.19 * (len(methods) if longest > 24 else (len(methods) + 1) // 2)


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element for a page.

    Args:
        figure: Drawn in the colours of this module.
        name: Unique on the page, since the names of parts inside are made from it.
        title: Read out by screen readers.
        description: Likewise, after the title.
    """
    stream = io.StringIO()
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return inline(stream.getvalue(), name, title, description)


def inline(svg: str, name: str, title: str, description: str) -> str:
    """An SVG file of matplotlib's as an element of a page; comments and metadata go."""
    root = ElementTree.fromstring(svg[svg.index("<svg") :])  # noqa: S314: made by matplotlib a moment ago
    for parent in root.iter():
        for child in [child for child in parent if child.tag.endswith(("metadata", "title"))]:
            parent.remove(child)
    used = {
        found for element in root.iter() for value in element.attrib.values() for found in _REFERENCE.findall(value)
    }
    used |= {value[1:] for element in root.iter() if (value := element.get(f"{{{_LINK}}}href"))}
    for element in root.iter():
        element.tag = element.tag.removeprefix(f"{{{_SVG}}}")
        for key, value in list(element.attrib.items()):
            if key == "id" and value not in used:
                del element.attrib[key]
            elif key == "id":
                element.set(key, f"{name}-{value}")
            elif key == f"{{{_LINK}}}href":
                del element.attrib[key]
                element.set("href", f"#{name}-{value[1:]}")
            else:
                value = _REFERENCE.sub(rf"url(#{name}-\1)", value).replace("'DejaVu Sans', ", "")
                element.set(key, _COLOUR.sub(lambda found: _VARIABLES.get(found[0], found[0]), value))
    _, _, width, height = root.get("viewBox", "0 0 0 0").split()
    root.attrib.clear()
    root.attrib |= {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-labelledby": f"{name}-t {name}-d"}
    root.set("style", f"max-width: {float(width) * 4 / 3:.0f}px")
    for place, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = ElementTree.Element(tag, {"id": f"{name}-{tag[0]}"})
        element.text = text
        root.insert(place, element)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
