"""What a propagation layer is: from the labels that may be seen to class probabilities for every node.

A layer writes one method, `scores`. Everything that must hold for all layers happens here, in a `forward` that is
final: input is checked, labels outside the mask are removed before the layer sees them, scores become probabilities.
"""

import inspect
from abc import abstractmethod
from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch_geometric.nn import MessagePassing

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.precision import full_precision
from gloss_pyg.graph.sized import Sized, check_size, check_sized
from gloss_pyg.propagation.checks import (
    check_base,
    check_graph,
    check_kinds,
    check_labels,
    check_needs,
    check_seeds,
)
from gloss_pyg.propagation.rows import rows_to_one, sharpened
from gloss_pyg.propagation.solvers.precision import is_faint, widened_weights


class Propagation(MessagePassing, Sized):
    """Base of the layers that infer hidden labels from seen ones over a weighted graph.

    Args:
        num_classes: Number of classes `C`; needed only where labels are given as class ids.
        temperature: Of layers with signed scores: small makes probabilities sharp.

    Shapes: `forward(y, edge_index, mask, edge_weight, x)` takes labels `y` as rows `[N, C]` (one-hot or soft, never
    negative) or class ids `[N]` (negative: unlabelled), `edge_index [2, E]` from row 0 to row 1, `mask [N]` (true where
    the label may be seen), `edge_weight [E]` (finite, not negative; all ones where it is `None`), and optionally the
    embeddings `x [N, d]`. It returns probabilities `[N, C]`: a row sums to 1, or is 0 where no seed is reachable.
    Half-precision weights are computed in float32, also under autocast.

    Scores that are never negative are divided by their row's sum. Scores of both signs (`signed`) become
    `softmax(scores / (temperature * r))` over the classes, `r` the root mean square score of the node's connected
    component, so that a common factor of the weights does not show; a row is 0 where no seed is in the component.

    A subclass writes `scores` and states where it differs from the defaults:

    * `absorbing` (false): whether labels end at labelled nodes (a random walk that stops there) or pass through them;
    * `hops` (none): how many edges a label travels at most, where that is limited;
    * `resolution` (0): the probability below which a class may be lost in float32, for solvers that stop at a residual;
    * `scores_are_probabilities` (false): whether rows sum to 1 (or are 0) already and are left as they are;
    * `signed` (false): whether scores may be negative;
    * `scores_are_logits` (false): whether signed scores go into the softmax without being divided by `r`;
    * `through_weights` (true), `through_x` (false): whether its result has a gradient in `edge_weight`, in `x`;
    * `reads_scale` (false): whether a common factor of the weights changes the result; graph rules may put one in;
    * `reads_logarithms` (false): whether it works on `gloss_pyg.graph.log_weights`, so that labels also travel along
      edges whose weight has underflowed but whose logarithm is known;
    * `needs_x`, `needs_base` (false): whether `x`, or `base` (another model's probabilities `[N, C]`) must be given;
    * `needs_num_classes` (false): whether it has parameters a class wide, so that `num_classes` must be given.

    A layer with parameters whose width may be left open until training begins writes `open_sizes` and `set_sizes`, as
    `AttentionPropagation` does.

    Raises:
        ConfigError: for a temperature or number of classes that cannot be; on use, for `x` or `base` not given, and for
            a width left open that nobody has told.
        DataError: on use, for shapes, types or values that do not fit each other, or seeds that cannot be labels.

    Example:
        >>> class OneHop(Propagation):
        ...     "The weighted mean of the labels of labelled neighbours."
        ...
        ...     def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        ...         received = self.propagate(edge_index, x=seeds, edge_weight=edge_weight)
        ...         return torch.where(mask[:, None], seeds, received)
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> y, mask = torch.tensor([0, 1, -1]), torch.tensor([True, True, False])
        >>> OneHop(num_classes=2)(y, edge_index, mask, torch.ones(4)).tolist()
        [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]
    """

    absorbing: bool = False
    hops: int | None = None
    resolution: float = 0.0
    scores_are_probabilities: bool = False
    signed: bool = False
    scores_are_logits: bool = False
    through_weights: bool = True
    through_x: bool = False
    reads_scale: bool = False
    reads_logarithms: bool = False
    needs_x: bool = False
    needs_base: bool = False
    needs_num_classes: bool = False

    def __init__(self, num_classes: int | None = None, temperature: float = 1.0) -> None:
        super().__init__(aggr="add", flow="source_to_target")
        if not 0 < temperature < float("inf"):
            raise ConfigError(f"{type(self).__name__}: temperature={temperature}, expected a positive number.")
        self.temperature = temperature
        if num_classes is not None and num_classes < 1:
            raise ConfigError(f"{type(self).__name__}: num_classes={num_classes}, expected at least 1.")
        if num_classes is None and self.needs_num_classes:
            raise ConfigError(f"{type(self).__name__} has parameters for each class: give num_classes.")
        self.num_classes = num_classes

    def set_sizes(self, dim: int, num_classes: int) -> None:  # noqa: ARG002 - for layers as wide as embeddings
        """See `Sized.set_sizes`: refuse a number of classes that the layer was not made for."""
        check_size(self, "num_classes", self.num_classes, num_classes)

    @abstractmethod
    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """Scores of each class for each node; rows need not sum to 1.

        `seeds` are the label rows with every row outside `mask` at zero. Layers that state `needs_base` have one more
        argument, `base`.
        """

    @final  # type: ignore[misc]  # torch declares forward as a field
    def forward(
        self,
        y: Tensor,
        edge_index: Int[Tensor, "2 edges"],
        mask: Bool[Tensor, " nodes"],
        edge_weight: Float[Tensor, " edges"] | None = None,
        x: Float[Tensor, "nodes dim"] | None = None,
        base: Float[Tensor, "nodes classes"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """Class probabilities of every node, `[N, C]`.

        Raises:
            ConfigError: if the layer needs `x` or `base` and has none, or sizes that nobody has told.
            DataError: for shapes, types or values that do not fit each other; the message names which.
        """
        check_kinds(y, edge_index, mask, edge_weight=edge_weight, x=x)
        edge_weight = check_graph(edge_index, edge_weight, y.size(0), x)
        check_needs(self, x, base)
        check_sized(self)
        dtype = edge_weight.dtype
        if is_faint(edge_weight):
            edge_weight = widened_weights(edge_index, edge_weight)
        labels = check_labels(y, mask, self.num_classes, edge_weight.dtype)
        seeds = check_seeds(labels.masked_fill(~mask[:, None], 0))
        x = None if x is None else x.to(edge_weight.dtype)
        given = {"base": check_base(base, seeds)} if self.needs_base and base is not None else {}
        with full_precision(edge_weight.device.type):
            scores = self.scores(seeds, edge_index, edge_weight, mask, x, **given)
            if self.signed:
                probabilities = sharpened(
                    scores, seeds, edge_index, edge_weight, self.temperature, as_they_are=self.scores_are_logits
                )
            else:
                # An iteration may leave negative scores in the last digit.
                probabilities = scores if self.scores_are_probabilities else rows_to_one(scores.clamp(min=0))
        return probabilities.to(dtype)

    def __repr__(self) -> str:
        """The arguments that differ from their defaults, numbers that are learned as they are now."""
        shown = []
        for name, parameter in inspect.signature(type(self).__init__).parameters.items():
            value, default = _written(getattr(self, name, parameter.default)), _written(parameter.default)
            if name != "self" and value not in (default, _written(parameter.empty)):
                shown.append(f"{name}={value}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def message(self, x_j: Tensor, edge_weight: Tensor) -> Tensor:  # type: ignore[override]
        """What a neighbour sends: its row times the weight of the edge."""
        return edge_weight.view(-1, 1) * x_j


def _written(value: object) -> str:
    """On one line, numbers without the digits that float32 adds."""
    return f"{value:.6g}" if isinstance(value, float) else " ".join(repr(value).split())
