"""Dividing documents so that every part keeps the shares of the classes."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


def proportional_quota(counts: IntArray, total: int, least: IntArray, most: IntArray) -> IntArray:
    r"""How many of `total` each class gets, as near to its share as whole numbers within bounds allow.

    Class c's share is `total * counts[c] / sum(counts)`. It is rounded down and clipped to `least` and `most`; what is
    then missing goes one by one to the class furthest below its share, and what is too much is taken likewise.

    Args:
        counts: Documents of each class, shape `[C]`.
        total: Documents to give out, `sum(least) <= total <= sum(most)`.
        least: Lower bound of each class.
        most: Upper bound of each class.

    Example:
        >>> proportional_quota(np.array([70, 29, 1]), 10, least=np.array([1, 1, 1]), most=np.array([70, 29, 1]))
        array([7, 2, 1])
    """
    if not least.sum() <= total <= most.sum():
        raise ValueError(f"Cannot give out {total} documents with bounds {least} and {most}.")
    quota: IntArray
    share = total * counts / max(counts.sum(), 1)
    quota = np.clip(np.floor(share).astype(np.int64), least, most)
    while (difference := total - int(quota.sum())) != 0:
        step = 1 if difference > 0 else -1
        movable = quota < most if step == 1 else quota > least
        gap = np.where(movable, step * (share - quota), -np.inf)
        quota[int(gap.argmax())] += step
    return quota


def stratified_parts(classes: IntArray, shares: Sequence[float], seed: int) -> list[IntArray]:
    """Draw parts with given shares of the documents, every class in proportion; the rest comes last.

    Every class keeps at least one document in the rest, so that no part holds a class that the rest has not seen.

    Args:
        classes: Class id of each document, shape `[N]`; documents with a negative one all stay in the rest.
        shares: Share of each part, of the documents that have a class.
        seed: Seed of the draw.

    Returns:
        Sorted document indices: one array for each share, then the rest.

    Example:
        >>> [part.tolist() for part in stratified_parts(np.array([0, 0, 0, 0, 1, 1, 1, 1]), [0.25], seed=0)]
        [[2, 7], [0, 1, 3, 4, 5, 6]]
    """
    generator = np.random.default_rng(seed)
    members = [
        generator.permutation(np.flatnonzero(classes == label)) for label in range(int(classes.max(initial=-1)) + 1)
    ]
    counts = np.array([len(member) for member in members], dtype=np.int64)
    taken = np.zeros_like(counts)
    parts = []
    for share in shares:
        most = np.maximum(counts - 1 - taken, 0)
        total = min(round(share * int(counts.sum())), int(most.sum()))
        quota = proportional_quota(counts, total, np.zeros_like(counts), most)
        chosen = [member[start : start + size] for member, start, size in zip(members, taken, quota, strict=True)]
        parts.append(np.sort(np.concatenate(chosen)) if chosen else np.empty(0, dtype=np.int64))
        taken = taken + quota
    rest = np.ones(len(classes), dtype=bool)
    for part in parts:
        rest[part] = False
    return [*parts, np.flatnonzero(rest)]
