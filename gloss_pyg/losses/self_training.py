"""The classifier agrees with itself, made sharper: the control of `AgreementLoss`."""

from typing import final

from jaxtyping import Float, Integer
from torch import Tensor

from gloss_pyg.losses.unlabelled import UnlabelledLoss


@final
class SelfTraining(UnlabelledLoss):
    r"""Targets for unlabelled documents are the classifier's own probabilities, sharpened; what a graph must beat.

    .. math:: L_S = -\frac{1}{|V|} \sum_{i \in V} \sum_c q_{ic} \log \mathrm{softmax}(z_i)_c, \qquad
        q_i \propto \left(\pi \, \frac{\mathrm{softmax}(z_i)}{\bar p}\right)^{s}

    Args: see `UnlabelledLoss`.

    Raises:
        ConfigError: see there.

    Source: Grandvalet & Bengio, "Semi-Supervised Learning by Entropy Minimization", NeurIPS 2004; sharpened targets and
    class shares as in Berthelot et al., "ReMixMatch", ICLR 2020, without their augmentation.

    Example:
        >>> import torch
        >>> loss = SelfTraining(start=0, rise=0, class_shares="any")
        >>> logits = torch.tensor([[2.0, 0.0], [0.5, 0.0]], requires_grad=True)
        >>> loss(torch.zeros(2, 3), logits, torch.tensor([0, -100])).backward()
        >>> bool(logits.grad[1, 0] < 0)  # what is likely becomes more so
        True
    """

    def targets(
        self,
        embeddings: Float[Tensor, "documents dim"],  # noqa: ARG002 - the classifier's word alone
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],  # noqa: ARG002
    ) -> Float[Tensor, "documents classes"]:
        """The classifier's probabilities; see `UnlabelledLoss.targets`."""
        return logits.softmax(dim=1)
