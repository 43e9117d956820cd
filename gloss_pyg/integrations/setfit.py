"""`Trainer`: SetFit's (extra `setfit`), for losses over a batch of documents with their classes."""

from typing import Any

import numpy as np
from datasets import Dataset

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.integrations.compat import SetFitTrainer
from gloss_pyg.integrations.sentence_transformers import ClassBalancedBatches, GraphLoss


class Trainer(SetFitTrainer):  # type: ignore[misc]  # its base is found when it is imported
    """SetFit's trainer with `GraphLoss`, which gets the texts and their labels in class-balanced batches.

    SetFit decides by a list of five classes whether a loss gets texts with labels; any other is silently fed *pairs*
    of texts, with 1 for one class and 0 for two in the place of labels. This trainer hands `GraphLoss` what it needs,
    and leaves other losses to SetFit.

    Args:
        As `setfit.Trainer`; `args.loss` is `GraphLoss`, or `GraphLoss.configured(loss=GLoss(...))`.

    Raises:
        ConfigError: as `train` begins, for multi-label heads, which have no single class a document.
        DataError: for documents of one class only.

    Example:
        >>> import setfit
        >>> arguments = setfit.TrainingArguments(loss=GraphLoss, batch_size=32)
        >>> # Trainer(model, arguments, train_dataset=train).train()
    """

    def get_dataset(self, x: list[str], y: list[Any], args: Any, max_pairs: int = -1) -> tuple[Dataset, Any]:
        """Texts with class ids for `GraphLoss`, what SetFit makes for others."""
        if not _is_ours(args.loss):
            found: tuple[Dataset, Any] = super().get_dataset(x, y, args=args, max_pairs=max_pairs)
            return found
        if self.model.multi_target_strategy is not None:
            raise ConfigError(
                "GraphLoss needs one class a document; this SetFit model has several (multi_target_strategy)."
            )
        names, ids = np.unique(np.asarray(y), return_inverse=True)
        if len(names) < 2:
            raise DataError(f"GraphLoss needs documents of at least two classes; all {len(x)} are of {names.tolist()}.")
        # Read by the sentence-transformers trainer inside when it makes its loader, after this call.
        self.st_trainer.args.batch_sampler = ClassBalancedBatches
        return Dataset.from_dict({"sentence": list(x), "label": ids.tolist()}), args.loss(self.model.model_body)


def _is_ours(loss: Any) -> bool:
    return isinstance(loss, type) and issubclass(loss, GraphLoss)
