"""Which words of a corpus become nodes of its graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
import scipy.sparse as sp

from baselines.cleaning import Ints, Tokens
from gloss_pyg.errors import ConfigError, DataError

StopWords = Literal["english", "none"] | Sequence[str]

# Documents with fewer words on average are short: the published graph drops no word of MR (20 words) and the stop words
# and rare words of the others (99 words or more).
SHORT = 40.0
_RARE = 5


@dataclass(frozen=True)
class Selection:
    """How the words of a corpus were chosen.

    Attributes:
        min_count: Occurrences from which a word was kept.
        stop_words: `english`, `none`, or the words that were dropped.
    """

    min_count: int
    stop_words: Literal["english", "none"] | tuple[str, ...]


def english_stop_words() -> list[str]:
    """The English stop words of NLTK as of 2018, 153 words.

    Example:
        >>> len(english_stop_words()), english_stop_words()[:3]
        (153, ['i', 'me', 'my'])
    """
    return (resources.files("baselines") / "english_stop_words.txt").read_text(encoding="ascii").split()


def select_words(
    tokens: Tokens, min_count: int | None = None, stop_words: StopWords | None = None
) -> tuple[list[str], Selection]:
    """Choose the words of a graph.

    Args:
        tokens: The corpus.
        min_count: Occurrences from which a word is kept; by default as published, 5, or 1 where documents are short.
        stop_words: `english`, `none` or a list; by default `english`, or `none` where documents are short.

    Returns:
        The words in alphabetical order, and what the defaults have become.

    Raises:
        ConfigError: for an argument out of range.
        DataError: if no word is left.
    """
    check_selection(min_count, stop_words)
    short = len(tokens.ids) < SHORT * len(tokens.lengths)
    if stop_words is None:
        stop_words = "none" if short else "english"
    chosen = Selection(
        min_count=min_count or (1 if short else _RARE),
        stop_words=stop_words if isinstance(stop_words, str) else tuple(stop_words),  # type: ignore[arg-type]
    )
    kept = np.bincount(tokens.ids, minlength=len(tokens.words)) >= chosen.min_count
    named = {"english": english_stop_words(), "none": []}
    stop = named[stop_words] if isinstance(stop_words, str) else list(stop_words)
    kept &= ~pc.is_in(tokens.words, value_set=pa.array(stop, type=pa.large_string())).to_numpy(zero_copy_only=False)
    words = sorted(tokens.words.filter(pa.array(kept)).to_pylist())
    if not words:
        raise DataError(
            f"No word is left of {len(tokens.words)} in {len(tokens.lengths)} documents: none is a word of letters and "
            f"digits that occurs {chosen.min_count} times and is no stop word. Lower min_count or give stop_words=none."
        )
    return words, chosen


def check_selection(min_count: int | None, stop_words: StopWords | None) -> None:
    """Refuse arguments of `select_words` that are out of range."""
    if min_count is not None and min_count < 1:
        raise ConfigError(f"min_count={min_count}; expected at least 1, which keeps every word.")
    if isinstance(stop_words, str) and stop_words not in ("english", "none"):
        raise ConfigError(f"stop_words='{stop_words}'; expected 'english', 'none' or a list of words.")


def renumber(tokens: Tokens, words: Sequence[str]) -> tuple[Ints, Ints]:
    """The tokens that are among `words`, numbered by these, and how many are left of each document."""
    known = pc.index_in(tokens.words, value_set=pa.array(words, type=pa.large_string()))
    ids = known.fill_null(-1).to_numpy(zero_copy_only=False)[tokens.ids]
    is_known = ids >= 0
    left = np.concatenate([[0], is_known.cumsum()])[np.concatenate([[0], tokens.lengths.cumsum()])]
    return ids[is_known], np.diff(left)


def term_counts(ids: Ints, lengths: Ints, vocabulary: int) -> sp.csr_array[Any, Any]:
    """Occurrences of each word in each document, `[documents, vocabulary]` in float64, columns sorted."""
    pointers = np.concatenate([[0], lengths.cumsum()])
    each = sp.csr_array((np.ones(len(ids)), ids.astype(np.int32), pointers), shape=(len(lengths), vocabulary))
    counts = sp.eye_array(len(lengths), format="csr") @ each  # adds up what is double, without sorting
    return counts.tocsc().tocsr()
