r"""A corpus graph as methods with document features see it: only the block between documents and words matters.

Words have no features, and only documents are predicted. So what two propagations make of a document comes from its own
features, and from those of the documents that share a word with it; an edge between two words carries zeros in the
first propagation and ends at a word in the second. It counts all the same, in the degrees of the words:

.. math:: \hat A = \begin{pmatrix} S & B \\ B' & W \end{pmatrix}, \qquad
    \hat A \phi(\hat A X) \big|_\text{documents} = S \phi(S X_d) + B \phi(B' X_d)

`B` has an eighth of the entries of `A` on MR and R8, and the result is that of the whole graph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch_geometric.data import Data

from baselines.attachment import normalised_rows, word_nodes
from baselines.corpus_graph import document_weights
from baselines.edge_pattern import EdgePattern
from baselines.propagation_matrix import RowProduct, normalise


@dataclass(frozen=True)
class Neighbours:
    """The words beside some documents.

    Attributes:
        document: For each edge its document's row among these, `[edges]`, sorted.
        word: Its word, `[edges]`.
        weight: Its normalised weight, `[edges]`, a row of `B`.
        own: What each document weighs itself, `[documents]`, the diagonal of `S`.
    """

    document: Tensor
    word: Tensor
    weight: Tensor
    own: Tensor

    @classmethod
    def of(cls, rows: sp.csr_array[Any, Any], own: np.ndarray, device: torch.device | None = None) -> "Neighbours":
        """From rows of `B` as a matrix."""
        document = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
        arrays = document, rows.indices.astype(np.int64), rows.data.astype(np.float32), own.astype(np.float32)
        return cls(*(torch.from_numpy(array).to(device) for array in arrays))

    def sum(self, edges: Tensor) -> Tensor:
        """Sums `[documents, k]` over the edges `[edges, k]` of each document."""
        return edges.new_zeros(len(self.own), edges.size(1)).index_add(0, self.document, edges)


@final
@dataclass(frozen=True)
class KnownWords:
    """The words of a graph, by which texts that are not in it are attached.

    Attributes:
        words: The words.
        idf: Their inverse document frequencies, `[words]`.
        degree: Their degrees, self-loops included, `[words]`; attached texts do not change them.
    """

    words: list[str]
    idf: Tensor
    degree: Tensor

    def attach(self, texts: Sequence[str], device: torch.device | None = None) -> Neighbours:
        """The words beside each text, as if it alone were added to the graph."""
        weights = document_weights(Data(words=self.words, idf=self.idf), texts)
        return Neighbours.of(*normalised_rows(weights, self.degree.numpy()), device)


@final
class DocumentGraph:
    """The documents of a corpus graph and their words.

    Args:
        data: As `CorpusGraph.build` makes it.
        device: Where products are computed.

    Attributes:
        block: `B`, `[documents, words]`, on the CPU.
        own: The diagonal of `S`, `[documents]`.
        product: Products with `B` and its transpose.
        word_entries: For each word the words beside it, itself included, `[words]`.
        known: The words.

    Example:
        >>> from baselines.corpus_graph import CorpusGraph
        >>> graph = DocumentGraph(CorpusGraph().build(["red apple", "green apple"]))
        >>> graph.known.words, (graph.block.toarray() > 0).tolist(), graph.word_entries.tolist()
        (['apple', 'green', 'red'], [[False, False, True], [False, True, False]], [1.0, 1.0, 1.0])
    """

    def __init__(self, data: Data, device: torch.device | None = None) -> None:
        matrix, degree = normalise(data)
        words, documents = word_nodes(data), data.document_nodes.numpy()
        self.block: sp.csr_array[Any, Any] = sp.csr_array(matrix[documents][:, words])
        self.own = (1 / degree[documents]).astype(np.float32)
        self.device = device
        self.product = RowProduct(self.block, device)
        entries = np.diff(matrix.indptr)[words] - np.bincount(self.block.indices, minlength=len(words))
        self.word_entries = torch.from_numpy(entries).float().to(device)
        self.known = KnownWords(data.words, data.idf, torch.from_numpy(degree[words]))

    @cached_property
    def pattern(self) -> EdgePattern:
        """Where `B` has entries; what attention needs."""
        return EdgePattern(self.block, self.device)

    def neighbours(self, documents: np.ndarray) -> Neighbours:
        """The words beside some of the documents."""
        return Neighbours.of(self.block[documents], self.own[documents], self.device)
