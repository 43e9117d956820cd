"""The corpus graph against one made of dictionaries, attached documents, the view by kinds, and hostile corpora."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_corpus_graph import plain_graph

from baselines.corpus_graph import CorpusGraph, attach_documents, document_weights, to_hetero
from baselines.edges import edge_matrix
from baselines.vocabulary import english_stop_words
from gloss_pyg.data import load_text_dataset
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.edges import is_marked_symmetric

TEXTS = st.lists(
    st.lists(st.sampled_from(["a", "b", "the", "it's", "d,", "E!", "f"]), max_size=9).map(" ".join),
    min_size=1,
    max_size=6,
)


def weights_by_name(data):
    names = np.empty(data.num_nodes, dtype=object)
    names[data.document_nodes.numpy()] = range(data.num_documents)
    names[(data.node_type == 1).numpy()] = data.words
    source, target = data.edge_index.numpy()
    return dict(zip(zip(names[source], names[target], strict=True), data.edge_weight.tolist(), strict=True))


def approximately(weights):
    return pytest.approx(weights, rel=1e-12, abs=1e-14)


@given(TEXTS, st.integers(2, 6), st.integers(1, 3), st.sampled_from([(), ("the", "'s")]), st.sampled_from([0.0, 0.2]))
@settings(deadline=None)
def test_the_graph_is_that_of_dictionaries(texts, window, min_count, stop_words, threshold):
    expected = plain_graph(texts, window=window, min_count=min_count, stop_words=stop_words, threshold=threshold)
    rule = CorpusGraph(window=window, min_count=min_count, stop_words=stop_words, pmi_threshold=threshold)
    try:
        data = rule.build(texts)
    except DataError:
        assert not expected
        return
    assert data.words == sorted(data.words)
    assert weights_by_name(data) == approximately(expected)
    assert data.is_undirected()
    assert not data.has_self_loops()
    assert is_marked_symmetric(data.edge_index, data.edge_weight)
    order = data.edge_index[0] * data.num_nodes + data.edge_index[1]
    assert (order.diff() > 0).all()


CHECKS = {  # documents, words, word-word entries, their sum, largest, document-word entries, their sum
    "MR": (10662, 18764, 1504598, 4292341.612382, 11.584464, 196826, 887905.173385),
    "R8": (7674, 7688, 2841760, 5482317.315452, 12.182258, 323670, 1736777.338640),
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_published_builder_makes_the_same_graph(name):
    folder = os.environ.get("GLOSS_PYG_DATA")
    if not folder or not (Path(folder) / name).is_dir():
        pytest.skip(f"the texts of {name} are not here: set GLOSS_PYG_DATA to the folder of the paper's data sets")
    splits = load_text_dataset(name)
    data = CorpusGraph().build([text for split in splits.values() for text in split["text"]])
    documents, words, pairs, pmi, largest, entries, tf_idf = CHECKS[name]
    from_document, to_document = data.edge_index < documents
    near, contains = ~from_document & ~to_document, from_document & ~to_document
    assert (data.num_documents, len(data.words)) == (documents, words)
    assert (int(near.sum()), int(contains.sum())) == (pairs, entries)
    assert float(data.edge_weight[near].sum()) == pytest.approx(pmi, rel=1e-9)
    assert float(data.edge_weight[near].max()) == pytest.approx(largest, abs=1e-6)
    assert float(data.edge_weight[contains].sum()) == pytest.approx(tf_idf, rel=1e-9)


def test_short_documents_keep_their_words_and_long_ones_lose_the_rare():
    short = CorpusGraph().build(["the cat sat", "a dog ran"])
    assert (short.selection.min_count, short.selection.stop_words) == (1, "none")
    assert "the" in short.words
    long = CorpusGraph().build([" ".join(["the", "cat"] * 30), " ".join(["the", "dog"] * 30 + ["once"])])
    assert (long.selection.min_count, long.selection.stop_words) == (5, "english")
    assert long.words == ["cat", "dog"]


def test_the_shipped_stop_words_are_the_list_of_2018():
    words = english_stop_words()
    assert len(set(words)) == len(words) == 153
    assert {"i", "wouldn", "ain", "ma"} <= set(words)
    assert "n't" not in words


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_attached_documents_change_no_weight(texts, others):
    rule = CorpusGraph(min_count=1, stop_words="none")
    try:
        before = rule.build(texts)
    except DataError:
        return
    edges = before.edge_index.clone()
    after = attach_documents(before, others)
    new = after.document_nodes[len(texts) :]
    assert new.tolist() == list(range(before.num_nodes, before.num_nodes + len(others)))
    old = (after.edge_index < before.num_nodes).all(dim=0)
    assert torch.equal(after.edge_index[:, old], edges)
    assert torch.equal(after.edge_weight[old], before.edge_weight)
    assert torch.equal(before.edge_index, edges)
    assert before.num_documents == len(texts)
    rows = edge_matrix(after)[new.numpy()].toarray()
    is_word = (after.node_type == 1).numpy()
    np.testing.assert_array_equal(rows[:, is_word], document_weights(before, others).toarray())
    assert not rows[:, ~is_word].any()
    assert is_marked_symmetric(after.edge_index, after.edge_weight)


def test_a_known_text_is_attached_with_the_weights_that_it_has():
    texts = ["red red apple", "green apple", "red car"]
    data = CorpusGraph(min_count=1).build(texts)
    np.testing.assert_array_equal(document_weights(data, texts).toarray(), edge_matrix(data)[:3, 3:].toarray())


def test_an_inductive_graph_has_the_words_and_counts_of_training():
    texts, others = ["red apple", "green apple"], ["apple pie", "red car"]
    data = CorpusGraph(transductive=False).build(texts, others)
    alone = attach_documents(CorpusGraph().build(texts), others)
    assert data.words == ["apple", "green", "red"]
    assert weights_by_name(data) == weights_by_name(alone)
    assert data.num_documents == 4
    assert CorpusGraph().build(texts, others).words == ["apple", "car", "green", "pie", "red"]


def test_kinds_of_nodes_and_edges():
    data = CorpusGraph(transductive=False).build(["red apple", "green car"], ["red car"])
    hetero = to_hetero(data)
    weights = {}
    for (source, _, target), store in hetero.edge_items():
        for a, b, weight in zip(*store.edge_index.tolist(), store.edge_weight.tolist(), strict=True):
            weights[data.words[a] if source == "word" else a, data.words[b] if target == "word" else b] = weight
    assert weights == weights_by_name(data)
    assert hetero["document"].num_nodes == 3
    assert hetero.validate()


def test_one_document():
    data = CorpusGraph(window=2).build(["a b c d"])
    assert data.idf.tolist() == [0, 0, 0, 0]
    assert (data.edge_index[0] > 0).all()  # no word tells one document from others
    assert data.num_edges == 4


def test_an_empty_document_is_a_node_without_edges():
    data = CorpusGraph().build(["a b", "\u4e2d\u6587 \u2014", "", "a c"])
    assert data.num_documents == 4
    assert set(data.edge_index.flatten().tolist()) == {0, 3, 4, 5, 6}


def test_equal_documents_have_equal_weights():
    data = CorpusGraph().build(["a b", "a b", "c"])
    rows = edge_matrix(data).toarray()
    np.testing.assert_array_equal(rows[0], rows[1])


def test_a_document_of_a_million_words_is_counted_in_parts():
    rng = np.random.default_rng(0)
    long = " ".join(np.array([f"w{i}" for i in range(50)])[rng.integers(0, 50, 1_000_000)])
    data = CorpusGraph(min_count=1, stop_words="none").build([long, "w1 other"])
    assert data.windows == 1_000_000 - 19 + 1
    assert torch.isfinite(data.edge_weight).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"window": 1}, "window=1; expected at least 2"),
        ({"pmi_threshold": float("nan")}, "pmi_threshold=nan"),
        ({"pmi_threshold": -1.0}, "pmi_threshold=-1"),
        ({"min_count": 0}, "min_count=0"),
        ({"stop_words": "klingon"}, "expected 'english', 'none' or a list"),
    ],
)
def test_settings_out_of_range(arguments, message):
    with pytest.raises(ConfigError, match=message):
        CorpusGraph(**arguments)


@pytest.mark.parametrize(
    ("texts", "arguments", "message"),
    [
        ([], {}, "at least one document"),
        (["", "\u4e2d"], {}, "No word is left of 0"),
        (["the a", "of the"], {"stop_words": "english"}, "No word is left of 3.*stop_words=none"),
        (["rare words"], {"min_count": 2}, "Lower min_count"),
    ],
)
def test_a_corpus_without_words(texts, arguments, message):
    with pytest.raises(DataError, match=message):
        CorpusGraph(**arguments).build(texts)
