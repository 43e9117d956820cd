"""What there is to see in a graph: any `Data` or propagated batch, checked and brought into one form."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from torch_geometric.data import Data

from gloss_pyg.errors import DataError
from gloss_pyg.losses.gloss import Propagated

Drawable = Data | Propagated
"""What every function of `gloss_pyg.viz` takes: a `Data` with `edge_index`, or what `GLoss.propagate` returns."""


@dataclass(frozen=True)
class GraphView:
    """A graph of documents on the CPU, ready to be drawn, measured and written.

    Attributes:
        labels: Class of each document, -1 where it has none.
        seen: Documents whose label propagation saw.
        hidden: Documents that have a label which it did not see.
        weights: `[N, N]`, row `i` column `j` the weight from `j` to `i`; parallel edges added up, no self-loops.
        class_names: A name for each class.
        x: Embeddings, or none.
        probabilities: `[N, C]` as propagated, or none.
    """

    labels: NDArray[np.int64]
    seen: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    weights: csr_array
    class_names: list[str]
    x: NDArray[np.float64] | None = None
    probabilities: NDArray[np.float64] | None = None

    @property
    def num_nodes(self) -> int:
        """Number of documents."""
        return len(self.labels)

    @property
    def inferred(self) -> NDArray[np.int64]:
        """The most probable class of each document; -1 where no label reaches it, or nothing was propagated."""
        if self.probabilities is None or not self.probabilities.size:
            return np.full(self.num_nodes, -1)
        return np.where(self.probabilities.sum(axis=1) > 0, self.probabilities.argmax(axis=1), -1)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Hidden documents whose inferred class is another than theirs."""
        wrong: NDArray[np.bool_] = self.hidden & (self.inferred >= 0) & (self.inferred != self.labels)
        return wrong

    @property
    def classes(self) -> list[int]:
        """Classes of the documents, the most frequent first."""
        count = np.bincount(self.labels[self.labels >= 0], minlength=1)
        return [int(number) for number in np.argsort(-count, kind="stable") if count[number]]

    def between_share(self) -> float:
        """Share of the edges' weight that lies between documents of different classes; NaN without such edges."""
        weight, same = self._labelled_edges()
        return float(weight[~same].sum() / weight.sum()) if weight.sum() > 0 else float("nan")

    def homophily(self) -> float:
        """Share of the edges that join documents of one class (PyG's `homophily(method="edge")`); NaN without edges."""
        _, same = self._labelled_edges()
        return float(same.mean()) if same.size else float("nan")

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Each pair of joined documents once, first below second, with the larger weight of both directions."""
        both = self.weights.maximum(self.weights.T).tocoo()
        above = both.row < both.col
        first, second, weight = both.row[above], both.col[above], both.data[above]
        order = np.lexsort((second, first))
        return first[order].astype(np.int64), second[order].astype(np.int64), weight[order]

    def _labelled_edges(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        edges = self.weights.tocoo()
        first, second = self.labels[edges.row], self.labels[edges.col]
        known = (first >= 0) & (second >= 0)
        return edges.data[known], (first == second)[known]


def view(
    data: Drawable,
    *,
    labels: ArrayLike | torch.Tensor | None = None,
    seen: ArrayLike | torch.Tensor | None = None,
    probabilities: ArrayLike | torch.Tensor | None = None,
    class_names: Sequence[str] | None = None,
) -> GraphView:
    """Bring a graph into the form that pictures are drawn from.

    Args:
        data: A `Data` (ours, or of PyG's own data sets) or what `GLoss.propagate` returned. `edge_weight` is all ones
            where it is missing; `train_mask`, where there is one, says which labels are seen.
        labels: Classes of the documents, in place of `data.y`; negative: no label. A propagated batch has in `y` only
            what was seen: give the true labels to see what was inferred wrongly.
        seen: Which labels were seen, in place of the mask; by default, without a mask, all of them.
        probabilities: Class probabilities `[N, C]`, where `data` is no propagated batch.
        class_names: Names of the classes; by default their numbers.

    Raises:
        DataError: for parts that are missing or do not fit each other; the message says which.

    Example:
        >>> data = Data(y=torch.tensor([0, 0, 1]), edge_index=torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]]))
        >>> seen = view(data)
        >>> seen.num_nodes, seen.homophily(), seen.between_share()
        (3, 0.5, 0.5)
    """
    if isinstance(data, Propagated):
        seen = data.seen if seen is None else seen
        probabilities = data.probabilities if probabilities is None else probabilities
        data = data.graph
    if not isinstance(data, Data):
        raise DataError(
            f"Got a {type(data).__name__}; expected a torch_geometric Data with edge_index, or what GLoss.propagate "
            "returns. HeteroData becomes one by its to_homogeneous()."
        )
    if data.edge_index is None:
        raise DataError("The Data has no edge_index; a rule of gloss_pyg.graph, such as KNNGaussian, makes edges.")
    x = None if data.x is None else _numbers(data.x, "x", dims=2)
    weights = _weights(data)
    n = weights.shape[0]
    classes = _classes(data.y if labels is None else labels, n)
    mask = data.get("train_mask") if seen is None else seen
    visible = np.ones(n, dtype=bool) if mask is None else _mask(mask, n)
    rows = None if probabilities is None else _numbers(probabilities, "probabilities", dims=2)
    for name, values in (("x", x), ("probabilities", rows)):
        if values is not None and len(values) != n:
            raise DataError(f"{name} has {len(values)} rows for {n} documents; expected one for each.")
    names = _names(class_names, classes, rows)
    labelled = classes >= 0
    return GraphView(classes, labelled & visible, labelled & ~visible, weights, names, x, rows)


def with_labels_seen(seen: GraphView) -> GraphView:
    """The same graph with every label seen and nothing propagated."""
    labelled = seen.labels >= 0
    return replace(seen, seen=labelled, hidden=np.zeros_like(labelled), probabilities=None)


def _weights(data: Data) -> csr_array:
    edge_index = _array(data.edge_index)
    if edge_index.ndim != 2 or edge_index.shape[0] != 2 or edge_index.dtype.kind not in "iu":
        raise DataError(f"edge_index must be integers of shape [2, edges]; got {edge_index.dtype}, {edge_index.shape}.")
    n = _num_nodes(data, edge_index)
    if n == 0:
        raise DataError("The graph has no documents, so there is nothing to draw.")
    if edge_index.size and (edge_index.min() < 0 or edge_index.max() >= n):
        raise DataError(f"edge_index names document {int(edge_index.max())} (or a negative one), of {n} from 0.")
    given = data.get("edge_weight")
    weight = np.ones(edge_index.shape[1]) if given is None else _numbers(given, "edge_weight", dims=1)
    if len(weight) != edge_index.shape[1]:
        raise DataError(f"edge_weight has {len(weight)} numbers for {edge_index.shape[1]} edges.")
    if (weight < 0).any():
        raise DataError("edge_weight has negative numbers; expected weights from 0, which are drawn as widths.")
    loop = edge_index[0] == edge_index[1]
    source, target = edge_index[:, ~loop]
    weights = coo_array((weight[~loop], (target, source)), shape=(n, n)).tocsr()
    weights.sum_duplicates()
    return weights


def _num_nodes(data: Data, edge_index: NDArray[Any]) -> int:
    """As the Data says it, or as its rows do; PyG itself would count up to the last edge, with a warning."""
    if "num_nodes" in data:
        return int(data["num_nodes"])
    rows = [_array(values) for values in (data.x, data.y, data.get("train_mask")) if values is not None]
    return len(rows[0]) if rows else int(edge_index.max(initial=-1)) + 1


def _classes(labels: Any, n: int) -> NDArray[np.int64]:
    if labels is None:
        return np.full(n, -1)
    values = _array(labels)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.shape != (n,):
        raise DataError(f"labels have shape {values.shape}; expected one class for each of the {n} documents.")
    if values.dtype.kind not in "iu":
        raise DataError(f"labels are {values.dtype}; expected whole numbers, negative where there is no label.")
    return np.where(values >= 0, values, -1).astype(np.int64)


def _mask(mask: Any, n: int) -> NDArray[np.bool_]:
    values = _array(mask)
    if values.shape != (n,) or values.dtype != bool:
        raise DataError(
            f"seen (or the Data's train_mask) is {values.dtype} of shape {values.shape}; expected one boolean for each "
            f"of the {n} documents. Of several splits give one, as in seen=data.train_mask[:, 0]."
        )
    return values


def _numbers(values: Any, name: str, *, dims: int) -> NDArray[np.float64]:
    array = _array(values)
    if array.ndim != dims or array.dtype.kind not in "fiub":
        raise DataError(f"{name} must be numbers in {dims} dimension{'s'[: dims > 1]}; got shape {array.shape}.")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise DataError(f"{name} holds NaN or infinity; expected finite numbers.")
    return array


def _array(values: Any) -> NDArray[Any]:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        if values.is_sparse or values.layout != torch.strided:
            values = values.to_dense()
        return np.asarray((values.float() if values.dtype == torch.bfloat16 else values).numpy())
    return np.asarray(values)


def _names(given: Sequence[str] | None, classes: NDArray[np.int64], rows: NDArray[Any] | None) -> list[str]:
    count = max(int(classes.max(initial=-1)) + 1, 0 if rows is None else rows.shape[1])
    if given is None:
        return [f"class {number}" for number in range(count)]
    if len(given) < count:
        raise DataError(f"class_names has {len(given)} names for {count} classes; expected one for each.")
    return [str(name) for name in given]
