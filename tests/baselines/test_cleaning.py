"""The cleaning rules against regular expressions, and the numbering of words."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from plain_corpus_graph import plain_clean

from baselines.cleaning import clean, tokenize
from gloss_pyg.errors import DataError

SOME_TEXTS = st.lists(
    st.text(
        st.one_of(st.sampled_from(list("abdelnrstvDLNSTV',!()? `\n\t\x00\x0b-")), st.characters(codec="utf-8")),
        max_size=30,
    ),
    min_size=1,
    max_size=6,
)


@given(SOME_TEXTS)
@example(["isn't", "ISN'T", "they'll've", "'s's", "n'tn't", "can''d", "'re'll'd", "", " ", "?!", "\u2028 x\x85y"])
def test_cleaning_is_that_of_the_regular_expressions(texts):
    assert [text.split() for text in clean(texts)] == [plain_clean(text) for text in texts]


@given(SOME_TEXTS)
def test_tokens_spell_the_cleaned_texts(texts):
    tokens = tokenize(texts)
    words, ids, begin = tokens.words.to_pylist(), tokens.ids.tolist(), 0
    assert len(set(words)) == len(words)
    assert len(ids) == tokens.lengths.sum()
    for text, length in zip(texts, tokens.lengths.tolist(), strict=True):
        assert [words[index] for index in ids[begin : begin + length]] == plain_clean(text)
        begin += length


def test_half_a_surrogate_is_a_blank():
    assert tokenize(["a\ud83db"]).words.to_pylist() == ["a", "b"]


@pytest.mark.parametrize("bad", [None, 3, b"bytes", ["a"]])
def test_what_is_no_string_is_named(bad):
    with pytest.raises(DataError, match="Text 2 is a"):
        tokenize(["fine", bad])
