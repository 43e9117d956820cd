"""Where a document's label came from: what each labelled document gave, exactly, from the solved system."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.losses.gloss import Propagated
from gloss_pyg.propagation import Propagation
from gloss_pyg.viz.contributions import LayerOnGraph
from gloss_pyg.viz.view import Drawable, GraphView, view


@dataclass(frozen=True)
class Source:
    """A labelled document and what the document in question has from it.

    Attributes:
        document: Its number.
        label: Its class.
        given: `[C]`, its part of the scores: what they would lose if its row of labels were empty while it stayed among
            the seen documents, so that everything else travels as before.
        share: Its part of the propagated probability, from 0 to 1; NaN for layers whose scores have signs.
        if_hidden: `[C]`, the change of the probabilities if its label had been hidden, so that it had got labels from
            others and passed them on; `None` where it was not asked for.
        text: Its text, where texts were given.
    """

    document: int
    label: int
    given: NDArray[np.float64]
    share: float
    if_hidden: NDArray[np.float64] | None
    text: str


@dataclass(frozen=True)
class LabelFlow:
    """All that a document's label came from.

    Attributes:
        document: Its number.
        label: Its own class, -1 where it has none.
        sources: The labelled documents, the one that gave most first.
        scores: `[C]`, the sum of what the sources gave.
        probabilities: `[C]`, as the layer makes them of the scores.
        class_names: A name for each class.
        layer: The layer, in words.
        text: The document's text, where texts were given.
    """

    document: int
    label: int
    sources: list[Source]
    scores: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    class_names: list[str]
    layer: str
    text: str

    @property
    def inferred(self) -> int:
        """The most probable class; -1 where no label reaches the document."""
        return int(self.probabilities.argmax()) if self.probabilities.any() else -1

    def table(self) -> pd.DataFrame:
        """A row for each source: `document`, `label`, `given`, `share`, `if_hidden`, `text`.

        `given` is its part of the score of its own class, `if_hidden` the change of the probability of the inferred
        class.
        """
        place = max(self.inferred, 0)
        rows: list[dict[str, Any]] = [
            {
                "document": source.document,
                "label": self.class_names[source.label],
                "given": float(source.given[source.label]),
                "share": source.share,
                "if_hidden": float("nan") if source.if_hidden is None else float(source.if_hidden[place]),
                "text": source.text,
            }
            for source in self.sources
        ]
        return pd.DataFrame(rows, columns=["document", "label", "given", "share", "if_hidden", "text"])


def label_flow(
    data: Drawable,
    propagation: Propagation,
    document: int,
    *,
    labels: ArrayLike | None = None,
    seen: ArrayLike | None = None,
    texts: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    hide: int = 10,
) -> LabelFlow:
    r"""Say which labelled documents a document's label came from, and how much each gave.

    In a linear layer the scores are sums over the seen documents,

    .. math:: F_i = \sum_{j \text{ seen}} S_{ij} Y_j,

    and `S_ij Y_j` is what `j` gave: solved for all `j` at once, in float64, with a class for each seen document. The
    parts add up to the scores; divided by the scores' sum (for layers without signs) they add up to the probability.

    Two questions are answered. *What did `j` give?* is `Source.given`: the scores' loss if the row of `j` were empty
    while `j` stays among the seen documents. *What if the label of `j` had been hidden?* is `Source.if_hidden`: then
    `j` infers a label from others and passes it on, so that much of what it gave comes to the document all the same.

    Args:
        data: What `GLoss.propagate` returned, or a `Data` with edges and labels.
        propagation: The layer; it must be linear in the labels, as most of `gloss_pyg.propagation` are.
        document: Number of the document, from 0.
        labels: Classes in place of `data.y`; only those that are seen count.
        seen: Which labels were seen, where `data` does not say it.
        texts: Of all documents.
        class_names: Names of the classes.
        hide: Of how many sources the second question is answered, those that gave most first: one solve for each.

    Raises:
        ConfigError: for a layer that is not linear, such as one that normalises class masses.
        DataError: for a document that is not there, no seen label, or parts that do not fit each other.

    Example:
        >>> from torch_geometric.data import Data
        >>> from gloss_pyg import HarmonicFunction
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> chain = Data(y=torch.tensor([0, -100, 1]), edge_index=edge_index, edge_weight=torch.tensor([3.0, 3, 1, 1]))
        >>> flow = label_flow(chain, HarmonicFunction(), document=1, class_names=["good", "bad"])
        >>> [(source.document, round(source.share, 3)) for source in flow.sources]
        [(0, 0.75), (2, 0.25)]
    """
    graph = view(data, labels=labels, seen=seen, class_names=class_names)
    _check(graph, propagation, document, texts, hide)
    inner = data.graph if isinstance(data, Propagated) else data
    assert inner.edge_index is not None  # `view` has seen to it
    layer = LayerOnGraph(propagation, inner.edge_index, inner.get("edge_weight"), inner.x)
    y, mask = _seeds(graph), torch.from_numpy(graph.seen)
    seeds = np.flatnonzero(graph.seen)
    given = layer.contributions(y, mask, document)
    probabilities = layer.probabilities(y, mask)[document]
    order = np.argsort(-np.abs(given).max(axis=1), kind="stable")
    scores = given.sum(axis=0)
    total = float("nan") if propagation.signed else float(scores.sum())
    sources = []
    for rank, place in enumerate(order):
        other = int(seeds[place])
        part = float(given[place].sum())
        sources.append(
            Source(
                document=other,
                label=int(graph.labels[other]),
                given=given[place],
                share=part / total if total else 0.0,
                if_hidden=_if_hidden(layer, y, mask, other, document, probabilities) if rank < hide else None,
                text="" if texts is None else str(texts[other]),
            )
        )
    return LabelFlow(
        document=document,
        label=int(graph.labels[document]),
        sources=sources,
        scores=scores,
        probabilities=probabilities,
        class_names=graph.class_names,
        layer=repr(propagation),
        text="" if texts is None else str(texts[document]),
    )


def _if_hidden(
    layer: LayerOnGraph, y: Tensor, mask: Tensor, other: int, document: int, before: NDArray[np.float64]
) -> NDArray[np.float64]:
    without = mask.clone()
    without[other] = False
    if not bool(without.any()):
        return -before
    change: NDArray[np.float64] = layer.probabilities(y, without)[document] - before
    return change


def _seeds(graph: GraphView) -> Tensor:
    """One-hot rows of the seen documents, the others zero."""
    rows = torch.zeros(graph.num_nodes, len(graph.class_names), dtype=torch.float64)
    seen = torch.from_numpy(graph.seen)
    rows[seen, torch.from_numpy(graph.labels)[seen]] = 1.0
    return rows


def _check(graph: GraphView, propagation: Propagation, document: int, texts: Sequence[str] | None, hide: int) -> None:
    n = graph.num_nodes
    if not isinstance(propagation, Propagation):
        raise ConfigError(f"propagation={propagation!r:.60}; expected a layer, such as LabelPropagation().")
    if isinstance(document, bool) or not isinstance(document, int | np.integer) or not 0 <= document < n:
        raise DataError(f"document={document!r}; expected a number from 0 to {n - 1}.")
    if texts is not None and len(texts) != n:
        raise DataError(f"There are {len(texts)} texts for {n} documents; expected one for each.")
    if hide < 0:
        raise ConfigError(f"hide={hide}; expected a whole number from 0.")
    if not graph.seen.any():
        raise DataError("No label is seen, so that none can have flowed. Give labels, or seen=...")
