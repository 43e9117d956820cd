"""`random-tiny`: an untrained toy encoder, made on the fly, for trying the machinery and not for results."""

import atexit
import functools
import shutil
import string
import tempfile
from pathlib import Path

import torch

from gloss_pyg.encoder.quiet import quiet_transformers

RANDOM_TINY = "random-tiny"
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_CHARACTERS = string.ascii_lowercase + string.digits
_VOCABULARY = (*_SPECIAL, *_CHARACTERS, *string.punctuation, *(f"##{character}" for character in _CHARACTERS))
_POSITIONS = 512


@functools.cache
def random_tiny_folder() -> Path:
    """A folder with a BERT of two layers of 64 units over single characters; it goes when the program ends.

    Its weights are the same in every program, and the caller's random state is left alone.
    """
    # Here and not above: importing any model of transformers imports this package (`_registration`), and whoever began
    # with BERT has only half of it by then.
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = Path(tempfile.mkdtemp(prefix="gloss-pyg-random-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    config = BertConfig(
        vocab_size=len(_VOCABULARY),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        max_position_embeddings=_POSITIONS,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with quiet_transformers():
            BertModel(config).save_pretrained(folder)
    vocabulary = {entry: index for index, entry in enumerate(_VOCABULARY)}
    BertTokenizer(vocab=vocabulary, model_max_length=_POSITIONS).save_pretrained(folder)
    return folder
