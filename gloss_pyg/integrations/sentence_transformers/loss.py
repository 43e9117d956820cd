"""`GraphLoss`: our losses by the protocol of sentence-transformers."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partialmethod
from numbers import Integral
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.graph.fitting import fittable_parts
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.model_card import BIBTEX
from gloss_pyg.training.usable import UsableBatches


class GraphLoss(nn.Module):
    r"""A loss over the batch's graph for `SentenceTransformerTrainer`, alone or beside a linear classifier's.

    .. math:: L = L_G, \qquad \text{or with } \texttt{num_labels} \quad L = \lambda L_G + (1 - \lambda) L_{CE}

    Both parts come into the Trainer's log by name. One warning tells when the graph loss could use few batches.

    Args:
        model: The `SentenceTransformer` that is trained.
        loss: `GLoss(...)`, or any loss of ours from `(embeddings, labels)`; by default
            `GLoss(DenseGaussian(sigma=0.5))`. A `sigma` that is to be fitted is fitted by `fit_sigma`.
        num_labels: With a number of classes a linear classifier on the embeddings is trained beside; it is
            `loss.classifier`, and no part of the saved model.
        weight: `lambda`, from 0 to 1; of the classifier's loss it is the rest.

    Shapes: one text column and a column `label` of class ids; negative ids mark documents without a label.

    Raises:
        ConfigError: for a model without embeddings, a weight outside [0, 1], or what is no number of classes from 2.
        DataError: on use, for more than one text column (a trainer that makes pairs), or labels that are no class ids.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853.

    Example:
        >>> from sentence_transformers import SentenceTransformer
        >>> from gloss_pyg.encoder.offline import offline_folder
        >>> loss = GraphLoss(SentenceTransformer(str(offline_folder()), device="cpu"), num_labels=5)
        >>> loss.classifier  # SentenceTransformerTrainer(model, args, train_dataset, loss=loss)
        Linear(in_features=384, out_features=5, bias=True)
    """

    def __init__(
        self, model: nn.Module, loss: nn.Module | None = None, num_labels: int | None = None, weight: float = 0.7
    ) -> None:
        super().__init__()
        if not isinstance(model, nn.Module) or not callable(getattr(model, "encode", None)):  # a string encodes too
            raise ConfigError(
                f"GraphLoss needs the SentenceTransformer that is trained, not {type(model).__name__}; write "
                "GraphLoss(model, GLoss(...))."
            )
        if num_labels is not None and (not _is_whole(num_labels) or num_labels < 2):
            raise ConfigError(f"num_labels={num_labels!r}: expected the number of classes, a whole number from 2.")
        self.model = model  # by this name the Trainer puts a wrapped model in its place
        self.loss = GLoss(DenseGaussian(sigma=0.5)) if loss is None else loss
        self.classifier = None if num_labels is None else nn.Linear(_dimension(model), num_labels)
        self.hybrid = HybridLoss(self.loss, weight)  # of use with a classifier; without one it has checked the weight
        self._usable = UsableBatches(self.loss)

    @classmethod
    def configured(cls, **settings: Any) -> type["GraphLoss"]:
        """A class with other defaults, for hosts that make the loss of nothing but the model, as SetFit does.

        Example:
            >>> narrow = GraphLoss.configured(loss=GLoss(DenseGaussian(sigma=0.3)))
            >>> narrow.__name__, issubclass(narrow, GraphLoss)
            ('GraphLoss', True)
        """
        return type(cls.__name__, (cls,), {"__init__": partialmethod(cls.__init__, **settings), "__doc__": cls.__doc__})

    def fit_sigma(self, texts: Sequence[str], labels: Sequence[int] | None = None, batch_size: int = 32) -> "GraphLoss":
        """Fit a `sigma` of the graph that is found once, such as `"sqrt"`, on embeddings of the training texts.

        Args:
            texts: Those of the training documents.
            labels: Their class ids, for `sigma="leave-one-out"`.
            batch_size: Of encoding.

        Returns:
            The loss, so that `GraphLoss(model, GLoss()).fit_sigma(texts)` is one line.
        """
        rows = self.model.encode(list(texts), batch_size=batch_size, convert_to_tensor=True)  # type: ignore[operator]
        for part in fittable_parts(self.loss):
            part.fit(rows.float(), None if labels is None else np.asarray(labels))
        return self

    def forward(self, sentence_features: Iterable[Mapping[str, Any]], labels: Tensor | None) -> dict[str, Tensor]:
        """The parts of the loss, weighted: the Trainer adds them up, and logs each."""
        columns = list(sentence_features)
        if len(columns) != 1:
            raise DataError(
                f"GraphLoss got {len(columns)} text columns; it looks at single documents and their classes, not at "
                "pairs. Give a data set with the columns 'text' and 'label'; in SetFit use "
                "gloss_pyg.integrations.setfit.Trainer."
            )
        return self._parts(self.model(columns[0])["sentence_embedding"], labels)

    def compute_loss_from_embeddings(self, embeddings: list[Tensor], labels: Tensor | None) -> Tensor:
        """The loss of embeddings that are there already, as losses that wrap others ask for it."""
        return torch.stack(list(self._parts(embeddings[0], labels).values())).sum()

    def _parts(self, embeddings: Tensor, labels: Tensor | None) -> dict[str, Tensor]:
        ids = _class_ids(labels, embeddings.size(0))
        # In evaluation the hidden labels are the same at every call; the Trainer sets the mode of the model alone.
        self.loss.train(self.model.training)
        if self.classifier is None:
            parts = {"graph_loss": self.loss(embeddings, ids)}
        else:
            logits = self.classifier(embeddings.to(self.classifier.weight.dtype))
            parts = self.hybrid.weighted(self.hybrid.parts(embeddings, logits, ids))
        if self.model.training:
            self._usable.batch()
        return parts

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card says of the loss."""
        settings: dict[str, Any] = {"loss": type(self.loss).__name__}
        for name in ("graph", "propagation", "labelled_fraction"):
            if (value := getattr(self.loss, name, None)) is not None:
                settings[name] = value if isinstance(value, float) else repr(value)
        if self.classifier is not None:
            settings |= {"weight": self.hybrid.weight, "num_labels": self.classifier.out_features}
        return settings

    @property
    def citation(self) -> str:
        """What to cite, for the model card."""
        return BIBTEX


def _is_whole(number: object) -> bool:
    """Whether this is a whole number, NumPy's too; a flag is none."""
    return isinstance(number, Integral) and not isinstance(number, bool)


def _dimension(model: nn.Module) -> int:
    for name in ("get_embedding_dimension", "get_sentence_embedding_dimension"):
        if callable(found := getattr(model, name, None)) and (size := found()):
            return int(size)
    raise ConfigError("The model does not say how wide its embeddings are; num_labels needs that for its classifier.")


def _class_ids(labels: Tensor | None, documents: int) -> Tensor:
    if labels is None or labels.numel() != documents or labels.is_floating_point():
        seen = "none" if labels is None else f"{labels.dtype} of shape {list(labels.shape)}"
        raise DataError(
            f"GraphLoss needs a class id for each of {documents} documents, and got labels: {seen}. Give the data set "
            "a column 'label' of whole numbers."
        )
    return labels.view(-1)
