"""The classifier agrees with what propagation infers for unlabelled documents."""

from collections.abc import Callable, Sequence
from typing import cast, final

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import KNNGaussian, check_result, check_steps
from gloss_pyg.graph.precision import full_format, full_precision
from gloss_pyg.losses.checks import check_part
from gloss_pyg.losses.memory import DocumentMemory
from gloss_pyg.losses.unlabelled import ClassShares, UnlabelledLoss
from gloss_pyg.propagation import LabelPropagation, Propagation


@final
class AgreementLoss(UnlabelledLoss):
    r"""Let unlabelled documents learn from the labelled ones that they are near to; for few labels among many texts.

    .. math:: L_A = -\frac{1}{|V|} \sum_{i \in V} \sum_c q_{ic} \log \mathrm{softmax}(z_i)_c, \qquad
        q_i \propto \left(\pi \, \frac{Y_i}{\bar Y}\right)^{s}

    `Y_i` is what propagation from *all* labelled documents gives the unlabelled document `i`, over the graph of the
    batch and the documents remembered from past batches, `\pi` the class shares, `\bar Y` the mean of the rows, `s` the
    sharpness. The graph knows which documents lie together, the classifier does not: it is told, and the encoder
    follows. Where self-training repeats the classifier's own errors, here an error must be one of the graph as well.

    Args:
        graph: Of the batch, as for `GLoss`; no gradient flows through it, so that a bandwidth is not learned here.
            Default: `KNNGaussian(k=10, sigma="local")`.
        memory: Documents of past batches that join the graph, of each kind at most so many (`DocumentMemory`); 0 for
            the batch alone.
        propagation: A layer of `gloss_pyg.propagation` without parameters to learn, or any callable, as for `GLoss`.
        weight: See `UnlabelledLoss`, as for the others.
        start: See there.
        rise: See there.
        sharpness: See there.
        class_shares: See there.

    Shapes: `forward(embeddings [N, d], logits [N, C], labels [N]) -> scalar`; negative labels mark the unlabelled
    documents.

    Requires: batches that hold both kinds (`gloss_pyg.data.MixedSampler`, `FineTuning(labelled_per_batch=...)`), and
    a kernel so narrow that not every label reaches every document alike.

    Raises:
        ConfigError: for numbers out of range, parts that cannot be called, or a layer with parameters.
        DataError: on use, for what does not fit.

    Source: targets from label propagation as in Iscen, Tolias, Avrithis, Chum, "Label Propagation for Deep
    Semi-Supervised Learning", CVPR 2019 (there over the whole data set between epochs); class shares as in Zhu,
    Ghahramani, Lafferty 2003; sharpening as in Berthelot et al., "MixMatch", NeurIPS 2019.

    Example:
        >>> from gloss_pyg.graph import DenseGaussian
        >>> loss = AgreementLoss(DenseGaussian(sigma=0.5), class_shares="uniform")
        >>> embeddings = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.9, 0.1], [0.2, 1.0]])
        >>> logits = torch.zeros(4, 2, requires_grad=True)
        >>> value = loss(embeddings, logits, torch.tensor([0, 1, -100, -100]))
        >>> value.backward()
        >>> (logits.grad[2:, 0] < 0).tolist()  # document 2 is to be of class 0, document 3 is not
        [True, False]
    """

    def __init__(
        self,
        graph: BaseTransform | Callable[[Data], Data] | None = None,
        propagation: Propagation | Callable[..., Tensor] | None = None,
        memory: int = 1000,
        weight: float = 0.5,
        start: int = 5,
        rise: int = 10,
        sharpness: float = 3.0,
        class_shares: ClassShares = "labels",
    ) -> None:
        super().__init__(weight, start, rise, sharpness, class_shares)
        if not isinstance(memory, int) or isinstance(memory, bool) or memory < 0:
            raise ConfigError(
                f"AgreementLoss: memory={memory!r}, expected a number of documents, 0 for the batch alone."
            )
        check_part(graph, "graph", "a graph rule, such as DenseGaussian(sigma=0.5)")
        check_part(propagation, "propagation", "a propagation layer, such as LabelPropagation()")
        self.graph = KNNGaussian(k=10, sigma="local") if graph is None else graph
        check_steps(self.graph)
        self.propagation = LabelPropagation() if propagation is None else propagation  # type: ignore[abstract]
        _refuse_learned(self.propagation)
        self.memory = memory
        self.past = DocumentMemory(memory, memory)

    def fit_labels(self, labels: Sequence[int] | NDArray[np.int64] | Tensor, num_classes: int | None = None) -> None:
        """See `UnlabelledLoss.fit_labels`; the memory then keeps no more documents of a kind than there are."""
        super().fit_labels(labels, num_classes)
        ids = np.asarray(labels)
        self.past.sizes = (min(self.memory, int((ids >= 0).sum())), min(self.memory, int((ids < 0).sum())))

    def targets(
        self,
        embeddings: Float[Tensor, "documents dim"],
        logits: Float[Tensor, "documents classes"],
        labels: Integer[Tensor, " documents"],
    ) -> Float[Tensor, "documents classes"]:
        """Propagated probabilities; see `UnlabelledLoss.targets`."""
        batch = full_format(embeddings)
        x, given_labels, known = batch, labels, self.past.rows.size(0) > 0
        if known:
            x = torch.cat([batch, self.past.rows.to(batch.dtype)])
            labels = torch.cat([labels, self.past.labels])
        if self.training and self.memory:
            self.past.add(batch, given_labels)
        with full_precision(x.device.type):
            built = self.graph(Data(x=x, y=labels))
            graph = check_result(self.graph, built, num_nodes=x.size(0), x=x, edge_weight=None)
            seen = labels >= 0
            seeds = x.new_zeros(x.size(0), logits.size(1)).scatter_(1, labels.clamp(min=0)[:, None], 1.0)
            seeds = seeds * seen[:, None]
            edge_index, edge_weight = cast("Tensor", graph.edge_index), cast("Tensor", graph.edge_weight)
            found: Tensor = self.propagation(seeds, edge_index, seen, edge_weight, x)
        return found[: batch.size(0)]


def _refuse_learned(layer: object) -> None:
    """Refuse a layer that would stay as it was drawn, since targets are not trained, or asks for another model."""
    if isinstance(layer, Propagation) and layer.needs_base:
        raise ConfigError(
            f"AgreementLoss: {type(layer).__name__} corrects another model's probabilities, of which the memory has "
            "none; take a layer that works on labels alone, such as LabelPropagation()."
        )
    open_sizes = isinstance(layer, Propagation) and layer.open_sizes
    if open_sizes or (isinstance(layer, torch.nn.Module) and next(layer.parameters(), None) is not None):
        raise ConfigError(
            f"AgreementLoss: {type(layer).__name__} has parameters to learn, and targets are not trained; take a layer "
            "without any, such as LabelPropagation()."
        )
