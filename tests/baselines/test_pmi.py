"""Counts by distance against a walk over windows and pairs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_corpus_graph import plain_counts, plain_pmi

from baselines import pmi
from baselines.pmi import pair_counts, pmi_matrix, window_counts

VOCABULARY = 6
CORPORA = st.lists(st.lists(st.integers(0, VOCABULARY - 1), max_size=14), min_size=1, max_size=6)


def flat(documents):
    return np.array([word for words in documents for word in words], dtype=np.int64), np.array(
        list(map(len, documents))
    )


@given(CORPORA, st.integers(2, 16), st.sampled_from([1, 7, 40, 1 << 20]))
@settings(deadline=None)
def test_counts_are_those_of_a_walk(documents, window, block):
    words, lengths = flat(documents)
    holding, pairs, windows = plain_counts(documents, window)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pmi, "_BLOCK", block)  # from a token a block, so that words are counted in parts, to all in one
        found, number = window_counts(words, lengths, VOCABULARY, window=window)
        counts = pair_counts(words, lengths, VOCABULARY, window=window)
    assert number == windows
    assert found.tolist() == [holding.get(word, 0) for word in range(VOCABULARY)]
    expected = np.zeros((VOCABULARY, VOCABULARY))
    for pair, count in pairs.items():
        expected[pair] = count
    np.testing.assert_array_equal(counts.toarray(), expected)


@given(CORPORA, st.integers(2, 16), st.sampled_from([0.0, 0.31]), st.sampled_from([1, 40, 1 << 20]))
@settings(deadline=None)
def test_pmi_is_that_of_a_walk(documents, window, threshold, block):
    words, lengths = flat(documents)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pmi, "_BLOCK", block)
        matrix = pmi_matrix(words, lengths, VOCABULARY, window=window, threshold=threshold)
    assert matrix.has_sorted_indices
    assert (matrix.data > threshold).all()  # an entry is an edge
    expected = np.zeros((VOCABULARY, VOCABULARY))
    for pair, value in plain_pmi(documents, window, threshold).items():
        expected[pair] = value
    np.testing.assert_allclose(matrix.toarray(), expected, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(matrix.toarray(), matrix.toarray().T)


def test_a_window_longer_than_every_document_is_a_document():
    words, lengths = flat([[0, 1, 2], [1, 2]])
    long = pmi_matrix(words, lengths, 3, window=10**9)
    np.testing.assert_array_equal(long.toarray(), pmi_matrix(words, lengths, 3, window=3).toarray())


def test_empty_documents_count_as_windows():
    words, lengths = flat([[0, 1], [], []])
    assert window_counts(words, lengths, 2)[1] == 3
    assert pmi_matrix(words, lengths, 2)[0, 1] == pytest.approx(np.log(3))
