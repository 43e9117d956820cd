"""Errors that a user can mend, and the two helpers that make their sentences useful.

| error | when |
|---|---|
| `DataError` | documents, labels or files are not what was asked for |
| `ConfigError` | an option, a name or a combination of options cannot work |
| `UnavailableError` | a `ConfigError`: what is named may exist, but cannot be had from here |
| `MissingExtraError` | a package that an extra of `pip install "gloss-pyg[...]"` brings is absent |

All derive from `UserError`, which the commands turn into one sentence and exit status 2, without a traceback.
Each also derives from the built-in error that fits, so that `except ValueError` goes on working in scripts.
"""

import difflib
import importlib.util
from collections.abc import Iterable
from pathlib import Path


class UserError(Exception):
    """Something the caller gave cannot work; the message says what was given, what was expected and what to do."""


class DataError(UserError, ValueError):
    """Documents, labels or files are not what was asked for."""


class ConfigError(UserError, ValueError):
    """An option, a name or a combination of options cannot work."""


class UnavailableError(ConfigError):
    """Something that may well exist cannot be had from here, such as a model of the Hub without a network."""


class MissingExtraError(UserError, ImportError):
    """A package that one of our extras brings is not installed."""


class NumericalWarning(UserWarning):
    """A computation gave less than was asked for, and what it gave instead; nothing is wrong with the program."""


def one_line(error: Exception) -> str:
    r"""What is told of an error: a sentence of ours as it is, anything else behind the name of its class.

    Example:
        >>> one_line(ConfigError("trials=0; expected\na number")), one_line(KeyError("x"))
        ('trials=0; expected a number', "KeyError: 'x'")
    """
    text = " ".join(str(error).split())
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"


def did_you_mean(name: str, choices: Iterable[str], *, prefix: str = "") -> str:
    """Return `" Did you mean 'quick'?"`, or the whole list of choices where none is near.

    Args:
        name: What was given.
        choices: What is known.
        prefix: Put before each choice that is named, as `--` before options; it plays no part in what is near.

    Example:
        >>> did_you_mean("qick", ["quick", "tiny"])
        " Did you mean 'quick'?"
    """
    known = sorted(choices)
    by_lower_case = {choice.lower(): choice for choice in known}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    if near:
        return f" Did you mean '{prefix}{by_lower_case[near[0]]}'?"
    return f" Known: {', '.join(prefix + choice for choice in known)}." if known else ""


def package_folder(package: str, *, extra: str, purpose: str) -> Path:
    """Find an installed package's folder without importing it.

    Args:
        package: Name of the package as it is imported.
        extra: The extra of ours that brings it, named in the error.
        purpose: What it is wanted for, named in the error.

    Raises:
        MissingExtraError: if it is not installed.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError(
            f"{purpose} needs the package '{package}', which is not installed. Run: pip install \"gloss-pyg[{extra}]\""
            f' (in a clone: pip install ".[{extra}]")'
        )
    return Path(next(iter(spec.submodule_search_locations)))
