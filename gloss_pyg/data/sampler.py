"""Class-balanced batches: P classes with K documents each."""

import logging
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import Sampler

from gloss_pyg.errors import ConfigError, DataError

logger = logging.getLogger("gloss_pyg")

IntArray = npt.NDArray[np.int64]


class ClassBalancedSampler(Sampler[int]):
    r"""Document indices whose consecutive blocks of `P * K` are batches of P classes with K documents each.

    For losses that compare documents of a batch: with few documents a class a random batch holds many classes once,
    and then nothing to compare. Prefer random batches where classes are few and even; there they cost nothing.

    What holds for every epoch, with :math:`n_c` documents of class c and :math:`g_c = \lceil n_c / K \rceil`:

    - The epoch has :math:`M = \max(\max_c g_c, \lceil \sum_c g_c / P \rceil)` blocks. There is no shorter last block,
      and none of one class only.
    - Every block has exactly P different classes and K documents of each, taken in turn, so that the first P indices
      of a block are of P classes, and so are the next P: batches of `P * k` documents are balanced too, for any k that
      divides K.
    - Every labelled document is seen at least once. A class takes part in :math:`a_c \ge g_c` blocks, the
      :math:`P M - \sum_c g_c` surplus places going to the classes with the fewest, and its documents come
      :math:`\lfloor a_c K / n_c \rfloor` or :math:`\lceil a_c K / n_c \rceil` times each. So rare classes repeat; with
      900 and 100 documents, P = 2 and K = 8, each of the 100 comes 9 or 10 times, of the 900 one or two. An epoch is
      therefore longer than the data set: `len(sampler)` documents, the more so where one class has most of them (R52,
      P = 16, K = 8: 40960 for 5865 documents).
    - A class with fewer than K documents repeats some within a block.
    - Documents without a label (a negative one: -1 or -100) are left out.

    The order is a function of `(seed, epoch)` alone. `set_epoch` sets the epoch, which accelerate and
    `transformers.Trainer` call at the start of each and after a resume; where nobody does, each pass over the sampler
    goes on to the next one. So a resumed run meets the same batches as an uninterrupted one. (With several processes,
    accelerate 1.15 does not reach the sampler of an epoch that is resumed in its middle; `GraphTrainer` then calls
    `set_epoch` itself, with another Trainer a callback's `on_epoch_begin` has to: `set_epoch(int(state.epoch))`.)

    In `transformers.Trainer`, return it from `_get_train_sampler` and set `per_device_train_batch_size` to
    `batch_size`; with several processes each gets whole blocks.

    Args:
        labels: Class id of each document, shape `[N]`; negative where there is none.
        classes_per_batch: P, at least 2 and at most the number of classes.
        documents_per_class: K, at least 1; losses that need two of a class want 2 or more.
        seed: Seed of the order.

    Raises:
        ConfigError: if P, K or the seed is out of range, or P is more than the classes that have documents.
        DataError: if no document or only one class has a label.

    Example:
        >>> sampler = ClassBalancedSampler([0, 0, 0, 0, 1, 1, 2], classes_per_batch=2, documents_per_class=2)
        >>> indices = list(sampler)
        >>> len(indices), sorted(set(indices)), sampler.batch_size
        (8, [0, 1, 2, 3, 4, 5, 6], 4)
        >>> from torch.utils.data import DataLoader
        >>> batches = DataLoader(range(7), batch_size=sampler.batch_size, sampler=sampler)
    """

    def __init__(
        self,
        labels: Sequence[int] | IntArray | Tensor,
        *,
        classes_per_batch: int,
        documents_per_class: int,
        seed: int = 0,
    ) -> None:
        ids = np.asarray(labels)
        if ids.ndim != 1 or (ids.size and not np.issubdtype(ids.dtype, np.integer)):
            raise DataError(
                f"labels have shape {list(ids.shape)} and type {ids.dtype}; expected whole numbers, shape [N]."
            )
        for name, value, least in (
            ("classes_per_batch", classes_per_batch, 2),
            ("documents_per_class", documents_per_class, 1),
            ("seed", seed, 0),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name}={value!r}; expected a whole number from {least}.")
        self._members = [np.flatnonzero(ids == label) for label in np.unique(ids[ids >= 0])]
        if len(self._members) < 2:
            raise DataError(
                f"{sum(map(len, self._members))} of {len(ids)} documents have a label, in {len(self._members)} "
                f"classes; balanced batches need at least two classes. Use a random sampler."
            )
        if classes_per_batch > len(self._members):
            raise ConfigError(
                f"classes_per_batch={classes_per_batch}, but only {len(self._members)} classes have documents; give "
                f"at most that many."
            )
        self.classes_per_batch = classes_per_batch
        self.documents_per_class = documents_per_class
        self.seed = seed
        self.epoch = 0
        self._appearances = _appearances(
            np.array([-(-len(member) // documents_per_class) for member in self._members]), classes_per_batch
        )
        if unlabelled := int((ids < 0).sum()):
            logger.info("The class-balanced sampler leaves out %d documents without a label.", unlabelled)

    @property
    def batch_size(self) -> int:
        """Documents of a block, `P * K`: the batch size to give to the loader."""
        return self.classes_per_batch * self.documents_per_class

    def __len__(self) -> int:
        """Documents of an epoch, repeated ones counted each time."""
        return int(self._appearances.sum()) * self.documents_per_class

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose order the next pass takes."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng([self.seed, self.epoch])
        blocks = int(self._appearances.sum()) // self.classes_per_batch
        # Dealt out one after another, the places of one class go to different blocks, since it has at most one for
        # each; and every block gets P of them. The classes are dealt in a drawn order, so that they meet differently.
        order = generator.permutation(len(self._members))
        dealt = np.repeat(order, self._appearances[order]).reshape(self.classes_per_batch, blocks).T
        supply = [
            _supply(member, int(count), self.documents_per_class, generator)
            for member, count in zip(self._members, self._appearances, strict=True)
        ]
        served = np.zeros(len(self._members), dtype=np.int64)
        for block in generator.permutation(blocks):
            classes = dealt[block]
            documents = np.stack([supply[label][served[label]] for label in classes])  # [P, K]
            served[classes] += 1
            yield from documents.T.ravel().tolist()
        self.epoch += 1


def _appearances(groups: IntArray, classes_per_batch: int) -> IntArray:
    """In how many blocks each class takes part: at least its groups, at most all, and P a block in total."""
    blocks = max(int(groups.max()), -(-int(groups.sum()) // classes_per_batch))
    surplus = blocks * classes_per_batch - int(groups.sum())
    appearances = groups.copy()
    # Raise the lowest classes together, level by level: the last level that the surplus pays for is found first.
    low, high = int(groups.min()), blocks
    while low < high:
        level = (low + high + 1) // 2
        if int(np.maximum(level - groups, 0).sum()) <= surplus:
            low = level
        else:
            high = level - 1
    appearances = np.maximum(appearances, low)
    rest = surplus - int((appearances - groups).sum())
    raisable = np.flatnonzero(appearances == low)
    appearances[raisable[:rest]] += 1
    return appearances


def _supply(member: IntArray, count: int, size: int, generator: np.random.Generator) -> IntArray:
    """`[count, size]` documents of a class: permutation after permutation, so that none comes two times more often.

    Where a row begins in one permutation and ends in the next, the next one starts with documents that the row does
    not have yet.
    """
    rounds: list[IntArray] = []
    begun = 0  # documents of the unfinished row, the last ones of the previous permutation
    for _ in range(-(-count * size // len(member))):
        drawn = generator.permutation(member)
        if begun and size <= len(member):
            had = np.isin(drawn, rounds[-1][-begun:])
            drawn = np.concatenate([drawn[~had], drawn[had]])
        rounds.append(drawn)
        begun = (begun + len(member)) % size
    return np.concatenate(rounds)[: count * size].reshape(count, size)
