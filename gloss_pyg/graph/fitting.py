"""What is fitted once on the pretrained embeddings, before training, and how it is found inside a graph step."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn


class Fittable(nn.Module, ABC):
    """A part of a graph step that may need the training documents' pretrained embeddings before its first use."""

    @property
    @abstractmethod
    def needs_fit(self) -> bool:
        """Whether `fit` is still to be called."""

    @abstractmethod
    def fit(self, embeddings: Float[Tensor, "documents dim"], labels: NDArray[np.int64] | None = None) -> None:
        """Fit once from pretrained embeddings `[n, d]` of the training documents, and their labels where needed."""


def fittable_parts(step: object) -> list[Fittable]:
    """The outermost parts of a step that can be fitted; none of what is no module, whose parts torch does not know.

    Example:
        >>> from gloss_pyg.graph import DenseGaussian
        >>> [type(part).__name__ for part in fittable_parts(DenseGaussian(sigma="sqrt"))]
        ['Bandwidth']
    """
    if isinstance(step, Fittable):
        return [step]
    return [part for child in step.children() for part in fittable_parts(child)] if isinstance(step, nn.Module) else []
