"""The graph for other programs: networkx, GraphML, GEXF and node-link JSON, all of which are read back equal."""

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.files import whole_file
from gloss_pyg.losses.gloss import Propagated
from gloss_pyg.viz.view import Drawable, GraphView, view
from gloss_pyg.viz.xml_text import escaped, restored

LISTS = ("embedding", "probabilities")  # attributes that are lists of numbers, in XML written as JSON


def to_networkx(
    data: Drawable | GraphView,
    *,
    labels: ArrayLike | None = None,
    texts: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> nx.Graph:
    """The graph with all that is known of its documents.

    Nodes are numbers from 0, with `role` (`seen`, `hidden` or `unlabelled`), and where they are known `class_id`,
    `class_name`, `inferred` (a class id), `text`, and the lists of numbers `embedding` and `probabilities`. Edges have
    `weight`; parallel ones are added up, self-loops left out. It is a `Graph` where both directions of all edges weigh
    the same, else a `DiGraph` (PyG's own `to_networkx` knows nothing of what was seen or inferred).

    Args:
        data: See `gloss_pyg.viz`.
        labels: Classes in place of `data.y`.
        texts: Of all documents.
        class_names: Names of the classes.

    Raises:
        DataError: for parts that do not fit each other.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([0, -1]))
        >>> graph = to_networkx(data, texts=["a goal", "a bank"])
        >>> graph.nodes[0]
        {'role': 'seen', 'class_id': 0, 'class_name': 'class 0', 'text': 'a goal'}
        >>> graph.edges[0, 1]
        {'weight': 1.0}
    """
    seen = data if isinstance(data, GraphView) else view(data, labels=labels, class_names=class_names)
    if texts is not None and len(texts) != seen.num_nodes:
        raise DataError(f"There are {len(texts)} texts for {seen.num_nodes} documents; expected one for each.")
    symmetric = (abs(seen.weights - seen.weights.T)).nnz == 0
    graph: nx.Graph = nx.Graph() if symmetric else nx.DiGraph()
    inferred = seen.inferred
    for node in range(seen.num_nodes):
        role = "seen" if seen.seen[node] else "hidden" if seen.hidden[node] else "unlabelled"
        known: dict[str, Any] = {"role": role}
        if seen.labels[node] >= 0:
            known |= {"class_id": int(seen.labels[node]), "class_name": seen.class_names[seen.labels[node]]}
        if inferred[node] >= 0:
            known["inferred"] = int(inferred[node])
        if texts is not None:
            known["text"] = str(texts[node])
        if seen.x is not None:
            known["embedding"] = seen.x[node].tolist()
        if seen.probabilities is not None:
            known["probabilities"] = seen.probabilities[node].tolist()
        graph.add_node(node, **known)
    if symmetric:
        edges = seen.pairs()
    else:
        found = seen.weights.tocoo()
        edges = (found.col.astype(np.int64), found.row.astype(np.int64), found.data)
    graph.add_weighted_edges_from(zip(*(values.tolist() for values in edges), strict=True))
    return graph


def save_graph(
    data: Drawable | GraphView | nx.Graph,
    path: Path,
    *,
    labels: ArrayLike | None = None,
    texts: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> None:
    r"""Write a graph for Gephi, Cytoscape, yEd or a script, whole or not at all; `load_graph` reads it back equal.

    Lists of numbers are JSON texts in GraphML and GEXF, which have no lists. Characters that XML 1.0 forbids, and those
    that XML readers change, are written as `\u{...}`, a backslash as two.

    Args:
        data: See `gloss_pyg.viz`, or what `to_networkx` gave.
        path: The suffix says the format: `.graphml`, `.gexf` or `.json` (networkx's node-link form).
        labels: See `to_networkx`, and for the others.
        texts: Of all documents.
        class_names: Names of the classes.

    Raises:
        ConfigError: for another suffix, or a folder that is not there.
        DataError: for parts that do not fit each other.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> save_graph(Data(edge_index=torch.tensor([[0, 1], [1, 0]])), Path("pair.graphml"), texts=["\x00", "a & b"])
        >>> load_graph(Path("pair.graphml")).nodes[0]["text"]
        '\x00'
    """
    _check_name(path, _WRITERS)
    graph = (
        to_networkx(data, labels=labels, texts=texts, class_names=class_names)
        if isinstance(data, Data | Propagated | GraphView)
        else data
    )
    content = _WRITERS[path.suffix.lower()](graph)
    with whole_file(path) as stream:
        stream.write(content)


def load_graph(path: Path) -> nx.Graph:
    """Read what `save_graph` wrote, equal to `to_networkx` of the same.

    Raises:
        ConfigError: for another suffix.
        DataError: if there is no such file, or it was not written by `save_graph`.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> path = Path("batch.json")
        >>> save_graph(Data(edge_index=torch.tensor([[0, 1], [1, 2]]), num_nodes=3), path)
        >>> load_graph(path).number_of_edges()
        2
    """
    _check_name(path, _READERS)
    if not path.is_file():
        raise DataError(f"There is no file {path}.")
    try:
        return _READERS[path.suffix.lower()](path.read_bytes())
    except (nx.NetworkXError, SyntaxError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} cannot be read as what save_graph writes: {' '.join(str(error).split())}") from error


def _check_name(path: Path, known: dict[str, Any]) -> None:
    if path.suffix.lower() not in known:
        raise ConfigError(f"{path}: '{path.suffix}' is no format of graphs; give one of {', '.join(known)}.")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.absolute().parent}.")


def _for_xml(graph: nx.Graph) -> nx.Graph:
    """Attributes as numbers and texts that XML can hold."""
    written: nx.Graph = nx.DiGraph() if graph.is_directed() else nx.Graph()
    for node, known in graph.nodes(data=True):
        written.add_node(node, **{name: _to_xml(value) for name, value in known.items()})
    for first, second, known in graph.edges(data=True):
        written.add_edge(first, second, **{name: _to_xml(value) for name, value in known.items()})
    return written


def _from_xml(graph: nx.Graph) -> nx.Graph:
    read: nx.Graph = nx.DiGraph() if graph.is_directed() else nx.Graph()
    # Names that the format adds of itself, and that none of our attributes bears.
    for node, known in graph.nodes(data=True):
        read.add_node(int(node), **{name: _read(name, value) for name, value in known.items() if name != "label"})
    for first, second, known in graph.edges(data=True):
        read.add_edge(int(first), int(second), **{name: value for name, value in known.items() if name != "id"})
    return read


def _to_xml(value: Any) -> Any:
    if isinstance(value, str):
        return escaped(value)
    return json.dumps(value) if isinstance(value, list) else value


def _read(name: str, value: Any) -> Any:
    if name in LISTS:
        return json.loads(value)
    return restored(value) if isinstance(value, str) else value


def _graphml(graph: nx.Graph) -> bytes:
    stream = io.BytesIO()
    nx.write_graphml_xml(_for_xml(graph), stream)
    return stream.getvalue()


def _gexf(graph: nx.Graph) -> bytes:
    stream = io.BytesIO()
    nx.write_gexf(_for_xml(graph), stream)
    return stream.getvalue()


def _json(graph: nx.Graph) -> bytes:
    return json.dumps(nx.node_link_data(graph, edges="edges")).encode("ascii")


_WRITERS: dict[str, Callable[[nx.Graph], bytes]] = {".graphml": _graphml, ".gexf": _gexf, ".json": _json}
_READERS: dict[str, Callable[[bytes], nx.Graph]] = {
    ".graphml": lambda content: _from_xml(nx.read_graphml(io.BytesIO(content), node_type=int)),
    ".gexf": lambda content: _from_xml(nx.read_gexf(io.BytesIO(content), node_type=int)),
    ".json": lambda content: nx.node_link_graph(json.loads(content), edges="edges"),
}
