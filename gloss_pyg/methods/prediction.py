"""Predicting by propagation from the training documents, in place of the linear classifier or mixed with it."""

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from gloss_pyg.classifier import PropagationClassifier
from gloss_pyg.encoder import TextEncoder
from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Attaches, Attachment, GraphRule
from gloss_pyg.propagation import Propagation

SETTINGS, TENSORS = "propagation.json", "propagation.safetensors"
progress = logging.getLogger("gloss_pyg.progress")


@dataclass(frozen=True)
class _Propagated:
    """What predicting takes: the graph to attach to, and a row of probabilities for each of its documents."""

    attachment: Attachment
    labels: Tensor  # [n], negative where there is none
    distributions: Tensor  # [n, C]
    prior: Tensor  # [C]


@final
class PropagationHead:
    r"""Predict from the training documents' embeddings and labels; for few labels, and encoders whose graph is trained.

    .. math:: p = w\, p_{\text{propagation}} + (1 - w)\, p_{\text{linear}}

    with `p_propagation` of `PropagationClassifier` on the embeddings of all training documents, labelled or not, by the
    encoder as it was kept, and `p_linear` the softmax of the linear classifier. A document is attached to its nearest
    training documents; test documents never see each other, so that the method stays inductive.

    Which parameters of the encoder are kept is decided by the linear classifier's validation score all the same.

    Args:
        graph: A rule that new documents can be attached to, `KNNGaussian` (by default with k=10 and local bandwidths)
            or `DenseGaussian`.
        propagation: A propagation layer with nothing to learn; by default that of `PropagationClassifier`.
        weight: `w`, above 0 and at most 1: 1 is propagation alone, 0.5 the mean of both.

    Raises:
        ConfigError: for a weight out of range, a graph that cannot attach, or a layer that has to learn or needs
            another model's probabilities.

    Example:
        >>> from gloss_pyg.graph import KNNGaussian
        >>> head = PropagationHead(KNNGaussian(k=2, sigma=0.5), weight=0.5)
        >>> head.fit(torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]]), np.array([0, -1, 1]), num_classes=2)
        >>> head.mix(torch.tensor([[0.2, 0.8]]), torch.tensor([[1.0, 0.0]]))[0, 0] > 0.5
        tensor(True)
    """

    def __init__(
        self,
        graph: GraphRule | None = None,
        propagation: Propagation | None = None,
        weight: float = 1.0,
    ) -> None:
        if not 0 < weight <= 1:
            raise ConfigError(
                f"PropagationHead: weight={weight}, expected a number above 0 and at most 1, the share of propagation; "
                "without a head the linear classifier predicts alone."
            )
        if graph is not None and not isinstance(graph, Attaches):
            raise ConfigError(
                f"PropagationHead: {type(graph).__name__} has no way to attach new documents to its graph; take "
                "KNNGaussian or DenseGaussian."
            )
        if propagation is not None and propagation.needs_base:
            raise ConfigError(
                f"PropagationHead: {type(propagation).__name__} corrects another model's probabilities, and a head "
                "has none; take a layer that works on labels alone. weight=0.5 mixes in the linear classifier."
            )
        if propagation is not None and (
            propagation.open_sizes or any(parameter.requires_grad for parameter in propagation.parameters())
        ):
            raise ConfigError(
                f"PropagationHead: {type(propagation).__name__} has parameters to learn, and a head does not train "
                "them; take a layer without any, as LabelSpreading, or one that is trained, with requires_grad_(False)."
            )
        self.graph = graph
        self.propagation = propagation
        self.weight = weight
        self._fitted: _Propagated | None = None

    def fit(self, embeddings: Float[Tensor, "documents dim"], labels: np.ndarray, num_classes: int) -> None:
        """Build the graph of the training documents and propagate their labels.

        Args:
            embeddings: A row for each.
            labels: Class ids, negative where there is none.
            num_classes: How many classes there are; some may have no labelled document.
        """
        progress.info("propagating labels over %d training documents", len(labels))
        classifier = PropagationClassifier(self.graph, self.propagation, unlabelled=-1)
        classifier.fit(embeddings.numpy(), np.where(labels < 0, -1, labels))
        assert classifier.attachment_ is not None  # the constructor has seen to it
        classes = torch.from_numpy(classifier.classes_)
        distributions = embeddings.new_zeros(len(labels), num_classes)
        distributions[:, classes] = torch.from_numpy(classifier.label_distributions_)
        prior = embeddings.new_zeros(num_classes)
        prior[classes] = torch.from_numpy(classifier.class_prior_).to(prior.dtype)
        self._fitted = _Propagated(
            classifier.attachment_, torch.from_numpy(labels.astype(np.int64)), distributions, prior
        )

    def mix(
        self, linear: Float[Tensor, "documents classes"], embeddings: Float[Tensor, "documents dim"]
    ) -> Float[Tensor, "documents classes"]:
        """Probabilities of new documents from those of the linear classifier and their embeddings."""
        fitted = self._state()
        rows = fitted.attachment.mean(embeddings, fitted.distributions).double()
        total = rows.sum(dim=1, keepdim=True)
        propagated = torch.where(total > 0, rows / total.clamp(min=torch.finfo(rows.dtype).tiny), fitted.prior.double())
        return (self.weight * propagated + (1 - self.weight) * linear.double()).to(linear.dtype)

    def save(self, folder: Path) -> None:
        """Write what predicting takes: `propagation.safetensors` and `propagation.json`."""
        fitted = self._state()
        tensors = {
            "embeddings": fitted.attachment.rows,
            "labels": fitted.labels,
            "distributions": fitted.distributions,
            "prior": fitted.prior,
            "precision": fitted.attachment.precision,
        }
        save_file({name: value.contiguous() for name, value in tensors.items()}, folder / TENSORS)
        settings = {
            "weight": self.weight,
            "neighbours": fitted.attachment.k,
            "search": fitted.attachment.search,
            "made_with": {"graph": repr(self.graph), "propagation": repr(self.propagation)},
        }
        (folder / SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "PropagationHead | None":
        """The head that was saved with a model, ready to predict; `None` where the linear classifier predicts alone.

        Raises:
            DataError: if only a part of it is there, or it cannot be read.
        """
        if not (folder / SETTINGS).is_file() and not (folder / TENSORS).is_file():
            return None
        try:
            settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
            tensors = load_file(folder / TENSORS)
            head = cls(weight=settings["weight"])
            attachment = Attachment(
                tensors["embeddings"], tensors["precision"], settings["neighbours"], settings["search"]
            )
            head._fitted = _Propagated(attachment, tensors["labels"], tensors["distributions"], tensors["prior"])
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise DataError(
                f"{folder} holds a model that predicts by propagation, but {SETTINGS} and {TENSORS} cannot be read "
                f"({error}). Copy the whole folder, or train again."
            ) from error
        return head

    def _state(self) -> _Propagated:
        if self._fitted is None:
            raise ConfigError("This PropagationHead was not fitted: call fit(embeddings, labels, num_classes) first.")
        return self._fitted


def encode(
    encoder: TextEncoder,
    documents: Iterable[Mapping[str, Any]],
    collate: Callable[[Sequence[Mapping[str, Any]]], dict[str, Tensor]],
    batch_size: int,
) -> tuple[Float[Tensor, "documents classes"], Float[Tensor, "documents dim"]]:
    """Logits and embeddings of tokenised documents, at least one, in one pass."""
    both = apply_to_documents(
        encoder, documents, collate, lambda outputs: torch.cat([outputs.logits, outputs.embeddings], dim=1), batch_size
    )
    classes = encoder.classifier.out_features
    return both[:, :classes], both[:, classes:].contiguous()


def probabilities(
    logits: Float[Tensor, "documents classes"],
    embeddings: Float[Tensor, "documents dim"],
    head: PropagationHead | None,
) -> np.ndarray:
    """Class probabilities `[n, C]` in float32: the softmax, or what a head makes of it."""
    linear = logits.softmax(dim=1)
    return (linear if head is None else head.mix(linear, embeddings)).numpy()
