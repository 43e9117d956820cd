"""Holm's correction for many comparisons."""

from collections.abc import Sequence

from gloss_pyg.compare.statistics.common import missing


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjusted p-values: the chance of any false positive among all tests of the family is at most the level.

    Args:
        p_values: Of all comparisons that are shown together; `None` where none was made, which does not count.

    Raises:
        MissingExtraError: if statsmodels is not installed.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 1979.

    Example:
        >>> holm([0.01, None, 0.04])
        [0.02, None, 0.04]
    """
    made = [p for p in p_values if p is not None]
    if not made:
        return list(p_values)
    try:
        from statsmodels.stats.multitest import multipletests
    except ImportError as error:
        raise missing("statsmodels", "Holm's correction") from error
    adjusted = iter(multipletests(made, method="holm")[1])
    return [None if p is None else float(next(adjusted)) for p in p_values]
