"""Batches that mix labelled and unlabelled documents in a stated ratio."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from torch import Tensor
from torch.utils.data import Sampler

from gloss_pyg.errors import ConfigError, DataError

IntArray = npt.NDArray[np.int64]


class MixedSampler(Sampler[int]):
    r"""Document indices whose consecutive blocks hold as many labelled and unlabelled documents as you say.

    For losses that learn from unlabelled documents (`AgreementLoss`): where few documents have a label, most random
    batches would hold none.

    What holds for every epoch, with `l` labelled and `u` unlabelled documents a block, of `L` and `U` in all:

    - It has :math:`M = \max(\lceil L / l \rceil, \lceil U / u \rceil)` blocks, of `l` labelled documents, then `u`
      unlabelled ones; none is shorter.
    - Every document comes :math:`\lfloor M l / L \rfloor` or :math:`\lceil M l / L \rceil` times (unlabelled ones
      likewise), never twice in a block.
    - Labelled documents are dealt in an order that spreads each class evenly, so that a block holds the classes in
      their shares as nearly as whole documents admit: two classes of the same size differ by at most two in it.

    The order is a function of `(seed, epoch)` alone; see `ClassBalancedSampler` for how epochs are counted.

    Args:
        labels: Class id of each document, shape `[N]`; negative where there is none.
        labelled: `l`, at least 1; of fewer labelled documents all are in every block.
        unlabelled: `u`, at least 1; likewise.
        seed: Seed of the order.

    Raises:
        ConfigError: if a number is out of range.
        DataError: for labels that are no whole numbers `[N]`, or if no document has a label, or all have.

    Example:
        >>> sampler = MixedSampler([0, 1, -1, -1, -1, -1], labelled=2, unlabelled=2)
        >>> indices = list(sampler)
        >>> sampler.batch_size, sorted(indices[:2]), sorted(indices[2:4] + indices[6:8])
        (4, [0, 1], [2, 3, 4, 5])
    """

    def __init__(
        self, labels: Sequence[int] | IntArray | Tensor, *, labelled: int, unlabelled: int, seed: int = 0
    ) -> None:
        ids = np.asarray(labels)
        if ids.ndim != 1 or (ids.size and not np.issubdtype(ids.dtype, np.integer)):
            raise DataError(
                f"labels have shape {list(ids.shape)} and type {ids.dtype}; expected whole numbers, shape [N]."
            )
        for name, value, least in (("labelled", labelled, 1), ("unlabelled", unlabelled, 1), ("seed", seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ConfigError(f"{name}={value!r}; expected a whole number from {least}.")
        self._labels = ids
        self._labelled, self._unlabelled = np.flatnonzero(ids >= 0), np.flatnonzero(ids < 0)
        if not len(self._labelled) or not len(self._unlabelled):
            raise DataError(
                f"{len(self._labelled)} of {len(ids)} documents have a label; batches can be mixed only of both kinds. "
                "Keep the documents without a label (unlabelled: keep, in a configuration's data), or take another "
                "sampler."
            )
        self.labelled = min(labelled, len(self._labelled))
        self.unlabelled = min(unlabelled, len(self._unlabelled))
        self.seed = seed
        self.epoch = 0

    @property
    def batch_size(self) -> int:
        """Documents of a block: the batch size to give to the loader."""
        return self.labelled + self.unlabelled

    @property
    def blocks(self) -> int:
        """Blocks of an epoch, `M`."""
        return max(-(-len(self._labelled) // self.labelled), -(-len(self._unlabelled) // self.unlabelled))

    def __len__(self) -> int:
        """Documents of an epoch, repeated ones counted each time."""
        return self.blocks * self.batch_size

    def set_epoch(self, epoch: int) -> None:
        """Set the epoch whose order the next pass takes."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        generator = np.random.default_rng([self.seed, self.epoch])
        labelled = _dealt(self._labelled, self._labels[self._labelled], self.blocks, self.labelled, generator)
        one_kind = np.zeros(len(self._unlabelled), dtype=np.int64)
        unlabelled = _dealt(self._unlabelled, one_kind, self.blocks, self.unlabelled, generator)
        for block in np.concatenate([labelled, unlabelled], axis=1):
            yield from block.tolist()
        self.epoch += 1


def _dealt(documents: IntArray, kinds: IntArray, blocks: int, size: int, generator: np.random.Generator) -> IntArray:
    """`[blocks, size]` documents, pass after pass over all, each pass with its kinds spread evenly."""
    passes: list[IntArray] = []
    begun = 0  # documents of the unfinished block, the last ones of the pass before
    for _ in range(-(-blocks * size // len(documents))):
        drawn = documents[_spread(kinds, generator)]
        if begun:
            had = np.isin(drawn, passes[-1][-begun:])
            # Those that the block has already wait until it is full.
            first = np.flatnonzero(~had)[: size - begun]
            rest = np.setdiff1d(np.arange(len(drawn)), first)
            drawn = np.concatenate([drawn[first], drawn[rest]])
        passes.append(drawn)
        begun = (begun + len(documents)) % size
    return np.concatenate(passes)[: blocks * size].reshape(blocks, size)


def _spread(kinds: IntArray, generator: np.random.Generator) -> IntArray:
    """An order in which documents of each kind come at even distances: drawn, but for one place in each n-th."""
    place = np.empty(len(kinds))
    for kind in np.unique(kinds):
        members = generator.permutation(np.flatnonzero(kinds == kind))
        place[members] = (np.arange(len(members)) + generator.random(len(members))) / len(members)
    return np.argsort(place, kind="stable")
