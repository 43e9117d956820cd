"""The batch graph as a page to explore: zoom, hover, search, and a slider over the moments of training (bokeh)."""

import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gloss_pyg.errors import ConfigError, DataError, package_folder
from gloss_pyg.files import whole_file
from gloss_pyg.viz.batch_graph import EDGE_LOOKS, edge_figures, edge_kinds, edge_strength
from gloss_pyg.viz.layout import Positions
from gloss_pyg.viz.looks import UNKNOWN, class_colour, class_shape, plain
from gloss_pyg.viz.moments import checked_moments, layouts
from gloss_pyg.viz.strongest import strongest_pairs
from gloss_pyg.viz.view import Drawable, GraphView

LONGEST_TEXT = 400
_MARKERS = {"o": "circle", "s": "square", "^": "triangle", "D": "diamond", "v": "inverted_triangle", "P": "plus",
            "X": "star", "p": "hex"}  # fmt: skip
_LETTERS = {"o": "●", "s": "■", "^": "▲", "D": "◆", "v": "▼", "P": "✚", "X": "★", "p": "⬢"}
_HOVER = """<div style="max-width: 24em; white-space: normal; overflow-wrap: anywhere">
<b>@number &middot; @class</b> (@state)<br>@inferred<br>@text</div>"""
_SHELL = """{% block postamble %}<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { font-family: system-ui, sans-serif; margin: 1rem auto; max-width: 70rem; padding: 0 1rem; height: auto; }
</style>
{% endblock %}"""
_FIND = """
const wanted = box.value_input.trim().toLowerCase(), data = nodes.data;
const hits = wanted === '' ? [] : lowered.flatMap((text, i) => text.includes(wanted) ? [i] : []);
found.data = {x: hits.map(i => data.x[i]), y: hits.map(i => data.y[i])};
count.text = wanted === '' ? '' : hits.length + ' of ' + lowered.length + ' documents';
"""
_MOVE = """
const at = slider.value;
nodes.data = all_nodes[at]; edges.data = all_edges[at]; rings.data = all_rings[at]; words.text = all_words[at];
""" + _FIND  # fmt: skip


def save_page(
    moments: Drawable | Sequence[Drawable],
    path: Path,
    *,
    names: Sequence[str] | None = None,
    labels: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    texts: Sequence[str] | None = None,
    pos: ArrayLike | None = None,
    strongest: int | None = 3,
) -> None:
    """Write graphs of the same documents as one HTML file that asks for nothing else: no network, no server.

    Documents and edges look as in `draw_batch_graph`. Pointing at a document shows its text, its class, whether its
    label was seen, and what propagation inferred; typing into the search field rings those whose text holds the words;
    with several moments a slider goes through them, and documents keep their places as well as they can.

    Args:
        moments: A graph or propagated batch, or several of the same documents in the same order.
        path: The file, `.html`. Its size is about 1.4 MB, most of it bokeh.
        names: What each moment is called; by default "moment 1" and so on.
        labels: The true classes, as in `draw_batch_graph`.
        class_names: Names of the classes.
        texts: Of the documents; each is cut at 400 characters, and shown as it is, whatever it holds.
        pos: Positions for all moments.
        strongest: Edges that each document keeps; the page says how many are drawn.

    Raises:
        ConfigError: for another suffix, or a folder that is not there.
        DataError: for moments of different documents, and names or texts that do not fit.
        MissingExtraError: if bokeh is not installed (extra `viz`).

    Example:
        >>> import torch
        >>> from gloss_pyg import DenseGaussian, GLoss
        >>> embeddings, labels = torch.randn(12, 8), torch.arange(12) % 3
        >>> batch = GLoss(DenseGaussian(sigma=0.5)).propagate(embeddings, labels)
        >>> save_page(batch, Path("batch.html"), labels=labels, texts=[f"document {n}" for n in range(12)])
    """
    check_page_name(path)
    package_folder("bokeh", extra="viz", purpose="A page")
    graphs, called = checked_moments(
        moments if isinstance(moments, Sequence) else [moments], names, labels, class_names
    )
    shown = [""] * graphs[0].num_nodes if texts is None else [plain(text, LONGEST_TEXT) for text in texts]
    if len(shown) != graphs[0].num_nodes:
        raise DataError(f"There are {len(shown)} texts for {graphs[0].num_nodes} documents; expected one for each.")
    places = layouts(graphs, pos)
    page = _page(graphs, called if len(graphs) > 1 else [""], places, shown, strongest)
    with whole_file(path, text=True) as stream:
        stream.write(page)


def check_page_name(path: Path) -> None:
    """Refuse a name that is no `.html` file in a folder that is there.

    Raises:
        ConfigError: where it is not.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"{path}: '{path.suffix}' is no format of pages; give a name that ends in .html.")
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: expected the name of a file in a folder that is there.")


def _page(
    graphs: list[GraphView], names: list[str], places: list[Positions], texts: list[str], strongest: int | None
) -> str:
    from bokeh.embed import file_html
    from bokeh.layouts import column
    from bokeh.models import ColumnDataSource, CustomJS, HoverTool
    from bokeh.models.widgets import Div, Slider, TextInput
    from bokeh.plotting import figure
    from bokeh.resources import INLINE

    all_nodes = [_nodes(graph, here, texts) for graph, here in zip(graphs, places, strict=True)]
    edges_and_notes = [_edges(graph, here, strongest) for graph, here in zip(graphs, places, strict=True)]
    all_edges = [edges for edges, _ in edges_and_notes]
    all_rings = [_rings(graph, here) for graph, here in zip(graphs, places, strict=True)]
    all_words = [
        _words(graph, name, note) for graph, name, (_, note) in zip(graphs, names, edges_and_notes, strict=True)
    ]
    nodes, edges, rings = (ColumnDataSource(kind[0]) for kind in (all_nodes, all_edges, all_rings))
    found = ColumnDataSource({"x": [], "y": []})
    plot = figure(
        height=620, sizing_mode="stretch_width", match_aspect=True, tools="pan,wheel_zoom,box_zoom,reset,save",
        active_scroll="wheel_zoom", toolbar_location="above",
    )  # fmt: skip
    plot.axis.visible = plot.grid.visible = False
    plot.segment(
        "x0",
        "y0",
        "x1",
        "y1",
        source=edges,
        line_color="colour",
        line_dash="dash",
        line_width="width",
        line_alpha="alpha",
    )
    size = _size(graphs[0].num_nodes)
    drawn = plot.scatter(
        "x", "y", source=nodes, size="size", marker="marker", fill_color="fill", line_color="line", line_width=1.5
    )
    plot.scatter(
        "x", "y", source=rings, size=size * 1.9, marker="circle", fill_alpha=0, line_color="colour", line_width=2.5
    )
    plot.scatter("x", "y", source=found, size=size * 2.4, fill_alpha=0, line_color="black", line_width=3, name="found")
    plot.add_tools(HoverTool(renderers=[drawn], tooltips=_HOVER))
    words, count = Div(text=all_words[0], disable_math=True), Div(text="", disable_math=True)
    box = TextInput(title="Search in the texts", placeholder="words of a document")
    find = {"box": box, "nodes": nodes, "found": found, "count": count, "lowered": [text.lower() for text in texts]}
    box.js_on_change("value_input", CustomJS(args=find, code=_FIND))
    parts: list[Any] = [words, box, count, plot, Div(text=_legend(graphs), disable_math=True)]
    if len(graphs) > 1:
        slider = Slider(start=0, end=len(graphs) - 1, value=0, step=1, title="moment", show_value=False)
        move = {"slider": slider, "edges": edges, "rings": rings, "words": words, "all_nodes": all_nodes,
                "all_edges": all_edges, "all_rings": all_rings, "all_words": all_words}  # fmt: skip
        slider.js_on_change("value", CustomJS(args={**find, **move}, code=_MOVE))
        parts.insert(1, slider)
    return str(file_html(column(parts, sizing_mode="stretch_width"), INLINE, title="Batch graph", template=_SHELL))


def _nodes(graph: GraphView, here: Positions, texts: list[str]) -> dict[str, Any]:
    size = _size(graph.num_nodes)
    own = [class_colour(int(label)) for label in graph.labels]
    bare = ~(graph.seen | graph.hidden)
    markers = [_MARKERS[class_shape(int(label))] for label in graph.labels]
    diamonds = np.array(markers) == "diamond"  # which bokeh draws smaller than the others
    return {
        "x": here[:, 0].tolist(),
        "y": here[:, 1].tolist(),
        "number": list(range(graph.num_nodes)),
        "size": np.where(bare, size * 0.6, np.where(diamonds, size * 1.4, size)).round(1).tolist(),
        "marker": markers,
        "fill": ["white" if hollow else colour for hollow, colour in zip(graph.hidden, own, strict=True)],
        "line": [colour if hollow else "white" for hollow, colour in zip(graph.hidden, own, strict=True)],
        "class": [plain(graph.class_names[label], 60) if label >= 0 else "no label" for label in graph.labels],
        "state": [
            "label seen" if seen else "label hidden" if hidden else "unlabelled"
            for seen, hidden in zip(graph.seen, graph.hidden, strict=True)
        ],
        "inferred": [_inferred(graph, number, wrong) for number, wrong in enumerate(graph.wrong.tolist())],
        "text": texts,
    }


def _inferred(graph: GraphView, number: int, wrong: bool) -> str:
    """The likeliest classes of a document, or why there are none."""
    if graph.probabilities is None or graph.seen[number]:
        return ""
    row = graph.probabilities[number]
    if not row.sum() > 0:
        return "no label reaches it"
    best = np.argsort(-row, kind="stable")[:3]
    named = ", ".join(
        f"{plain(graph.class_names[which], 30)} {row[which]:.2f}" for which in best if row[which] >= 0.005
    )
    return f"inferred: {named}" + (" (wrong)" if wrong else "")


def _edges(graph: GraphView, here: Positions, strongest: int | None) -> tuple[dict[str, Any], str]:
    first, second, weight = strongest_pairs(graph, strongest)
    share = edge_strength(weight)
    looks = [EDGE_LOOKS[kind] for kind in edge_kinds(graph, first, second)]
    total = len(graph.pairs()[2])
    note = f"{len(weight):,} of {total:,} edges are drawn, each document's strongest." if len(weight) < total else ""
    data: dict[str, Any] = {
        "x0": here[first, 0].tolist(), "y0": here[first, 1].tolist(),
        "x1": here[second, 0].tolist(), "y1": here[second, 1].tolist(),
        "colour": [colour for colour, _ in looks], "dash": [dash for _, dash in looks],
        "width": (0.5 + 1.7 * share).round(2).tolist(), "alpha": (0.25 + 0.6 * share).round(2).tolist(),
    }  # fmt: skip
    return data, note


def _rings(graph: GraphView, here: Positions) -> dict[str, Any]:
    wrong = np.flatnonzero(graph.wrong)
    return {
        "x": here[wrong, 0].tolist(),
        "y": here[wrong, 1].tolist(),
        "colour": [class_colour(int(graph.inferred[number])) for number in wrong],
    }


def _words(graph: GraphView, name: str, note: str) -> str:
    head = f"<b>{html.escape(plain(name, 80))}</b><br>" if name else ""
    hidden = f"; {int(graph.hidden.sum()):,} labels hidden, {int(graph.wrong.sum()):,} inferred wrongly"
    documents = f"{graph.num_nodes:,} documents{hidden if graph.hidden.any() else ''}; {edge_figures(graph)}."
    return f"{head}{documents} {note}"


def _legend(graphs: list[GraphView]) -> str:
    """Classes with their colours and shapes, and what the rest means."""
    used: NDArray[np.int64] = np.unique(np.concatenate([graph.labels for graph in graphs]))
    rows = [
        f'<span style="color: {class_colour(int(number))}">{_LETTERS[class_shape(int(number))]}</span> '
        f"{html.escape(plain(graphs[0].class_names[number], 40))}"
        for number in used
        if number >= 0
    ]
    rows += ["filled: label seen", "hollow: label hidden", "ring: inferred wrongly, in the colour of which class"]
    rows += [f'<span style="color: {UNKNOWN}">●</span> no label'] if (used < 0).any() else []
    rows += ["red, dashed: edge between classes"]
    return " &ensp; ".join(rows)


def _size(num_nodes: int) -> float:
    return float(np.clip(120 / max(num_nodes, 1) ** 0.5, 5, 14))
