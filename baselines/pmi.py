"""Pointwise mutual information of words in sliding windows, counted without walking the windows.

    PMI(a, b) = log(p(a, b) / (p(a) p(b)))

`p(a)` is the share of windows that hold `a`; `p(a, b)` adds one for every pair of *positions* of a window that hold the
two different words, so that a window may count more than once. A document of `n` words has `n - w + 1` windows of
`w = min(window, n)` words; an empty document is one window without words.

Two positions `i < j` of a document lie together in `min(i, n - w) - max(j - w + 1, 0) + 1` of its windows, and a
position `j` whose word stood at `p` before is the first of its word in `min(j, n - w) - max(j - w + 1, 0, p + 1) + 1`
of them. So one pass over the tokens for each distance replaces the walk over windows. The passes run over the positions
sorted by word, a block at a time: a block is a product of two sparse matrices whose rows are words of the result, and
nothing but the pairs that are kept outlives it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

Ints = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]

# Pairs of positions in a block: its arrays stay within a few MB, near the processor.
_BLOCK = 1 << 20


@dataclass(frozen=True)
class _Positions:
    """The tokens of a corpus, each with its place.

    Attributes:
        words: Word ids `[tokens]`, document after document.
        place: Place within the document.
        length: Words of the document.
        by_word: Indices of the tokens, sorted by word, within a word in order.
        starts: Where the tokens of each word begin in `by_word`, `[vocabulary + 1]`.
    """

    words: Ints
    place: Ints
    length: Ints
    by_word: Ints
    starts: Ints


def pmi_matrix(
    words: Ints, lengths: Ints, vocabulary: int, *, window: int = 20, threshold: float = 0.0
) -> sp.csr_array[Any, Any]:
    """PMI of all pairs of words that exceeds the threshold.

    Args:
        words: Word ids from 0 to `vocabulary - 1`, document after document, `[tokens]`.
        lengths: Words of each document, `[documents]`.
        vocabulary: Number of words.
        window: Words of a window.
        threshold: Pairs at most as large are left out.

    Returns:
        Symmetric matrix `[vocabulary, vocabulary]` in float64 with sorted columns and an empty diagonal.

    Source: Church and Hanks, Computational Linguistics 16(1), 1990; as counted for TextGCN (arXiv 1809.05679).

    Example:
        >>> matrix = pmi_matrix(np.array([0, 1, 2, 3]), np.array([2, 2]), 4)
        >>> matrix.toarray().round(4).tolist()[0]
        [0.0, 0.6931, 0.0, 0.0]
    """
    tokens = _locate(words, lengths, vocabulary)
    windows = int(np.maximum(lengths - window, 0).sum()) + len(lengths)
    holding = _windows_of_words(tokens, vocabulary, window)
    rows, columns, values = [], [], []
    for first, counts in _pair_counts(tokens, vocabulary, min(window, int(lengths.max(initial=0)))):
        row = np.repeat(np.arange(first, first + counts.shape[0], dtype=np.int32), np.diff(counts.indptr))
        column = counts.indices
        with np.errstate(divide="ignore"):  # no window holds both: the diagonal, which stands for nothing
            pmi = np.log(counts.data * windows / (holding[row] * holding[column]))
        kept = (pmi > threshold) & (row != column)
        rows.append(np.bincount(row[kept] - first, minlength=counts.shape[0]))
        columns.append(column[kept])
        values.append(pmi[kept])
    pointers = np.concatenate([[0], *rows]).cumsum()
    content = np.concatenate(values), np.concatenate(columns), pointers
    matrix = sp.csr_array(content, shape=(vocabulary, vocabulary))
    return _sorted_symmetric(matrix)


def window_counts(words: Ints, lengths: Ints, vocabulary: int, *, window: int = 20) -> tuple[Ints, int]:
    """For each word the windows that hold it, `[vocabulary]`, and the number of all windows.

    Example:
        >>> window_counts(np.array([0, 1, 0]), np.array([3]), 2, window=2)
        (array([2, 2]), 2)
    """
    holding = _windows_of_words(_locate(words, lengths, vocabulary), vocabulary, window)
    return holding.astype(np.int64), int(np.maximum(lengths - window, 0).sum()) + len(lengths)


def pair_counts(words: Ints, lengths: Ints, vocabulary: int, *, window: int = 20) -> sp.csr_array[Any, Any]:
    """For each two words the pairs of positions that hold them, over all windows; symmetric, with an empty diagonal.

    Example:
        >>> pair_counts(np.array([0, 1, 0]), np.array([3]), 2, window=2).toarray().astype(int).tolist()
        [[0, 2], [2, 0]]
    """
    reach = min(window, int(lengths.max(initial=0)))
    blocks = [counts for _, counts in _pair_counts(_locate(words, lengths, vocabulary), vocabulary, reach)]
    matrix = sp.csr_array(sp.vstack(blocks, format="csr"))
    matrix.setdiag(0)
    matrix.eliminate_zeros()
    return _sorted_symmetric(matrix)


def _locate(words: Ints, lengths: Ints, vocabulary: int) -> _Positions:
    ends = lengths.cumsum()
    place = (np.arange(len(words)) - np.repeat(ends - lengths, lengths)).astype(np.int32)
    # scipy turns rows into columns by counting, which sorts in one pass and keeps the order within a word.
    one_a_row = (np.ones(len(words), np.int8), words.astype(np.int32), np.arange(len(words) + 1))
    by_word = sp.csr_array(one_a_row, shape=(len(words), vocabulary)).tocsc()
    return _Positions(
        words.astype(np.int32),
        place,
        np.repeat(lengths, lengths).astype(np.int32),
        by_word.indices,
        by_word.indptr.astype(np.int64),
    )


def _windows_of_words(tokens: _Positions, vocabulary: int, window: int) -> Floats:
    """For each word the windows that hold it."""
    order = tokens.by_word
    words, place, length = tokens.words[order], tokens.place[order], tokens.length[order]
    before = np.full(len(order), -1, dtype=np.int32)
    # The token before in this order is the same word's, in the same document if it is not further back than its start.
    same = (words[1:] == words[:-1]) & (order[1:] - place[1:] <= order[:-1])
    before[1:][same] = place[:-1][same]
    width = np.minimum(length, window)
    first = np.maximum(np.maximum(place - width + 1, 0), before + 1)
    new = np.maximum(np.minimum(place, length - width) - first + 1, 0)
    holding: Floats = np.bincount(words, weights=new.astype(np.float64), minlength=vocabulary).astype(np.float64)
    return holding


def _pair_counts(tokens: _Positions, vocabulary: int, window: int) -> Iterator[tuple[int, sp.csr_array[Any, Any]]]:
    """Yield blocks of rows of the matrix of pair counts, each with its first row; columns are not sorted.

    An entry on the diagonal stands for nothing.
    """
    distances = np.array([d for d in range(1 - window, window) if d != 0], dtype=np.int32)
    if not len(distances):  # no document of two words
        yield 0, sp.csr_array((vocabulary, vocabulary), dtype=np.float64)
        return
    size = max(_BLOCK // len(distances), 1)
    first = 0
    while first < vocabulary:
        begin = tokens.starts[first]
        # As many words as fit, but one at least; a word with more tokens than fit is counted in parts.
        stop = max(int(np.searchsorted(tokens.starts, begin + size, side="right")) - 1, first + 1)
        end = tokens.starts[stop]
        parts = [
            _count_block(tokens, slice(part, min(part + size, end)), range(first, stop), vocabulary, window, distances)
            for part in range(begin, max(end, begin + 1), size)
        ]
        yield first, sum(parts[1:], parts[0])
        first = stop


def _count_block(
    tokens: _Positions, block: slice, rows: range, vocabulary: int, window: int, distances: Ints
) -> sp.csr_array[Any, Any]:
    """Pair counts of some tokens: (word of a token x token) times (token x word of a neighbour)."""
    at = tokens.by_word[block]
    # Windows around a token depend on the words before and behind it, as far as its neighbours' windows reach. Few such
    # surroundings occur (most tokens have room on both sides), so rows are made once for each and then copied.
    far = 2 * (window - 1)
    place, length = tokens.place[at].astype(np.int64), tokens.length[at]
    surroundings, which = np.unique(
        np.minimum(place, far) * (far + 1) + np.minimum(length - 1 - place, far), return_inverse=True
    )
    together, offsets = _neighbours(*np.divmod(surroundings, far + 1), window, distances)
    there = (at[:, None] + offsets[which]).ravel()
    pointers = np.arange(0, there.size + 1, len(distances))
    shape = (len(at), vocabulary)
    neighbours = sp.csr_array((together[which].ravel(), tokens.words[there], pointers), shape=shape)
    own = np.clip(tokens.starts[rows.start : rows.stop + 1], block.start, block.stop) - block.start
    word_of_token = sp.csr_array((np.ones(len(at)), np.arange(len(at)), own), shape=(len(rows), len(at)))
    return word_of_token @ neighbours


def _neighbours(before: Ints, behind: Ints, window: int, distances: Ints) -> tuple[Floats, Ints]:
    """Windows shared with the neighbours of positions that have so many words before and behind them.

    Returns:
        For each position and distance the windows in which the two lie together, and the distance; both 0 where the
        document has ended, so that what stands for nothing lands on the word itself, the diagonal.
    """
    place, length = before[:, None], (before + behind + 1)[:, None]
    width = np.minimum(length, window)
    other = place + distances
    first = np.maximum(np.maximum(place, other) - width + 1, 0)
    last = np.minimum(np.minimum(place, other), length - width)
    inside = (other >= 0) & (other < length)
    return np.where(inside, last - first + 1, 0).astype(np.float64), np.where(inside, distances, 0)


def _sorted_symmetric(matrix: sp.csr_array[Any, Any]) -> sp.csr_array[Any, Any]:
    """The same symmetric matrix with sorted columns: read by columns, which scipy sorts by counting, it is itself."""
    columns = matrix.tocsc()
    result = sp.csr_array((columns.data, columns.indices, columns.indptr), shape=matrix.shape)
    result.has_canonical_format = True
    return result
