"""The levels of all tests and intervals, and what is said where a package of the extra `stats` is absent."""

from gloss_pyg.errors import MissingExtraError

LEVEL = 0.95
"""Confidence level of all intervals; tests are made at `1 - LEVEL`."""

ALPHA = 0.05
"""Level of all tests."""


def missing(package: str, purpose: str) -> MissingExtraError:
    """The error for a package that cannot be imported.

    Args:
        package: Its name on PyPI.
        purpose: What it is wanted for.
    """
    return MissingExtraError(
        f"{purpose} needs the package '{package}', which is not installed. Run: pip install \"gloss-pyg[stats]\" "
        '(in a clone: pip install ".[stats]")'
    )
