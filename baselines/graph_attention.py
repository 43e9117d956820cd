r"""The graph attention of BertGAT, without a number for each edge and hidden column."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.nn.inits import glorot
from torch_geometric.utils import softmax

from baselines.document_graph import DocumentGraph, Neighbours
from baselines.graph_network import GraphNetwork

_SLOPE = 0.2  # of the leaky ReLU, as in the paper on graph attention


@final
class GAT(GraphNetwork):
    r"""Two layers of graph attention; it reads which nodes are joined, not the weights.

    .. math:: h_i = \mathrm{ELU}\Big(\sum_j \alpha_{ij} y_j + b_1\Big), \qquad
        \alpha_{ij} \propto \exp \mathrm{LeakyReLU}(a_s \cdot y_j + a_t \cdot y_i), \qquad y = X W_1

    over the neighbours `j` of `i` and itself; heads side by side in the first layer, one head in the second. Words
    have `y = 0`. So what a word hears of document `j` has the attention `exp(LeakyReLU(a_s y_j)) / Z_i`, whose
    numerator does not depend on `i`: the layer is a product with the block of documents and words, and no array of
    edges times columns is made (on MR 1.7 million edges times 1600 columns would be 11 GB).

    Dropout falls on inputs, hidden numbers and attention, as in the published code.

    Args:
        features: Columns of `X`.
        hidden: Columns of a head.
        num_classes: Classes.
        dropout: Share that a training step leaves out.
        heads: Heads of the first layer.

    Source: Velickovic et al., ICLR 2018 (arXiv 1710.10903), equations 3 to 6.
    """

    def __init__(self, features: int, hidden: int, num_classes: int, dropout: float, heads: int) -> None:
        super().__init__()
        self.heads, self.hidden = heads, hidden
        self.first = nn.Parameter(torch.empty(features, heads * hidden))
        self.first_source = nn.Parameter(torch.empty(heads, hidden))
        self.first_target = nn.Parameter(torch.empty(heads, hidden))
        self.first_bias = nn.Parameter(torch.zeros(heads * hidden))
        self.second = nn.Parameter(torch.empty(heads * hidden, num_classes))
        self.second_source = nn.Parameter(torch.empty(num_classes, 1))
        self.second_target = nn.Parameter(torch.empty(num_classes, 1))
        self.second_bias = nn.Parameter(torch.zeros(num_classes))
        self.dropout = nn.Dropout(dropout)
        for name, parameter in self.named_parameters():
            if not name.endswith("bias"):
                glorot(parameter)

    def project(self, features: Tensor) -> Tensor:
        """See `GraphNetwork.project`."""
        dropped: Tensor = self.dropout(features)
        return dropped @ self.first

    def pass_on(self, projected: Tensor, graph: DocumentGraph) -> Tensor:
        """See `GraphNetwork.pass_on`."""
        states = projected.view(len(projected), self.heads, self.hidden)
        logits = functional.leaky_relu((states * self.first_source).sum(dim=2), _SLOPE)  # [documents, heads]
        largest = logits.detach().amax(dim=0).clamp(min=0)  # 0 is the logit of a word
        weights = (logits - largest).exp()
        total = graph.pattern(weights) + graph.word_entries[:, None] * (-largest).exp()
        weighted = weights[:, :, None] * states
        if self.training and self.dropout.p > 0:
            parts = [graph.pattern.thinned(weighted[:, head], self.dropout.p) for head in range(self.heads)]
            heard = torch.stack(parts, dim=1)
        else:
            heard = graph.pattern(weighted.flatten(1)).view(-1, self.heads, self.hidden)
        return self._second((heard / total.clamp(min=torch.finfo(total.dtype).tiny)[:, :, None]).flatten(1))

    def score(self, projected: Tensor, neighbours: Neighbours, passed_on: Tensor) -> Tensor:
        """See `GraphNetwork.score`."""
        states = projected.view(len(projected), self.heads, self.hidden)
        target = (states * self.first_target).sum(dim=2)  # [n, heads]
        itself = functional.leaky_relu((states * self.first_source).sum(dim=2) + target, _SLOPE)
        words = torch.bincount(neighbours.document, minlength=len(projected)).to(projected.dtype)
        # Its words have equal logits and pass on nothing: only their number tells on what is left for itself.
        attention = self.dropout((itself - functional.leaky_relu(target, _SLOPE) - words.log()[:, None]).sigmoid())
        own = self._second((attention[:, :, None] * states).flatten(1))
        messages = torch.cat([passed_on[neighbours.word], own])
        documents = torch.cat([neighbours.document, torch.arange(len(own), device=own.device)])
        logits = functional.leaky_relu(messages @ self.second_source + (own @ self.second_target)[documents], _SLOPE)
        attention = self.dropout(softmax(logits, documents, num_nodes=len(own)))
        return torch.zeros_like(own).index_add(0, documents, attention * messages) + self.second_bias

    def _second(self, heard: Tensor) -> Tensor:
        hidden: Tensor = self.dropout(functional.elu(heard + self.first_bias))
        return hidden @ self.second
