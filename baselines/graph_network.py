r"""Two-layer graph networks over the features of documents: the contract, and the graph convolution of BertGCN."""

from abc import ABC, abstractmethod
from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn.inits import glorot

from baselines.document_graph import DocumentGraph, Neighbours


class GraphNetwork(nn.Module, ABC):
    """A network with two layers, cut where a training step needs it.

    A step changes the features of its own documents alone and asks for their scores alone. So the first layer's
    product is taken for all documents as constants and once more for those few with their gradient (`project`), the
    words hear of all documents (`pass_on`), and the documents that are asked for hear of their words (`score`).
    """

    @abstractmethod
    def project(self, features: Tensor) -> Tensor:
        """The first layer's linear map of document features, `[n, d]` to `[n, k]`."""

    @abstractmethod
    def pass_on(self, projected: Tensor, graph: DocumentGraph) -> Tensor:
        """What words pass on to documents in the second layer, `[words, C]`.

        Args:
            projected: Of all documents of the graph, `[documents, k]`.
            graph: The graph.
        """

    @abstractmethod
    def score(self, projected: Tensor, neighbours: Neighbours, passed_on: Tensor) -> Tensor:
        """Scores of some documents, in the graph or attached to it, `[n, C]`.

        Args:
            projected: Of these documents, `[n, k]`.
            neighbours: The words beside them.
            passed_on: What words pass on.
        """


@final
class GCN(GraphNetwork):
    r"""Two graph convolutions.

    .. math:: Z = \hat A\, \mathrm{drop}(\mathrm{ELU}(\hat A X W_1 + b_1))\, W_2 + b_2

    Args:
        features: Columns of `X`.
        hidden: Columns of `W_1`.
        num_classes: Columns of `W_2`.
        dropout: Share of the hidden numbers that a training step leaves out.

    Source: Kipf and Welling, ICLR 2017 (arXiv 1609.02907), equation 9; ELU and biases as in BertGCN's published code.
    """

    def __init__(self, features: int, hidden: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.empty(features, hidden))
        self.first_bias = nn.Parameter(torch.zeros(hidden))
        self.second = nn.Parameter(torch.empty(hidden, num_classes))
        self.second_bias = nn.Parameter(torch.zeros(num_classes))
        self.dropout = nn.Dropout(dropout)
        glorot(self.first)
        glorot(self.second)

    def project(self, features: Tensor) -> Tensor:
        """See `GraphNetwork.project`."""
        return features @ self.first

    def pass_on(self, projected: Tensor, graph: DocumentGraph) -> Tensor:
        """See `GraphNetwork.pass_on`."""
        return self._second(graph.product.transposed(projected))

    def score(self, projected: Tensor, neighbours: Neighbours, passed_on: Tensor) -> Tensor:
        """See `GraphNetwork.score`."""
        own = neighbours.own[:, None]
        from_words = neighbours.sum(neighbours.weight[:, None] * passed_on[neighbours.word])
        return own * self._second(own * projected) + from_words + self.second_bias

    def _second(self, heard: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(functional.elu(heard + self.first_bias))
        return hidden @ self.second
