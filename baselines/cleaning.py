"""How the graph baselines read a text: the cleaning rules of Kim (2014), then words between blanks.

Kept are `A-Za-z0-9(),!?'` and the backtick, anything else is a blank; the clitics `'s 've n't 're 'd 'll` and the signs
`, ! ( ) ?` become words of their own; letters become small. Nothing here is a Python loop over words: the rules are
byte replacements over the whole corpus at once, and pyarrow splits it and numbers its words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.compute as pc  # type: ignore[import-untyped]
from numpy.typing import NDArray

from gloss_pyg.errors import DataError

Ints = NDArray[np.integer[Any]]

_KEPT = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789(),!?'`"
_TABLE = bytes(code if code in _KEPT else ord(" ") for code in range(256))
# In the order of the original. No rule makes or breaks a place of another, so each can run over the whole corpus.
_CLITICS = (b"'s", b"'ve", b"n't", b"'re", b"'d", b"'ll")
_SIGNS = (b",", b"!", b"(", b")", b"?")


@dataclass(frozen=True)
class Tokens:
    """The words of some documents, one after the other, as numbers.

    Attributes:
        words: The distinct words, a pyarrow array of strings; number `i` stands for `words[i]`.
        ids: Number of each word, `[tokens]`.
        lengths: Words of each document, `[documents]`.
    """

    words: Any
    ids: Ints
    lengths: Ints


def clean(texts: Sequence[object]) -> list[str]:
    """Clean texts; words are separated by one blank or more.

    Raises:
        DataError: for a text that is no string.

    Example:
        >>> [" ".join(text.split()) for text in clean(["It's GOOD, isn't it?", "naïve"])]
        ["it 's good , is n't it ?", 'na ve']
    """
    return [text.decode() for text in _clean(texts)]


def tokenize(texts: Sequence[object]) -> Tokens:
    """Clean texts and number their words.

    Raises:
        DataError: for a text that is no string.

    Example:
        >>> tokens = tokenize(["a b, a", "", "b"])
        >>> tokens.words.to_pylist(), tokens.ids.tolist(), tokens.lengths.tolist()
        (['a', 'b', ','], [0, 1, 2, 0, 1], [4, 0, 1])
    """
    documents = pa.array(_clean(texts), type=pa.large_binary()).cast(pa.large_string())
    lists = pc.ascii_split_whitespace(documents)
    encoded = lists.flatten().dictionary_encode()
    words, ids = encoded.dictionary, encoded.indices.to_numpy()
    lengths = np.diff(lists.offsets.to_numpy())
    empty = pc.index(words, "").as_py()  # beside a blank at either end of a text
    if empty >= 0:
        is_word = ids != empty
        document = np.repeat(np.arange(len(lengths)), lengths)[is_word]
        lengths = np.bincount(document, minlength=len(lengths))
        ids = ids[is_word]
        ids = ids - (ids > empty)
        words = pa.concat_arrays([words[:empty], words[empty + 1 :]])
    return Tokens(words, ids, lengths)


def _clean(texts: Sequence[object]) -> list[bytes]:
    """A document each, in ASCII; every byte of a character beyond it has become a blank."""
    encoded = []
    for row, text in enumerate(texts):
        if not isinstance(text, str):
            raise DataError(f"Text {row + 1} is a {type(text).__name__} ({text!r:.60}); expected a string.")
        encoded.append(text.encode("utf-8", "surrogatepass").translate(_TABLE))
    if not encoded:
        return []
    corpus = b"\n".join(encoded)  # no document holds a line break any more
    for clitic in _CLITICS:
        corpus = corpus.replace(clitic, b" " + clitic)
    for sign in _SIGNS:
        corpus = corpus.replace(sign, b" " + sign + b" ")
    return corpus.lower().split(b"\n")
