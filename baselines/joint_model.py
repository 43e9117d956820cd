r"""An encoder and a graph network that share the documents' features: one step, and what they predict together.

.. math:: p = m\, \mathrm{softmax}(\text{graph network}) + (1 - m)\, \mathrm{softmax}(\text{linear}(x))
"""

from collections.abc import Mapping
from typing import final

import numpy as np
import torch
from torch import Tensor, nn

from baselines.document_graph import DocumentGraph, Neighbours
from baselines.graph_network import GraphNetwork
from gloss_pyg.encoder import TextEncoder

_BLOCK = 4096  # documents scored at once


@final
class JointModel(nn.Module):
    """Encoder, linear classifier and graph network.

    Args:
        encoder: The encoder with its linear classifier.
        network: Over the encoder's embeddings.
        mix: `m`, the share of the graph network in the mean of both.
    """

    def __init__(self, encoder: TextEncoder, network: GraphNetwork, mix: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.network = network
        self.mix = mix

    def forward(
        self, tokens: Mapping[str, Tensor], documents: np.ndarray, graph: DocumentGraph, bank: Tensor
    ) -> Tensor:
        """Probabilities `[n, C]` of some documents, with gradient into the encoder through their own features.

        Args:
            tokens: Inputs of the encoder.
            documents: Their numbers in the graph, each once, `[n]`.
            graph: The graph.
            bank: Features of all documents, constants `[documents, d]`; the rows of these are overwritten.
        """
        output = self.encoder(**tokens)
        rows = torch.from_numpy(documents).to(bank.device)
        bank[rows] = output.embeddings.detach()
        own = self.network.project(output.embeddings)
        passed_on = self.network.pass_on(self.network.project(bank).index_copy(0, rows, own), graph)
        return mixed(self.network.score(own, graph.neighbours(documents), passed_on), output.logits, self.mix)

    @torch.no_grad()
    def pass_on(self, bank: Tensor, graph: DocumentGraph) -> Tensor:
        """What the words pass on by these features, without dropout, `[words, C]`."""
        self.eval()
        return self.network.pass_on(self.network.project(bank), graph)

    @torch.no_grad()
    def predict(self, features: Tensor, neighbours: Neighbours, passed_on: Tensor) -> Tensor:
        """Probabilities `[n, C]` of documents with these features and words, without dropout."""
        return mixed(*self.both(features, neighbours, passed_on), self.mix)

    @torch.no_grad()
    def both(self, features: Tensor, neighbours: Neighbours, passed_on: Tensor) -> tuple[Tensor, Tensor]:
        """What the graph network and the linear classifier say of such documents, each for itself; logits `[n, C]`."""
        self.eval()
        scores = self.network.score(self.network.project(features), neighbours, passed_on)
        return scores, self.encoder.classifier(features)

    def predict_all(self, bank: Tensor, graph: DocumentGraph, passed_on: Tensor) -> Tensor:
        """Probabilities `[documents, C]` of all documents of the graph."""
        blocks = np.array_split(np.arange(len(bank)), -(-len(bank) // _BLOCK))
        return torch.cat([self.predict(bank[rows], graph.neighbours(rows), passed_on) for rows in blocks])


def mixed(scores: Tensor, logits: Tensor, share: float) -> Tensor:
    """`share softmax(scores) + (1 - share) softmax(logits)`, `[n, C]`."""
    return share * scores.softmax(dim=1) + (1 - share) * logits.softmax(dim=1)


def mean_loss(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Mean of `-log p` of the labelled documents; zero with a gradient path where none has a label (negative).

    Example:
        >>> rows = torch.tensor([[0.5, 0.5], [0.1, 0.9]])
        >>> round(mean_loss(rows, torch.tensor([0, -1])).item(), 4), mean_loss(rows, torch.tensor([-1, -1])).item() == 0
        (0.6931, True)
    """
    seen = labels >= 0
    picked = probabilities[seen].gather(1, labels[seen][:, None])
    return -picked.clamp(min=torch.finfo(picked.dtype).tiny).log().sum() / max(int(seen.sum()), 1)
