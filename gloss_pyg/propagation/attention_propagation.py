"""Propagation over edges that are weighed anew by learned attention."""

from typing import ClassVar, final

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch_geometric.utils import softmax

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph.edges import is_complete, off_diagonal
from gloss_pyg.graph.sized import check_size
from gloss_pyg.propagation.features import features
from gloss_pyg.propagation.harmonic_function import harmonic
from gloss_pyg.propagation.solved import SolvedPropagation
from gloss_pyg.propagation.solvers.choose import Solver


@final
class AttentionPropagation(SolvedPropagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""Let each document learn which of its neighbours to listen to; when distance alone misleads and labels are many.

    .. math::
        A_{ij} = \frac{1}{H} \sum_{h=1}^H \mathrm{softmax}_j \left(
            \frac{(Q_h x_i) \cdot (K_h x_j)}{\sqrt{m}} + \log W_{ij} \right), \qquad
        Y_U = (I - A_{UU})^{-1} A_{UL} Y_L

    with the softmax over the edges into `i` and rows `x` of length `sqrt(d)`. Row `i` is the probability of each
    label's being the first that a walk from `i` meets, which steps as `i` attends. Labelled rows keep their labels.
    With `Q` or `K` at zero it is `HarmonicFunction`, near which it starts; the loss teaches the rest. The encoder
    learns through the weights and through what the heads see.

    Args:
        dim: Columns of the embeddings, `d`; by default what the encoder has, told before training
            (`gloss_pyg.training.set_sizes`).
        num_heads: Heads, `H`.
        head_dim: Rows of each `Q_h` and `K_h`, `m`; by default `dim / num_heads`, at least 1.
        solver: `"auto"`, `"direct"` (LU factors) or `"iterative"` (messages, for large graphs), see
            `SolvedPropagation`, as for the others.
        tolerance: Of the solver that iterates.
        max_iterations: Of the same.
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`; `x [N, dim]` must be given. Weights may be directed.

    Requires: a path to a labelled document; a document without one gets a zero row. Labels enough to learn
    `2 H m d` numbers from.

    Raises:
        ConfigError: for numbers below 1; without `x`; see `SolvedPropagation`.
        DataError: for embeddings of another width; for input that does not fit, see `Propagation`.

    `gloss_pyg.graph.MultiHeadEdges` learns distances instead, symmetric ones, for any layer.

    Source: Veličković et al., "Graph Attention Networks", ICLR 2018 (softmax over neighbours, mean of heads); Shi et
    al., "Masked Label Prediction: Unified Message Passing Model for Semi-Supervised Classification", IJCAI 2021,
    equations 3 and 4 (dot-product attention, labels propagated with others masked). There labels take a few steps
    through layers, here they walk to the end.

    Example:
        >>> layer = AttentionPropagation(dim=2, num_heads=1, num_classes=2)
        >>> with torch.no_grad():
        ...     for parameter in layer.parameters():
        ...         _ = parameter.copy_(torch.eye(2))
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> x = torch.tensor([[1.0, 0.0], [1.0, 0.5], [0.0, 1.0]])  # node 1 looks more like node 0
        >>> layer(y, edge_index, mask, torch.ones(4), x)[1]
        tensor([0.6530, 0.3470], grad_fn=<SelectBackward0>)
    """

    absorbing = True
    through_x = True
    needs_x = True
    solvers: ClassVar[tuple[str, ...]] = ("auto", "direct", "iterative")

    def __init__(
        self,
        dim: int | None = None,
        num_heads: int = 4,
        head_dim: int | None = None,
        *,
        solver: Solver = "auto",
        tolerance: float | None = None,
        max_iterations: int | None = None,
        num_classes: int | None = None,
    ) -> None:
        super().__init__(solver, tolerance, max_iterations, num_classes)
        if min(number for number in (dim, num_heads, head_dim) if number is not None) < 1:
            raise ConfigError(
                f"AttentionPropagation: dim={dim}, num_heads={num_heads}, head_dim={head_dim}: each must be at least 1."
            )
        self.dim = dim
        self.num_heads = num_heads
        self.head_dim = head_dim
        if dim is not None:
            self._make_heads(dim)

    @property
    def open_sizes(self) -> tuple[str, ...]:
        """See `Sized.open_sizes`."""
        return ("dim",) if self.dim is None else ()

    def set_sizes(self, dim: int, num_classes: int) -> None:
        """See `Sized.set_sizes`: draw the heads, if `dim` was left open."""
        super().set_sizes(dim, num_classes)
        check_size(self, "dim", self.dim, dim)
        if self.dim is None:
            self._make_heads(dim)

    def _make_heads(self, dim: int) -> None:
        self.dim = dim
        self.head_dim = max(dim // self.num_heads, 1) if self.head_dim is None else self.head_dim
        self.query = nn.Linear(dim, self.num_heads * self.head_dim, bias=False)
        self.key = nn.Linear(dim, self.num_heads * self.head_dim, bias=False)

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,
    ) -> Float[Tensor, "nodes classes"]:
        """Arrival probabilities of a walk that steps as documents attend, labels of the others."""
        assert x is not None  # `Propagation.forward` has seen to it
        leading = edge_weight > 0
        if not bool(leading.all()):
            edge_index, edge_weight = edge_index[:, leading], edge_weight[leading]
        attention = self.attention(edge_index, edge_weight, x)
        return harmonic(self.matrix(edge_index, attention, seeds.size(0)), seeds, mask)

    def attention(
        self, edge_index: Int[Tensor, "2 edges"], edge_weight: Float[Tensor, " edges"], x: Float[Tensor, "nodes dim"]
    ) -> Float[Tensor, " edges"]:
        """`A` on edges of positive weight; what enters a node sums to one."""
        assert self.dim is not None  # as above
        assert self.head_dim is not None
        source, target = edge_index
        rows = features(x, self.dim, type(self).__name__).to(self.query.weight.dtype)
        query = self.query(rows).view(-1, self.num_heads, self.head_dim)
        key = self.key(rows).view(-1, self.num_heads, self.head_dim)
        query, logarithms = query / self.head_dim**0.5, edge_weight.log()
        n = x.size(0)
        if n > 1 and is_complete(edge_index, n):  # row by row without the diagonal: nothing to gather or to scatter
            scores = torch.einsum("ihm,jhm->hij", query, key)
            scores = torch.stack([off_diagonal(head).view(n, n - 1) for head in scores]).to(edge_weight.dtype)
            return (scores + logarithms.view(n, n - 1)).softmax(dim=2).mean(dim=0).view(-1)
        scores = (query[target] * key[source]).sum(dim=2).to(edge_weight.dtype)
        return softmax(scores + logarithms[:, None], target, num_nodes=n).mean(dim=1)
