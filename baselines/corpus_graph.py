"""The graph over documents and words that TextGCN, SGC and BertGCN share, exact and in seconds.

`CorpusGraph(...).build(texts)` gives a PyG `Data`; `attach_documents` adds documents that were not there, and
`to_hetero` sorts nodes and edges by kind.
"""

import dataclasses
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import scipy.sparse as sp
import torch
from torch_geometric.data import Data, HeteroData

from baselines import graph_cache
from baselines.cleaning import tokenize
from baselines.edges import edges_of, join_blocks, set_edges
from baselines.pmi import pmi_matrix
from baselines.vocabulary import StopWords, check_selection, renumber, select_words, term_counts
from gloss_pyg.errors import ConfigError, DataError

progress = logging.getLogger("gloss_pyg.progress")

DOCUMENT, WORD = 0, 1


@final
@dataclass(frozen=True)
class CorpusGraph:
    r"""The corpus graph of TextGCN: documents and words are nodes, tf-idf and PMI the weights.

    .. math::
        w_{dt} = \mathrm{tf}_{dt} \log \frac{n}{\mathrm{df}_t}, \qquad
        w_{ab} = \max(0, \log \frac{p(a, b)}{p(a) p(b)})

    with `tf` the occurrences of a word in a document, `df` the documents that hold it, and `p` the shares of sliding
    windows that hold a word, or a pair (see `baselines.pmi`). Edges of weight 0 are left out, self-loops are not
    stored: what normalises the graph adds them.

    Args:
        window: Words of a window.
        pmi_threshold: Two words are joined if their PMI is larger.
        min_count: Occurrences in the corpus from which a word is a node; by default as published, 5, or 1 where
            documents are short (fewer than 40 words on average: MR).
        stop_words: Words that are no nodes: `english` (NLTK's list of 2018), `none`, or a list; by default `english`,
            or `none` where documents are short.
        transductive: Whether `build` makes the graph of all documents; if not, of its `texts` alone, and attaches
            `other_texts` afterwards, so that they change no weight of the others.
        cache: Folder where finished graphs are kept and found again, if the texts and these settings are the same.

    Raises:
        ConfigError: for a setting out of range.

    Source: Yao, Mao and Luo, AAAI 2019 (arXiv 1809.05679), equation 1 and 2; cleaning of Kim, EMNLP 2014.

    Example:
        >>> data = CorpusGraph(min_count=1, stop_words="none").build(["red apple", "green apple", "red car"])
        >>> data.words
        ['apple', 'car', 'green', 'red']
        >>> data.num_documents, data.node_type.tolist(), data.document_nodes.tolist()
        (3, [0, 0, 0, 1, 1, 1, 1], [0, 1, 2])
    """

    window: int = 20
    pmi_threshold: float = 0.0
    min_count: int | None = None
    stop_words: StopWords | None = None
    transductive: bool = True
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.window < 2:
            raise ConfigError(f"window={self.window}; expected at least 2 words, as published 20.")
        if not (math.isfinite(self.pmi_threshold) and self.pmi_threshold >= 0):
            raise ConfigError(f"pmi_threshold={self.pmi_threshold}; expected a finite number from 0.")
        check_selection(self.min_count, self.stop_words)

    def build(self, texts: Sequence[str], other_texts: Sequence[str] = ()) -> Data:
        """Make the graph, or read it from the cache.

        Args:
            texts: Documents.
            other_texts: Documents after them, attached afterwards unless the graph is transductive.

        Returns:
            `Data` with `edge_index [2, E]` (both directions, sorted by source), `edge_weight [E]` in float64,
            `node_type [N]` (0 document, 1 word), `document_nodes [documents]` (the node of each document in order),
            `num_documents`, `words` (of the word nodes in order), `idf [words]`, `windows`, `selection` (what the
            defaults have become) and `build_seconds`, which the cache keeps.

        Raises:
            DataError: for no texts, a text that is no string, or a corpus of which no word is left.
        """
        if not len(texts):
            raise DataError("The corpus graph needs at least one document; got none.")
        digest = ""
        if self.cache is not None:
            digest = graph_cache.digest(self._plain(), texts, other_texts)
            if (found := graph_cache.load(self.cache, digest)) is not None:
                return found
        start = time.perf_counter()
        data = self._build([*texts, *other_texts] if self.transductive else texts)
        if not self.transductive and len(other_texts):
            data = attach_documents(data, other_texts)
        data.build_seconds = time.perf_counter() - start
        if self.cache is not None:
            graph_cache.save(data, self._plain(), self.cache, digest)
        return data

    def _plain(self) -> dict[str, Any]:
        """The settings that a graph depends on; a list of stop words counts as a set."""
        plain = dataclasses.asdict(self)
        del plain["cache"]
        if not (self.stop_words is None or isinstance(self.stop_words, str)):
            plain["stop_words"] = sorted(set(self.stop_words))
        return plain

    def _build(self, texts: Sequence[str]) -> Data:
        tokens = tokenize(texts)
        words, selection = select_words(tokens, self.min_count, self.stop_words)
        ids, lengths = renumber(tokens, words)
        progress.info("corpus graph: %d documents, %d words, %d tokens", len(texts), len(words), len(ids))
        counts = term_counts(ids, lengths, len(words))
        word_documents = counts.T.tocsr()
        idf = np.log(len(texts) / np.diff(word_documents.indptr))
        word_word = pmi_matrix(ids, lengths, len(words), window=self.window, threshold=self.pmi_threshold)
        data = Data(
            node_type=torch.tensor([DOCUMENT] * len(texts) + [WORD] * len(words), dtype=torch.int8),
            document_nodes=torch.arange(len(texts)),
            num_documents=len(texts),
            num_nodes=len(texts) + len(words),
            words=words,
            idf=torch.from_numpy(idf),
            windows=int(np.maximum(lengths - self.window, 0).sum()) + len(texts),
            selection=selection,
        )
        return set_edges(data, join_blocks(_times_idf(counts, idf), word_word))


def document_weights(data: Data, texts: Sequence[str]) -> sp.csr_array[Any, Any]:
    """tf-idf of texts over the words of a graph, with the idf of the graph; words that it lacks do not count.

    Returns:
        `[texts, words]` in float64, without zeros; a text of unknown words alone has an empty row.
    """
    ids, lengths = renumber(tokenize(texts), data.words)
    return _times_idf(term_counts(ids, lengths, len(data.words)), data.idf.numpy())


def attach_documents(data: Data, texts: Sequence[str]) -> Data:
    """A graph with more documents, as nodes after all others; weights that were there stay as they were.

    The idf is that of `data`, so that a document's weights do not depend on what it is attached with.

    Example:
        >>> data = CorpusGraph(min_count=1).build(["red apple", "green car"])
        >>> grown = attach_documents(data, ["green apple", "unheard of"])
        >>> grown.document_nodes.tolist(), grown.num_edges - data.num_edges
        ([0, 1, 6, 7], 4)
    """
    weights = document_weights(data, texts)
    size, new = len(data.node_type), len(texts)
    edge_index, edge_weight = edges_of(data)
    rows = torch.from_numpy(np.repeat(np.arange(size, size + new), np.diff(weights.indptr)))
    word_nodes = (data.node_type == WORD).nonzero().squeeze(1)
    columns = word_nodes[torch.from_numpy(weights.indices).long()]
    old_rows, old_columns = edge_index
    matrix = sp.coo_array(
        (
            torch.cat([edge_weight, *2 * [torch.from_numpy(weights.data)]]).numpy(),
            (torch.cat([old_rows, rows, columns]).numpy(), torch.cat([old_columns, columns, rows]).numpy()),
        ),
        shape=(size + new, size + new),
    ).tocsr()
    grown = data.clone()
    grown.node_type = torch.cat([data.node_type, torch.full((new,), DOCUMENT, dtype=torch.int8)])
    grown.document_nodes = torch.cat([data.document_nodes, torch.arange(size, size + new)])
    grown.num_documents = data.num_documents + new
    grown.num_nodes = size + new
    matrix.sort_indices()
    return set_edges(grown, matrix)


def to_hetero(data: Data) -> HeteroData:
    """The same graph by kinds: nodes `document` and `word`, edges `contains` and its reverse `in`, and `near`.

    Documents are numbered in order and words as in `data.words`.

    Example:
        >>> hetero = to_hetero(CorpusGraph(min_count=1).build(["red apple", "green car"]))
        >>> hetero["document"].num_nodes, hetero["document", "contains", "word"].edge_index.tolist()
        (2, [[0, 0, 1, 1], [0, 3, 1, 2]])
    """
    number = torch.empty(len(data.node_type), dtype=torch.int64)
    is_word = data.node_type == WORD
    number[is_word] = torch.arange(len(data.words))
    number[data.document_nodes] = torch.arange(data.num_documents)
    hetero = HeteroData()
    hetero["document"].num_nodes = data.num_documents
    hetero["word"].num_nodes = len(data.words)
    hetero["word"].words = data.words
    hetero["word"].idf = data.idf
    edge_index, edge_weight = edges_of(data)
    source, target = is_word[edge_index]
    kinds = {
        ("document", "contains", "word"): ~source & target,
        ("word", "in", "document"): source & ~target,
        ("word", "near", "word"): source & target,
    }
    for kind, edges in kinds.items():
        hetero[kind].edge_index = number[edge_index[:, edges]]
        hetero[kind].edge_weight = edge_weight[edges]
    return hetero


def _times_idf(counts: sp.csr_array[Any, Any], idf: np.ndarray) -> sp.csr_array[Any, Any]:
    weights = counts.copy()
    weights.data *= idf[weights.indices]
    weights.eliminate_zeros()  # words that every document holds
    return weights
