"""Charts as SVG that takes its colours from the page, so that they are dark on light and light on dark.

What matplotlib draws in one of the colours below becomes a variable of the style sheet; texts stay texts.
"""

import io
import re
import xml.etree.ElementTree as ET
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
WIDE, NARROW = 4.6, 3.3  # inches of 96 CSS pixels: two or three stand side by side on a desk, one fills a phone
_LINE = 0.2  # inches of a line of the legend
_LONGEST_IN_TWO = 24  # letters of a name beyond which the legend has one column
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
def chart(
    height: float,
    methods: Sequence[tuple[str, int]] = (),
    *,
    width: float = WIDE,
    left: float = 0.62,
    lines: bool = True,
) -> Iterator[tuple[Figure, Axes]]:
    """A figure with one pair of axes, in the style of the report, and a legend below.

    Margins are given, not found by laying out: that would draw everything twice.

    Args:
        height: Inches without the legend.
        methods: For the legend, each with its place; none for a figure without.
        width: Inches.
        left: Inches for what stands left of the axes.
        lines: Whether methods are lines, not only marks.
    """
    longest = max((len(name) for name, _ in methods), default=0)
    columns = 1 if longest > _LONGEST_IN_TWO else 2
    below = 0.12 + _LINE * -(-len(methods) // columns) if methods else 0.0
    with mpl.rc_context(_SETTINGS):  # type: ignore[arg-type,unused-ignore]  # its keys are literals to the checker
        figure = Figure(figsize=(width, height + below))
        FigureCanvasSVG(figure)
        total = height + below
        axis = figure.add_axes(
            (left / width, (below + 0.47) / total, 1 - (left + 0.12) / width, (height - 0.57) / total)
        )
        if methods:
            figure.legend(
                handles=[_handle(name, number, lines=lines) for name, number in methods],
                loc="lower left",
                ncols=columns,
                handlelength=3 if lines else 1,
                columnspacing=1,
                borderpad=0.1,
            )
        yield figure, axis


def _handle(name: str, number: int, *, lines: bool) -> Line2D:
    colour, style, marker = look(number)
    return Line2D([], [], color=colour, linestyle=style if lines else "", marker=marker, label=name)


def room_for(names: Sequence[str]) -> float:
    """Inches that names take left of the axes."""
    return 0.2 + 0.082 * max(len(name) for name in names)


def to_svg(figure: Figure, name: str, title: str, description: str) -> str:
    """The figure as an `<svg>` element for a page.

    Args:
        figure: Drawn in the colours of this module.
        name: Unique on the page, since the names of parts inside are made from it.
        title: Read out by screen readers.
        description: Likewise, after the title.
    """
    stream = io.StringIO()
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": name}):  # type: ignore[dict-item,unused-ignore]  # likewise
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return inline(stream.getvalue(), name, title, description)


def inline(svg: str, name: str, title: str, description: str) -> str:
    """An SVG file of matplotlib's as an element of a page; comments and metadata go."""
    root = ET.fromstring(svg[svg.index("<svg") :])  # noqa: S314 - made by matplotlib a moment ago
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
        element = ET.Element(tag, {"id": f"{name}-{tag[0]}"})
        element.text = text
        root.insert(place, element)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)
