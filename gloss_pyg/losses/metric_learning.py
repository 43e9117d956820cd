"""Any loss of pytorch-metric-learning."""

from typing import Any, final

from jaxtyping import Float, Int
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Sized
from gloss_pyg.graph.sized import check_size, unsized
from gloss_pyg.losses.embedding import EmbeddingLoss
from gloss_pyg.losses.library import METRIC_LEARNING, Arguments, check_spec, parameters

# What losses with a vector for each class call the width of embeddings and the number of classes.
_WIDTHS, _CLASSES = ("embedding_size", "descriptors_dim"), "num_classes"
_WITHOUT_LABELS = ("ManifoldLoss", "VICRegLoss")


@final
class MetricLearning(EmbeddingLoss, Sized):
    """Any of the losses of pytorch-metric-learning (extra `metric`), with distance, reducer and regulariser of choice.

    In YAML::

        graph_loss:
          class_path: MetricLearning
          init_args:
            loss: MultiSimilarityLoss
            arguments: {alpha: 2, distance: {class_path: LpDistance, init_args: {normalize_embeddings: false}}}

    Losses with a vector for each class (ArcFace, ProxyAnchor, ...) take `num_classes` and `embedding_size` from the
    model where they are not given, and are trained with it, at the same learning rate: `loss: ProxyAnchorLoss` is all
    that YAML needs.

    Args:
        loss: Class path of the loss, or its name alone; in Python also an object.
        arguments: What it is made with; objects in it as `{class_path: ..., init_args: {...}}`.

    Requires of a batch: what the loss requires; the library gives zero for most batches that a loss cannot use, and
    where it gives NaN for one without two documents of a class or without two classes, ours is zero too.

    Most of the library's distances bring rows to unit length first, unless told `normalize_embeddings: false`.

    Raises:
        ConfigError: for a class that is no loss of embeddings and labels (wrappers such as `CrossBatchMemory`, which
            would remember validation documents; `VICRegLoss`, `ManifoldLoss`), and for arguments that it does not have.
        MissingExtraError: if pytorch-metric-learning is not installed.
        DataError: see `EmbeddingLoss`; for a label beyond the loss's classes, and for what the loss refuses.

    Source: Musgrave, Belongie, Lim, "PyTorch Metric Learning", arXiv 2008.09164.

    Example:
        >>> import torch
        >>> loss = MetricLearning("ContrastiveLoss", {"neg_margin": 0.5})
        >>> float(loss(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 0, 1])))
        0.0
        >>> MetricLearning("ArcFaceLoss").open_sizes
        ('num_classes', 'embedding_size')
    """

    def __init__(self, loss: str | nn.Module, arguments: Arguments | None = None) -> None:
        super().__init__()
        base = METRIC_LEARNING.module("losses").BaseMetricLossFunction
        check_spec(self, loss, arguments)
        self.loss = loss
        self.arguments = arguments
        self._open: tuple[str, ...] = ()
        self.made: nn.Module | None = None
        cls = type(loss) if isinstance(loss, nn.Module) else METRIC_LEARNING.find(loss)
        given: dict[str, Any] = vars(loss) if isinstance(loss, nn.Module) else dict(arguments or {})
        if not issubclass(cls, base) or cls.__name__ in _WITHOUT_LABELS:
            raise ConfigError(
                f"MetricLearning: {cls.__name__} is no loss of embeddings and labels alone, which is what a batch has; "
                "take a loss of pytorch_metric_learning.losses that derives from BaseMetricLossFunction."
            )
        self._sizes = {name: given[name] for name in (_CLASSES, *_WIDTHS) if isinstance(given.get(name), int)}
        if isinstance(loss, nn.Module):
            return
        required = parameters(cls)[1]
        self._open = tuple(name for name in (_CLASSES, *_WIDTHS) if name in required and name not in given)
        self._cls, self._given = cls, given
        # Made all the same where sizes are open: what is wrong with the other arguments is said at once.
        made = METRIC_LEARNING.make(cls, given | dict.fromkeys(self._open, 2))
        self.made = None if self._open else made

    @property
    def open_sizes(self) -> tuple[str, ...]:
        """See `Sized.open_sizes`."""
        return self._open

    def set_sizes(self, dim: int, num_classes: int) -> None:
        """See `Sized.set_sizes`."""
        told = {_CLASSES: num_classes} | dict.fromkeys(_WIDTHS, dim)
        for name, made_for in self._sizes.items():
            check_size(self.loss if self.made is None else self.made, name, made_for, told[name])
        if self._open:
            chosen = {name: told[name] for name in self._open}
            self.made = METRIC_LEARNING.make(self._cls, self._given | chosen)
            self._sizes, self._open = self._sizes | chosen, ()

    def usable(self, labels: Int[Tensor, " documents"]) -> bool:
        """See the class."""
        return labels.numel() > 0

    def value(self, embeddings: Float[Tensor, "documents dim"], labels: Int[Tensor, " documents"]) -> Float[Tensor, ""]:
        """See the class."""
        if self._open:
            raise unsized(type(self).__name__, *self._open)
        loss = self.loss if isinstance(self.loss, nn.Module) else self.made
        assert loss is not None  # made where nothing is open
        classes = self._sizes.get(_CLASSES)
        if classes is not None and int(labels.max()) >= classes:
            raise DataError(f"A label is {int(labels.max())}, but {type(loss).__name__} has {classes} classes.")
        try:
            found: Tensor = loss(embeddings, labels)
        except (ValueError, AssertionError) as error:
            raise DataError(f"{type(loss).__name__} cannot use a batch of {labels.numel()}: {error}") from error
        return found

    def extra_repr(self) -> str:
        """What was asked for."""
        return "" if isinstance(self.loss, nn.Module) else f"loss={self.loss!r}, arguments={self.arguments!r}"
