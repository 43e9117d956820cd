"""From the name of an encoder to what transformers loads: the `offline` weights, a folder, or a model of the Hub."""

import contextlib
import difflib
import json
import re
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError
from transformers import AutoConfig, AutoTokenizer, PreTrainedConfig, PreTrainedTokenizerBase
from transformers.utils import cached_file

from gloss_pyg.encoder.config import Pooling
from gloss_pyg.encoder.offline import OFFLINE, offline_folder
from gloss_pyg.encoder.random_tiny import RANDOM_TINY, random_tiny_folder
from gloss_pyg.errors import ConfigError, UnavailableError, UserError

_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?", re.ASCII)


def locate_encoder(name_or_path: str | Path) -> str:
    """What to hand to `from_pretrained`: a folder that has a `config.json`, or a name that the Hub may have.

    Raises:
        ConfigError: if it is neither, or the weights behind `offline` are not the published ones.
        MissingExtraError: if `offline` is asked for and its package is not installed.
    """
    name = str(name_or_path)
    if name == OFFLINE:
        return str(offline_folder())
    if name == RANDOM_TINY:
        return str(random_tiny_folder())
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise ConfigError(f"The folder '{name}' has no config.json; expected one that save_pretrained wrote.")
        return str(folder)
    if folder.exists():
        raise ConfigError(f"'{name}' is a file; expected the folder that holds config.json and the weights.")
    if isinstance(name_or_path, Path) or name.startswith((".", "~", "/")) or not _HUB_NAME.fullmatch(name):
        raise ConfigError(f"There is no folder '{name}', and it is no name of the Hub either ('owner/model').")
    return name


def load_config(path: str, *, trust_remote_code: bool = False) -> PreTrainedConfig:
    """Configuration of the model in a folder or on the Hub.

    Raises:
        ConfigError: if it cannot be read: no such model, no network, a broken file, code that is not trusted.
    """
    with clear_errors(path, trust_remote_code=trust_remote_code):
        config: PreTrainedConfig = AutoConfig.from_pretrained(path, trust_remote_code=trust_remote_code)
    return config


@contextlib.contextmanager
def clear_errors(path: str, *, trust_remote_code: bool) -> Iterator[None]:
    """Turn what transformers raises when it loads a model into a `ConfigError` that says what to do."""
    try:
        yield
    except UserError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if "trust_remote_code" in str(error) and not trust_remote_code:
            raise ConfigError(
                f"The model '{path}' comes with code of its own, which is run only when asked for: read it, and if you "
                f"trust it, give trust_remote_code=True."
            ) from error
        if Path(path).is_dir():
            raise ConfigError(f"The model in '{path}' cannot be loaded: {_first_line(error)}") from error
        hint = " Did you mean 'offline'?" if difflib.get_close_matches(path.lower(), [OFFLINE]) else ""
        raise UnavailableError(
            f"The encoder '{path}' is no folder here and could not be had from the Hub (no such model, no network, or "
            f"HF_HUB_OFFLINE is set).{hint} Without a network, use 'offline' or a folder. "
            f"transformers says: {_first_line(error)}"
        ) from error


def load_tokenizer(name_or_path: str | Path, *, trust_remote_code: bool = False) -> PreTrainedTokenizerBase:
    """The tokenizer that belongs to an encoder: `offline`, a folder, or the name of a model on the Hub.

    Raises:
        ConfigError: if there is no such model, or no tokenizer beside it. `UnavailableError` for a name that is neither
            a folder nor to be had from the Hub.
        MissingExtraError: if `offline` is asked for and its package is not installed.

    Example:
        >>> load_tokenizer("offline")("good film")["input_ids"]
        [101, 2204, 2143, 102]
    """
    path = locate_encoder(name_or_path)
    advice = "Save it beside the model with tokenizer.save_pretrained(folder)."
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, TypeError) as error:
        if not Path(path).is_dir():
            load_config(path, trust_remote_code=trust_remote_code)  # says so where there is no such model at all
        raise ConfigError(
            f"The tokenizer of '{name_or_path}' cannot be loaded. {advice} transformers says: {_first_line(error)}"
        ) from error
    if len(tokenizer) <= len(tokenizer.all_special_tokens):
        # What transformers makes up where it finds no file: every word would be unknown, and no error would say so.
        raise ConfigError(f"There is no tokenizer in '{name_or_path}'. {advice}")
    return tokenizer


def default_pooling(path: str) -> Pooling:
    """The pooling that a sentence-transformers model states ("mean" for one that is neither), "cls" for others."""
    file = cached_file(
        path,
        "1_Pooling/config.json",
        _raise_exceptions_for_missing_entries=False,
        _raise_exceptions_for_connection_errors=False,
    )
    if file is None:
        return "cls"
    stated = json.loads(Path(file).read_text(encoding="utf-8"))
    first_token = stated.get("pooling_mode") == "cls" or stated.get("pooling_mode_cls_token") is True
    return "cls" if first_token else "mean"


def _first_line(error: Exception) -> str:
    """The first line of a long message of transformers."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
