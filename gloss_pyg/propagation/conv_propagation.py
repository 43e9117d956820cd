"""Any convolution of PyTorch Geometric as a propagation layer."""

import warnings
from typing import final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch_geometric.utils import scatter

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.reach import is_connected
from gloss_pyg.graph.sized import check_size
from gloss_pyg.propagation.base import Propagation
from gloss_pyg.propagation.conv_traits import call, find_traits
from gloss_pyg.propagation.features import features
from gloss_pyg.propagation.solvers.components import components_of_edges

# PyG divides by roots of degrees, whose gradient must stay in float32's range.
SMALLEST = 1e-12


@final
class ConvPropagation(Propagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Let a graph neural network infer the hidden labels from the seen ones; to try what PyG has, learned or not.

    .. math:: Y = \mathrm{softmax}(\mathrm{conv}([Y_L, x], W) / \tau)

    Seen labels are node features (zero for hidden documents), beside them, where asked for, the embeddings; the result
    is a score for each class. `GLoss` hides some labels and asks for them, so that the convolution learns as masked
    label prediction teaches it. One without parameters gives `conv(Y_L, W)`, its rows divided by their sums.

    Weights go in as `edge_weight` where the convolution takes it, else as `edge_attr` where it was made with
    `edge_dim=1`, else not at all, as in most of PyG's; that is said once, and then the encoder learns only through the
    embeddings (`dim`). They are divided by their mean in the connected component first, since graph rules may multiply
    them by a constant; weights below 1e-12 of it count as that. Edges of weight zero are left out.

    Args:
        conv: The convolution, from `C + dim` columns to `C`; in YAML its class path with `init_args`. What it is
            called with is looked up, and it is tried once on a small graph: how far labels travel is found out so.
        dim: Columns of the embeddings, where they are to be features too; scaled to rows of length `sqrt(dim)`. By
            default labels are the only features.
        num_classes: `C`; by default what `conv.in_channels` leaves after `dim`.
        temperature: `\tau`, of a convolution with parameters.

    Shapes: see `Propagation`; with `dim`, `x [N, dim]` must be given.

    Requires: a seed in the connected component, else a row is zero. `GLoss` counts a document where a seed of its class
    is as near as the convolution carries labels.

    Raises:
        ConfigError: for a convolution that cannot be called so, of another width, that needs other input, mixes
            documents that no edge joins, or caches; without `x` where `dim` is given.
        DataError: for labels or embeddings of another width; for input that does not fit, see `Propagation`.

    `AttentionPropagation` learns the edges of a walk instead, and carries labels any number of edges.

    Source: Shi et al., "Masked Label Prediction: Unified Message Passing Model for Semi-Supervised Classification",
    IJCAI 2021, section 3 (labels and features as input, others predicted; there `TransformerConv`).

    Example:
        >>> from torch_geometric.nn import APPNP
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, three times as strong on the left
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> layer = ConvPropagation(APPNP(K=10, alpha=0.1, add_self_loops=False), num_classes=2)
        >>> layer(y, edge_index, mask, torch.tensor([3.0, 3.0, 1.0, 1.0]))[1], layer.hops
        (tensor([0.6340, 0.3660]), 10)
    """

    def __init__(
        self, conv: nn.Module, dim: int | None = None, num_classes: int | None = None, temperature: float = 1.0
    ) -> None:
        if dim is not None and dim < 1:
            raise ConfigError(f"ConvPropagation: dim={dim}, expected the embeddings' number of columns, or None.")
        super().__init__(_num_classes(conv, dim, num_classes), temperature)
        learned = next(conv.parameters(), None) is not None
        classes = self.num_classes or 3  # where any number will do, three are tried
        traits = find_traits(conv, classes + (dim or 0), classes)
        self.conv = conv
        self.dim = dim
        self.hops = traits.hops
        self.signed = self.scores_are_logits = self.needs_num_classes = learned
        self.needs_x = self.through_x = dim is not None
        self.through_weights = traits.weights is not None
        self.weight_argument = traits.weights
        if not self.through_weights:
            way = "through the embeddings alone" if self.through_x else "nothing: give dim, or another convolution"
            hint = " Made with edge_dim=1 it would read them." if hasattr(conv, "edge_dim") else ""
            warnings.warn(
                f"ConvPropagation: {type(conv).__name__} reads no edge weights, so the encoder learns {way}.{hint}",
                UserWarning,
                stacklevel=2,
            )

    def set_sizes(self, dim: int, num_classes: int) -> None:
        """See `Sized.set_sizes`: refuse what the convolution was not made for."""
        super().set_sizes(dim, num_classes)
        check_size(self, "dim", self.dim, dim)

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],  # noqa: ARG002 - seeds are zero elsewhere
        x: Float[Tensor, "nodes dim"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """The convolution of labels, or of labels and embeddings."""
        if self.num_classes is not None and seeds.size(1) != self.num_classes:
            raise DataError(f"{type(self).__name__} was made for {self.num_classes} classes; got {seeds.size(1)}.")
        leading = edge_weight > 0
        if not bool(leading.all()):
            edge_index, edge_weight = edge_index[:, leading], edge_weight[leading]
        rows = (
            seeds if self.dim is None or x is None else torch.cat([seeds, features(x, self.dim, "ConvPropagation")], 1)
        )
        parameter = next(self.conv.parameters(), seeds)
        weight = _divided_by_mean(edge_index, edge_weight, seeds.size(0)).clamp(min=SMALLEST).to(parameter.dtype)
        return call(self.conv, rows.to(parameter.dtype), edge_index, weight, self.weight_argument).to(seeds.dtype)


def _num_classes(conv: nn.Module, dim: int | None, num_classes: int | None) -> int | None:
    """`C` as given, checked against what the convolution was made for, or as that says."""
    width = getattr(conv, "in_channels", None)
    width = width[0] if isinstance(width, tuple | list) and width else width
    if not isinstance(width, int) or width < 1:
        return num_classes
    beside = f" and embeddings of dim={dim} columns" if dim else ""
    if num_classes is not None and width != num_classes + (dim or 0):
        raise ConfigError(
            f"ConvPropagation: {type(conv).__name__} was made with in_channels={width}, but {num_classes} classes"
            f"{beside} are {num_classes + (dim or 0)} columns."
        )
    if width <= (dim or 0):
        raise ConfigError(
            f"ConvPropagation: {type(conv).__name__} was made with in_channels={width}, which leaves no column for "
            f"labels beside dim={dim}: give in_channels = number of classes + dim."
        )
    return width - (dim or 0)


def _divided_by_mean(edge_index: Tensor, edge_weight: Tensor, num_nodes: int) -> Float[Tensor, " edges"]:
    """Weights divided by their mean in the connected component."""
    if not edge_weight.numel() or is_connected(edge_index, edge_weight, num_nodes):
        return edge_weight / edge_weight.mean()
    component = components_of_edges(edge_index, edge_weight.detach(), num_nodes)[edge_index[1]]
    return edge_weight / scatter(edge_weight, component, dim_size=num_nodes, reduce="mean")[component]
