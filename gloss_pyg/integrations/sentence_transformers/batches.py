"""`ClassBalancedBatches`: batches of several documents of each class, of which an epoch leaves out none."""

from collections.abc import Sequence
from typing import Any

import torch

from gloss_pyg.data import ClassBalancedSampler
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.integrations.compat import DefaultBatchSampler

DOCUMENTS_PER_CLASS = 4


class ClassBalancedBatches(DefaultBatchSampler):  # type: ignore[misc]  # its base is found when it is imported
    """Batches of several classes with four documents of each, for `batch_sampler` of the training arguments.

    The order is that of `ClassBalancedSampler`. sentence-transformers' `GROUP_BY_LABEL` stops when one label is left
    over, so that of 900 and 100 documents it uses a fifth an epoch; here every document is seen in every epoch, and
    rare classes repeat. A batch size that is no multiple of four documents a class is rounded down to one; it is at
    most four times the number of classes.

    Args:
        dataset: As the Trainer gives it, and the others.
        batch_size: Documents of a batch.
        drop_last: There is no shorter last batch.
        valid_label_columns: The first that the data set has is the classes'; `label` by default.
        generator: Not needed: the order is a function of seed and epoch.
        seed: Of the order.

    Raises:
        ConfigError: for a batch size below 8.
        DataError: for a data set without a column of labels, or with one class.

    Example:
        >>> from datasets import Dataset
        >>> data = Dataset.from_dict({"text": list("abcdefgh"), "label": [0] * 6 + [1] * 2})
        >>> batches = ClassBalancedBatches(data, batch_size=8, drop_last=False)
        >>> [sorted(data[batch]["label"]) for batch in batches]
        [[0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int,
        drop_last: bool,
        valid_label_columns: Sequence[str] | None = None,
        generator: torch.Generator | None = None,
        seed: int = 0,
    ) -> None:
        if batch_size < 2 * DOCUMENTS_PER_CLASS:
            raise ConfigError(
                f"ClassBalancedBatches: per_device_train_batch_size={batch_size}; expected at least "
                f"{2 * DOCUMENTS_PER_CLASS}, two classes with {DOCUMENTS_PER_CLASS} documents each."
            )
        column = next((name for name in valid_label_columns or ["label"] if name in dataset.column_names), None)
        if column is None:
            raise DataError(f"ClassBalancedBatches: the data set has no column of labels among {dataset.column_names}.")
        labels = list(dataset[column])
        classes = len({label for label in labels if label >= 0})
        documents = ClassBalancedSampler(
            labels,
            classes_per_batch=max(2, min(classes, batch_size // DOCUMENTS_PER_CLASS)),
            documents_per_class=DOCUMENTS_PER_CLASS,
            seed=seed,
        )
        super().__init__(
            documents,  # whose consecutive blocks are the batches
            batch_size=documents.batch_size,
            drop_last=drop_last,
            valid_label_columns=valid_label_columns,
            generator=generator,
            seed=seed,
        )

    def set_epoch(self, epoch: int) -> None:
        """Called by the Trainer at the start of an epoch."""
        super().set_epoch(epoch)
        self.sampler.set_epoch(epoch)
