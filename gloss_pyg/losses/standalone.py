"""A loss over embeddings alone, as training takes it."""

from typing import final

from jaxtyping import Float, Integer
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError
from gloss_pyg.losses.base import TrainingLoss
from gloss_pyg.losses.checks import check_part, class_ids
from gloss_pyg.losses.gloss import GLoss


@final
class StandaloneLoss(TrainingLoss):
    """Train the encoder with a loss over embeddings and nothing else; the classifier gets no gradient.

    `Standalone` makes one of its loss; for a training script of your own, which then has to fit a classifier after it.

    Args:
        graph_loss: `GLoss`, or any module from `(embeddings, labels)` to a scalar, as for `HybridLoss`.

    Shapes: `forward(embeddings [N, d], logits [N, C], labels [N]) -> scalar`; nothing is read of the logits.

    Raises:
        ConfigError: for a loss that cannot be called, or works on the classifier's predictions (`CorrectAndSmooth`).
        DataError: for labels that are no integers or not one for each document; see also the loss.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, the standalone pipeline.

    Example:
        >>> import torch
        >>> from gloss_pyg.losses import PairwiseCosine
        >>> embeddings = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
        >>> sorted(StandaloneLoss(PairwiseCosine()).parts(embeddings, torch.zeros(2, 2), torch.tensor([0, 1])))
        ['graph_loss']
    """

    def __init__(self, graph_loss: nn.Module) -> None:
        super().__init__()
        check_part(graph_loss, "graph_loss", "a loss, such as GLoss(DenseGaussian(sigma=0.5))")
        if isinstance(graph_loss, GLoss) and graph_loss.needs_base:
            raise ConfigError(
                f"{type(graph_loss.propagation).__name__} corrects a classifier's predictions, and alone a loss over "
                "embeddings has no classifier; take HybridLoss, or a layer that works on labels alone."
            )
        self.graph_loss = graph_loss

    def parts(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],  # noqa: ARG002 - all training losses are called alike
        labels: Integer[Tensor, " documents"],
    ) -> dict[str, Tensor]:
        """The one part, by the name that it has in `HybridLoss`."""
        return {"graph_loss": self.graph_loss(embeddings, class_ids(labels, embeddings))}

    def total(self, parts: dict[str, Tensor]) -> Float[Tensor, ""]:
        """The one part."""
        return parts["graph_loss"]
