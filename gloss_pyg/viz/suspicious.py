"""Labels that contradict their neighbours: each is hidden in turn, and inferred from all the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.propagation import Propagation
from gloss_pyg.viz.contributions import LayerOnGraph
from gloss_pyg.viz.looks import plain
from gloss_pyg.viz.view import Drawable, GraphView, view

MOST_EXACT = 300  # labelled documents that are hidden one by one unless said otherwise
_FOLDS = 20


@dataclass(frozen=True)
class Neighbour:
    """A labelled document beside a suspicious one.

    Attributes:
        document: Its number.
        label: Its class.
        share: Its part of the weight of all edges of the suspicious document.
        text: Its text, where texts were given.
    """

    document: int
    label: int
    share: float
    text: str


@dataclass(frozen=True)
class Suspect:
    """A document whose label is not the one that the others would give it.

    Attributes:
        document: Its number.
        label: Its class, as given.
        label_name: The name of it.
        inferred: The class that the others' labels give it.
        inferred_name: The name of it.
        own_probability: Of the given class, from the others' labels.
        probability: Of the inferred class.
        neighbours: Its strongest labelled neighbours, the evidence.
        text: Its text, where texts were given.
    """

    document: int
    label: int
    label_name: str
    inferred: int
    inferred_name: str
    own_probability: float
    probability: float
    neighbours: list[Neighbour]
    text: str

    def __str__(self) -> str:
        """One line: number, label, what the others say, text."""
        text = f": {plain(self.text, 80)}" if self.text.strip() else ""
        return (
            f"[{self.document}] {plain(self.label_name, 30)}, but {plain(self.inferred_name, 30)} by its neighbours "
            f"({100 * self.probability:.0f} % against {100 * self.own_probability:.0f} %){text}"
        )


@dataclass(frozen=True)
class Suspicion:
    """What was found.

    Attributes:
        suspects: Documents whose label is contradicted, the most contradicted first.
        checked: Labelled documents that were hidden.
        unreached: Of these, documents that no other label reaches, of which nothing can be said.
        how: How they were hidden, in words.
        class_names: Names of the classes.
    """

    suspects: list[Suspect]
    checked: int
    unreached: int
    how: str
    class_names: list[str]

    def table(self) -> pd.DataFrame:
        """A row for each suspect; `neighbours` are numbers and classes of its strongest labelled neighbours."""
        columns = ["document", "label", "inferred", "own_probability", "probability", "neighbours", "text"]
        rows: list[dict[str, Any]] = [
            {
                "document": suspect.document,
                "label": suspect.label_name,
                "inferred": suspect.inferred_name,
                "own_probability": suspect.own_probability,
                "probability": suspect.probability,
                "neighbours": "; ".join(f"{one.document} {self.class_names[one.label]}" for one in suspect.neighbours),
                "text": suspect.text,
            }
            for suspect in self.suspects
        ]
        return pd.DataFrame(rows, columns=columns)


def suspicious_labels(
    data: Drawable | GraphView,
    propagation: Propagation,
    *,
    labels: ArrayLike | None = None,
    texts: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    folds: int | None = None,
    neighbours: int = 5,
) -> Suspicion:
    """Find documents whose neighbours in the graph contradict their label, the most contradicted first.

    All labels are seen but one, that of the document in question, and propagation infers it; where it infers another
    class, the document is suspicious by the difference of the two probabilities. A label error looks so, and so do a
    document of two topics and one that the embeddings misunderstand: the list says where to look, not what is wrong.

    Args:
        data: See `gloss_pyg.viz`; every label counts, whatever was seen before.
        propagation: Any layer that needs no other model's prediction.
        labels: Classes in place of `data.y`; of a propagated batch give the true ones.
        texts: Of all documents.
        class_names: Names of the classes.
        folds: Parts in which labels are hidden together, each class in proportion; by default one by one up to 300
            labelled documents, in 20 parts beyond. With parts some neighbours of a document are hidden with it.
        neighbours: Labelled neighbours named as evidence.

    Raises:
        DataError: for fewer than two labelled documents, or parts that do not fit.
        ConfigError: for folds that cannot be, or a layer that needs another model's prediction.

    Source: the idea is that of leave-one-out editing, Wilson, "Asymptotic properties of nearest neighbor rules using
    edited data", 1972.

    Example:
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import DenseGaussian, LabelPropagation
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.9, 0.1], [1.0, 0.2], [0.0, 1.0], [0.1, 1.0], [0.1, 0.9]])
        >>> data = DenseGaussian(sigma=0.3)(Data(x=x, y=torch.tensor([0, 0, 1, 0, 1, 1, 1])))
        >>> for suspect in suspicious_labels(data, LabelPropagation(), class_names=["sport", "trade"]).suspects:
        ...     print(suspect)
        [2] trade, but sport by its neighbours (100 % against 0 %)
    """
    graph = data if isinstance(data, GraphView) else view(data, labels=labels, class_names=class_names)
    labelled = np.flatnonzero(graph.labels >= 0)
    _check(graph, propagation, labelled, texts, folds)
    parts, how = _parts(graph.labels, labelled, folds)
    rows = _hidden_rows(graph, propagation, parts)
    others = np.flatnonzero(rows[labelled].sum(axis=1) > 0)
    suspects = []
    for document in labelled[others]:
        own, found = int(graph.labels[document]), int(rows[document].argmax())
        if found == own:
            continue
        suspect = Suspect(
            document=int(document),
            label=own,
            label_name=graph.class_names[own],
            inferred=found,
            inferred_name=graph.class_names[found],
            own_probability=float(rows[document, own]),
            probability=float(rows[document, found]),
            neighbours=_neighbours(graph, int(document), texts, neighbours),
            text="" if texts is None else str(texts[document]),
        )
        suspects.append(suspect)
    suspects.sort(key=lambda suspect: (suspect.own_probability - suspect.probability, suspect.document))
    return Suspicion(suspects, len(labelled), len(labelled) - len(others), how, graph.class_names)


def _parts(
    labels: NDArray[np.int64], labelled: NDArray[np.int64], folds: int | None
) -> tuple[list[NDArray[np.int64]], str]:
    """The documents that are hidden together, and how in words; a class is dealt out over the parts in turn."""
    if folds is None:
        folds = len(labelled) if len(labelled) <= MOST_EXACT else _FOLDS
    if folds >= len(labelled):
        return [labelled[place : place + 1] for place in range(len(labelled))], "each label hidden alone"
    shuffled = labelled[np.random.default_rng(0).permutation(len(labelled))]
    dealt = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return [dealt[start::folds] for start in range(folds)], f"labels hidden in {folds} parts"


def _hidden_rows(graph: GraphView, propagation: Propagation, parts: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """What each labelled document gets from the labels outside its part."""
    edges = graph.weights.tocoo()
    edge_index = torch.from_numpy(np.stack([edges.col, edges.row]).astype(np.int64))
    x = None if graph.x is None else torch.from_numpy(graph.x)
    layer = LayerOnGraph(propagation, edge_index, torch.from_numpy(edges.data), x)
    y = torch.zeros(graph.num_nodes, len(graph.class_names), dtype=torch.float64)
    labels = torch.from_numpy(graph.labels)
    known = labels >= 0
    y[known, labels[known]] = 1.0
    rows = np.zeros((graph.num_nodes, len(graph.class_names)))
    for part in parts:
        mask = known.clone()
        mask[part] = False
        if bool(mask.any()):
            rows[part] = layer.probabilities(y, mask)[part]
    return rows


def _neighbours(graph: GraphView, document: int, texts: Sequence[str] | None, count: int) -> list[Neighbour]:
    row = graph.weights[[document]].tocoo()
    total = row.data.sum()
    known = graph.labels[row.col] >= 0
    ends, weight = row.col[known], row.data[known]
    order = np.lexsort((ends, -weight))[:count]
    return [
        Neighbour(
            int(ends[place]), int(graph.labels[ends[place]]), float(weight[place] / total),
            "" if texts is None else str(texts[ends[place]]),
        )
        for place in order
    ]  # fmt: skip


def _check(
    graph: GraphView,
    propagation: Propagation,
    labelled: NDArray[np.int64],
    texts: Sequence[str] | None,
    folds: int | None,
) -> None:
    if not isinstance(propagation, Propagation):
        raise ConfigError(f"propagation={propagation!r:.60}; expected a layer, such as LabelPropagation().")
    if propagation.needs_base:
        raise ConfigError(
            f"{type(propagation).__name__} works on another model's prediction; labels are checked against each other. "
            "Take LabelPropagation or LabelSpreading."
        )
    if len(labelled) < 2:
        raise DataError(f"{len(labelled)} documents have a label; expected at least 2, to check one by the others.")
    if texts is not None and len(texts) != graph.num_nodes:
        raise DataError(f"There are {len(texts)} texts for {graph.num_nodes} documents; expected one for each.")
    if folds is not None and folds < 2:
        raise ConfigError(f"folds={folds}; expected at least 2, or None for one document at a time.")
