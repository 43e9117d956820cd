"""The graph loss: how well hidden labels can be inferred from seen ones over the graph of the batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast, final

import numpy as np
import torch
from jaxtyping import Bool, Float, Integer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, Sized, check_result, check_steps, fittable_parts
from gloss_pyg.graph.log_weights import leads
from gloss_pyg.graph.precision import full_format, full_precision
from gloss_pyg.graph.reach import is_connected, reached
from gloss_pyg.graph.sized import check_size
from gloss_pyg.graph.tensors import check_tensors
from gloss_pyg.losses.checks import check_embeddings, check_part, class_ids, is_number
from gloss_pyg.losses.mask import stratified_mask
from gloss_pyg.losses.objectives import NegativeLogProbability, Objective
from gloss_pyg.losses.statistics import BatchStatistics
from gloss_pyg.propagation import LabelPropagation, Propagation
from gloss_pyg.propagation.checks import check_needs

EVALUATION_SEED = 0


@dataclass(frozen=True)
class Propagated:
    """One batch, propagated: what the loss is made of, and what there is to look at.

    Attributes:
        graph: `x` the embeddings, `y` the seen labels (-100 elsewhere), `edge_index`, `edge_weight`.
        seen: `[N]`, documents whose labels propagation saw.
        hidden: `[N]`, labelled documents whose labels it did not see.
        counted: `[N]`, hidden documents that a seed of their class can reach.
        probabilities: `[N, C]`, as propagation gave them; labelled rows are the layer's to define.
    """

    graph: Data
    seen: Tensor
    hidden: Tensor
    counted: Tensor
    probabilities: Tensor


@final
class GLoss(nn.Module, Sized):
    r"""Hide some labels of the batch, infer them by propagation over its graph, charge for what is inferred wrongly.

    .. math:: L_G = -\frac{1}{|V|} \sum_{i \in V} \log P(y_i \mid \text{graph of the batch}, \text{seen labels})

    The graph is built from the embeddings at each call and the error flows back through its edge weights: documents
    are pulled towards labelled documents of their class along paths through the whole batch, where cross-entropy looks
    at one document at a time and contrastive losses at pairs. Join it with cross-entropy by `HybridLoss`.

    Args:
        graph: From `Data(x, y)` to `Data` with `edge_index` and `edge_weight`: a rule of `gloss_pyg.graph`, a `Compose`
            of rules and PyG's transforms, or any callable. Hidden labels are -100 in its `y`. Default:
            `DenseGaussian(sigma="sqrt")`.
        propagation: A layer of `gloss_pyg.propagation`, or any callable `(y [N, C], edge_index, mask, edge_weight, x)`
            to probabilities `[N, C]`. Hidden labels are zero rows before it sees them. Default: `LabelPropagation()`.
        labelled_fraction: Share of the batch's labels that stay seen (the paper's gamma), above 0 and below 1.
        num_classes: Number of classes; by default what the layer was made for, else one more than the largest label of
            the batch.
        objective: The formula; by default the published equation, see `gloss_pyg.losses.objectives`.

    Shapes: `forward(embeddings [N, d], labels [N]) -> scalar`. Negative labels (-100) mark unlabelled documents: they
    are in the graph, and in no loss. Half-precision embeddings are computed in float32, also under autocast.

    Requires of a batch: a class with two documents, one to be seen and one to be hidden. Documents count when a seed of
    their class can reach them; where none does, the loss is a zero that still has a gradient path, and `statistics`
    says how often that happened. A class-balanced sampler (`gloss_pyg.data`) avoids it.

    Raises:
        ConfigError: for a fraction outside (0, 1), a part that cannot be called (or a class in place of its object), a
            transform of PyG that would break the graph (see `Compose`), or a bandwidth not fitted (`fit_sigma`);
            without `base` where the layer needs it; for a layer without a gradient in weights or embeddings.
        DataError: for embeddings, labels, masks or base predictions that are no tensors or do not fit each other, or
            embeddings with NaN or infinity; for a graph step that returns no graph, other documents, edges that do not
            fit their weights, or weights without a gradient for embeddings with one.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025, arXiv 2604.25853.

    Example:
        >>> from gloss_pyg.graph import DenseGaussian
        >>> loss = GLoss(DenseGaussian(sigma=0.5))
        >>> embeddings = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]], requires_grad=True)
        >>> value = loss(embeddings, torch.tensor([0, 0, 1, 1]), mask=torch.tensor([True, False, True, False]))
        >>> value.backward()
        >>> round(float(value), 4)
        0.0631
    """

    def __init__(
        self,
        graph: BaseTransform | Callable[[Data], Data] | None = None,
        propagation: Propagation | Callable[..., Tensor] | None = None,
        labelled_fraction: float = 0.6,
        num_classes: int | None = None,
        objective: Objective | None = None,
    ) -> None:
        super().__init__()
        check_part(graph, "graph", "a graph rule, such as DenseGaussian(sigma=0.5)")
        check_part(propagation, "propagation", "a propagation layer, such as LabelPropagation()")
        if not is_number(labelled_fraction) or not 0 < labelled_fraction < 1:
            raise ConfigError(
                f"labelled_fraction={labelled_fraction!r}: expected a number between 0 and 1, both excluded (0.5 to "
                "0.7 is usual); nothing seen or nothing hidden leaves nothing to learn."
            )
        if num_classes is not None and (not isinstance(num_classes, int) or num_classes < 1):
            raise ConfigError(f"num_classes={num_classes!r}: expected a whole number of at least 1.")
        if objective is not None and not isinstance(objective, Objective):
            raise ConfigError(f"objective={objective!r}; expected an Objective, such as NegativeLogProbability().")
        self.graph = DenseGaussian() if graph is None else graph
        check_steps(self.graph)
        self.propagation = LabelPropagation() if propagation is None else propagation  # type: ignore[abstract]
        if isinstance(self.propagation, Propagation):
            _check_layer(self.propagation, num_classes)
        self.labelled_fraction = labelled_fraction
        self.num_classes = num_classes
        self.objective = NegativeLogProbability() if objective is None else objective
        self.statistics = BatchStatistics()

    def set_sizes(self, dim: int, num_classes: int) -> None:  # noqa: ARG002 - its layer and its rule are told as well
        """See `Sized.set_sizes`: refuse another `num_classes` than it was made for."""
        check_size(self, "num_classes", self.num_classes, num_classes)

    @property
    def needs_fit(self) -> bool:
        """Whether a bandwidth is still to be fitted by `fit_sigma`."""
        return any(part.needs_fit for part in fittable_parts(self.graph))

    @property
    def needs_base(self) -> bool:
        """Whether the layer works on another model's class probabilities, to be given as `base`."""
        return isinstance(self.propagation, Propagation) and self.propagation.needs_base

    def fit_sigma(self, embeddings: Float[Tensor, "documents dim"], labels: NDArray[np.int64] | None = None) -> None:
        """Fit the graph's bandwidth once from the pretrained embeddings `[n, d]` of the training documents.

        `sigma="leave-one-out"` needs their labels too.
        """
        for part in fittable_parts(self.graph):
            part.fit(embeddings.float() if embeddings.dtype != torch.float64 else embeddings, labels)

    def forward(
        self,
        embeddings: Float[Tensor, "documents dim"],
        labels: Integer[Tensor, " documents"],
        mask: Bool[Tensor, " documents"] | None = None,
        generator: torch.Generator | None = None,
        base: Float[Tensor, "documents classes"] | None = None,
    ) -> Float[Tensor, ""]:
        """The loss of a batch.

        Args:
            embeddings: One row a document.
            labels: Class ids, negative where a document has none.
            mask: True where a label may be seen. By default drawn with `stratified_mask`; in `eval()` mode always from
                the same seed.
            generator: Randomness of the draw, on the CPU.
            base: Class probabilities of another model, for a layer that needs them (`CorrectAndSmooth`); others do not
                get them. `HybridLoss` gives its classifier's.
        """
        batch = self.propagate(embeddings, labels, mask, generator, base)
        if not bool(batch.counted.any()):
            return full_format(embeddings).mul(0).sum()  # zero, with a gradient path
        loss: Tensor = self.objective(batch.probabilities, labels.long(), batch.hidden, batch.counted)
        return loss

    def propagate(
        self,
        embeddings: Float[Tensor, "documents dim"],
        labels: Integer[Tensor, " documents"],
        mask: Bool[Tensor, " documents"] | None = None,
        generator: torch.Generator | None = None,
        base: Float[Tensor, "documents classes"] | None = None,
    ) -> Propagated:
        """Graph, mask and propagated probabilities of a batch, with gradients; arguments as in `forward`."""
        labels = _check_batch(embeddings, labels, mask)
        base = base if self.needs_base else None
        if isinstance(self.propagation, Propagation):
            check_needs(self.propagation, embeddings, base)
        x = full_format(embeddings)
        with full_precision(embeddings.device.type):  # for steps that are no rule or layer of ours
            labelled = labels >= 0
            seen = self._draw(labels, generator) if mask is None else mask & labelled
            hidden = labelled & ~seen
            # A graph step must not read hidden labels either: edges within a class would give them away.
            graph = self._build(Data(x=x, y=labels.masked_fill(~seen, -100)))
            seeds = self._seeds(labels, seen, x.dtype, base)
            given = {} if base is None else {"base": base}  # a plain callable need not know the word
            probabilities = self.propagation(seeds, graph.edge_index, seen, graph.edge_weight, x, **given)
            if probabilities.shape != seeds.shape:
                raise DataError(
                    f"The propagation returned shape {tuple(probabilities.shape)}, not {tuple(seeds.shape)}: class "
                    "probabilities, a row for each document."
                )
            counted = hidden & self._reached(seeds, seen, labels, graph)
            if self.training:
                self.statistics.add(probabilities.detach().argmax(dim=1), labels, seen, hidden, counted)
        return Propagated(graph, seen, hidden, counted, probabilities)

    def _build(self, data: Data) -> Data:
        x = cast("Tensor", data.x)
        graph = check_result(self.graph, self.graph(data), num_nodes=x.size(0), x=x, edge_weight=None)
        if graph.get("edge_index") is None or graph.get("edge_weight") is None:
            raise DataError(
                "The graph step gave no edge_index or no edge_weight; a rule of gloss_pyg.graph gives both."
            )
        return graph

    def _draw(self, labels: Tensor, generator: torch.Generator | None) -> Tensor:
        if generator is None and not self.training:
            generator = torch.Generator().manual_seed(EVALUATION_SEED)
        return stratified_mask(labels, self.labelled_fraction, generator)

    def _seeds(self, labels: Tensor, seen: Tensor, dtype: torch.dtype, base: Tensor | None) -> Tensor:
        """One-hot rows of the seen documents; zero rows for the others, whatever their label."""
        largest = int(labels.max()) if labels.numel() else -1
        # A batch need not hold the last class; the layer or a base prediction may know how many there are.
        known = self._layer_classes() if self.num_classes is None else self.num_classes
        fewest = max(largest + 1, 1) if base is None or base.dim() != 2 else base.size(1)
        num_classes = fewest if known is None else known
        if largest >= num_classes:
            given = f"num_classes={num_classes}" if known is not None else f"base with {num_classes} columns"
            raise DataError(f"A label is {largest}, but {given} admits 0 to {num_classes - 1}.")
        rows = torch.zeros(labels.size(0), num_classes, dtype=dtype, device=labels.device)
        return rows.scatter_(1, labels.clamp(min=0)[:, None], seen[:, None].to(dtype))

    def _layer_classes(self) -> int | None:
        return self.propagation.num_classes if isinstance(self.propagation, Propagation) else None

    def _reached(self, seeds: Tensor, seen: Tensor, labels: Tensor, graph: Data) -> Tensor:
        own = labels.clamp(min=0)  # any class will do for an unlabelled document, which never counts
        edge_index, edge_weight = cast("Tensor", graph.edge_index), cast("Tensor", graph.edge_weight)
        if is_connected(edge_index, edge_weight, seeds.size(0)):
            return seeds.sum(dim=0).index_select(0, own) > 0
        layer = self.propagation if isinstance(self.propagation, Propagation) else None
        if layer is not None and layer.reads_logarithms:
            edge_weight = leads(edge_weight).to(edge_weight.dtype)
        by_class = reached(
            seeds > 0,
            seen,
            edge_index,
            edge_weight,
            absorbing=layer is not None and layer.absorbing,
            hops=None if layer is None else layer.hops,
        )
        return by_class.gather(1, own[:, None]).squeeze(1)


def _check_layer(layer: Propagation, num_classes: int | None) -> None:
    name = type(layer).__name__
    if not (layer.through_weights or layer.through_x):
        raise ConfigError(
            f"{name} has no gradient in the edge weights and none in the embeddings, so that the encoder would learn "
            "nothing from it. Give a layer that has one of both; ConvPropagation has one in embeddings with dim=..."
        )
    if None not in (num_classes, layer.num_classes) and num_classes != layer.num_classes:
        raise ConfigError(f"GLoss has num_classes={num_classes}, its {name} num_classes={layer.num_classes}.")


def _check_batch(embeddings: Tensor, labels: Tensor, mask: Tensor | None) -> Tensor:
    """The labels as int64, of a batch whose parts fit each other."""
    check_embeddings(embeddings)
    ids = class_ids(labels, embeddings)
    if mask is not None:
        check_tensors(mask=mask)
    if mask is not None and (mask.shape != labels.shape or mask.dtype != torch.bool):
        raise DataError(
            f"mask must be one boolean for each of the {embeddings.size(0)} documents, true where the label may be "
            f"seen; got {mask.dtype} of shape {tuple(mask.shape)}."
        )
    return ids
