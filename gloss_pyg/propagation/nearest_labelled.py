"""One hop from labelled documents: a softmax over labelled neighbours."""

from typing import final

from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch_geometric.utils import softmax

from gloss_pyg.graph.log_weights import leads, log_weights
from gloss_pyg.propagation.base import Propagation


@final
class NearestLabelled(Propagation):  # type: ignore[misc]  # PyG's optional hooks are abstract to the checker
    r"""A hidden document is the mean of its labelled neighbours, weighted by their edges; what longer walks must beat.

    .. math:: Y_i = \frac{\sum_{j \in L} W_{ij} Y_j}{\sum_{j \in L} W_{ij}}
        = \sum_{j \in L} \mathrm{softmax}_j(\log W_{ij}) \, Y_j

    No label travels further than one edge and hidden documents do not help each other: over `DenseGaussian` this is
    neighbourhood components analysis, the limit in which `GLoss` looks at pairs only. As `sigma` falls it becomes the
    nearest labelled neighbour, exactly: it works on the logarithms of the weights, which the graph rules hand over
    (`gloss_pyg.graph.log_weights`), also where the weights themselves are zero in any number format. Of weights that
    are not a rule's own, it takes the logarithm. Labelled rows keep their labels.

    Args:
        num_classes: Needed where labels come as class ids.

    Shapes: see `Propagation`. Weights may be directed; neighbours are then those with an edge to the document.

    Requires: a labelled neighbour; a document without one gets a zero row. Over `KNNGaussian` that is common, where few
    documents are labelled.

    Raises:
        DataError: for input that does not fit, see `Propagation`.

    `HarmonicFunction` is the same with hidden neighbours joining in.

    Source: Goldberger, Roweis, Hinton, Salakhutdinov, "Neighbourhood Components Analysis", NeurIPS 2004, equations 1
    and 2, where all other documents are labelled.

    Example:
        >>> edge_index = torch.tensor([[1, 2, 0, 2, 0, 1], [0, 0, 1, 1, 2, 2]])  # a triangle, node 1 near node 0
        >>> edge_weight = torch.tensor([0.9, 0.1, 0.9, 0.2, 0.1, 0.2])
        >>> y, mask = torch.tensor([0, -100, 1]), torch.tensor([True, False, True])
        >>> NearestLabelled(num_classes=2)(y, edge_index, mask, edge_weight)[1]
        tensor([0.8182, 0.1818])
    """

    absorbing = True
    hops = 1
    reads_logarithms = True

    def scores(
        self,
        seeds: Float[Tensor, "nodes classes"],
        edge_index: Int[Tensor, "2 edges"],
        edge_weight: Float[Tensor, " edges"],
        mask: Bool[Tensor, " nodes"],
        x: Float[Tensor, "nodes dim"] | None = None,  # noqa: ARG002 - this layer reads the graph only
    ) -> Float[Tensor, "nodes classes"]:
        """Weighted means of hidden documents, labels of the others."""
        source, target = edge_index
        labelled = mask & (seeds > 0).any(dim=1)  # a row that is seen but empty has no label to give
        chosen = (labelled[source] & ~mask[target] & leads(edge_weight)).nonzero().squeeze(1)
        shares = softmax(log_weights(edge_weight, chosen), target[chosen], num_nodes=mask.size(0))
        return seeds + self.propagate(edge_index[:, chosen], x=seeds, edge_weight=shares.to(seeds.dtype))
