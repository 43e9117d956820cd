"""Graphs of mini-batches: rules that turn embeddings into weighted edges, differentiable in the embeddings.

| rule | edges | weights |
|---|---|---|
| `DenseGaussian` | every pair | `exp(-d^2 / (2 sigma^2))` |
| `KNNGaussian` | the `k` nearest of each document, both directions | the same, on the kept pairs |
| `Compose` | several rules and PyG transforms in a row | |

Each takes `Data(x=embeddings [N, d])` and returns a copy with `edge_index` and `edge_weight`. How `sigma` is chosen is
in `gloss_pyg.graph.bandwidth`. `DenseGaussian` and `KNNGaussian` can also attach new documents to a graph that stands
(`attachment`).
"""

from gloss_pyg.graph.attachment import Attaches, Attachment
from gloss_pyg.graph.bandwidth import SIGMA_RULES, Bandwidth, SigmaRule, median_distance
from gloss_pyg.graph.base import GraphRule
from gloss_pyg.graph.compose import Compose
from gloss_pyg.graph.dense import DenseGaussian
from gloss_pyg.graph.edges import complete_edge_index
from gloss_pyg.graph.knn import KNNGaussian

__all__ = [
    "SIGMA_RULES",
    "Attaches",
    "Attachment",
    "Bandwidth",
    "Compose",
    "DenseGaussian",
    "GraphRule",
    "KNNGaussian",
    "SigmaRule",
    "complete_edge_index",
    "median_distance",
]
