"""`LossReport`: how propagation fares, in the logs of a Lightning training (extra `lightning`)."""

from typing import Any

from gloss_pyg.errors import ConfigError
from gloss_pyg.integrations.compat import LightningCallback
from gloss_pyg.losses import GLoss
from gloss_pyg.training.usable import UsableBatches


class LossReport(LightningCallback):  # type: ignore[misc]  # its base is found when it is imported
    """A Lightning callback that logs, at the end of each epoch, what the graph losses inside the module counted.

    `hidden_accuracy` (of the labels that propagation inferred) beside `chance`, `usable_batches`, and the share of
    hidden documents that no seed of their class reaches (`uncounted`); and one warning where few batches are usable.
    The loss itself needs no adapter: it is a module, an attribute of the `LightningModule`, which is then moved,
    optimised and saved with it.

    Raises:
        ConfigError: as training begins, where the module holds no `GLoss`.

    Example:
        >>> report = LossReport()
        >>> # class Classifier(LightningModule):
        >>> #     def __init__(self): ...; self.loss = HybridLoss(GLoss(DenseGaussian(sigma=0.5)))
        >>> #     def training_step(self, batch, _): ...; return self.loss(embeddings, logits, labels)
        >>> # Trainer(callbacks=[report]).fit(Classifier(), loader)
    """

    def __init__(self) -> None:
        self._counts: UsableBatches | None = None

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - the library's signature
        """Find the graph losses."""
        if not any(isinstance(part, GLoss) for part in pl_module.modules()):
            raise ConfigError(
                f"LossReport: {type(pl_module).__name__} holds no GLoss; make the loss an attribute of the module, as "
                "self.loss = HybridLoss(GLoss(...))."
            )
        self._counts = UsableBatches(pl_module)

    def on_train_batch_end(self, *args: Any, **kwargs: Any) -> None:  # noqa: ARG002 - the library's signature
        """Count."""
        if self._counts is not None:
            self._counts.batch()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002 - the library's signature
        """Log, and count the next epoch afresh."""
        if self._counts is not None:
            pl_module.log_dict(self._counts.summary())
            self._counts.reset()
