"""Graphs of mini-batches: rules that turn embeddings into weighted edges, differentiable in the embeddings.

| rule | edges | weights |
|---|---|---|
| `DenseGaussian` | every pair | `exp(-d^2 / (2 sigma^2))` |
| `DenseStudentT` | every pair | `(1 + d^2 / (nu sigma^2))^(-(nu + 1) / 2)` |
| `DenseCosine` | every pair at less than a right angle | `max(0, cos)^power` |
| `KNNGaussian` | the `k` nearest of each document, both directions | Gaussian, on the kept pairs |
| `MutualKNNGaussian` | pairs of which each is among the other's `k` nearest | Gaussian, on the kept pairs |
| `EpsilonGaussian` | pairs nearer than `epsilon` | Gaussian, on the kept pairs |
| `MultiHeadEdges` | those of any rule above, on learned maps of the embeddings | the mean over the heads |

| step | |
|---|---|
| `TopK` | keeps each node's `k` strongest edges, of any graph |
| `Compose` | a rule and other steps, these or PyG transforms, in a row |

Each rule takes `Data(x=embeddings [N, d])` and returns a copy with `edge_index` and `edge_weight`: symmetric, without
self-loops, not negative, differentiable. `MutualKNNGaussian`, `EpsilonGaussian` and `DenseCosine` may leave a document
without an edge: propagation gives it a zero row and the loss does not count it. How `sigma` is chosen is in
`gloss_pyg.graph.bandwidth`; which of PyG's transforms work, in `gloss_pyg.graph.transforms`. `DenseGaussian` and
`KNNGaussian` can also attach new documents to a graph that stands (`attachment`).
"""

from gloss_pyg.graph.attachment import Attaches, Attachment
from gloss_pyg.graph.bandwidth import SIGMA_RULES, Bandwidth, SigmaRule, median_distance
from gloss_pyg.graph.base import GraphRule, GraphStep
from gloss_pyg.graph.checks import check_result
from gloss_pyg.graph.compose import Compose
from gloss_pyg.graph.dense import DenseGaussian
from gloss_pyg.graph.dense_cosine import DenseCosine
from gloss_pyg.graph.dense_student import DenseStudentT
from gloss_pyg.graph.edges import complete_edge_index
from gloss_pyg.graph.epsilon import EpsilonGaussian
from gloss_pyg.graph.fitting import Fittable, fittable_parts
from gloss_pyg.graph.knn import KNNGaussian
from gloss_pyg.graph.multi_head import MultiHeadEdges
from gloss_pyg.graph.mutual_knn import MutualKNNGaussian
from gloss_pyg.graph.sized import Sized
from gloss_pyg.graph.top_k import TopK
from gloss_pyg.graph.transforms import check_steps

__all__ = [
    "SIGMA_RULES",
    "Attaches",
    "Attachment",
    "Bandwidth",
    "Compose",
    "DenseCosine",
    "DenseGaussian",
    "DenseStudentT",
    "EpsilonGaussian",
    "Fittable",
    "GraphRule",
    "GraphStep",
    "KNNGaussian",
    "MultiHeadEdges",
    "MutualKNNGaussian",
    "SigmaRule",
    "Sized",
    "TopK",
    "check_result",
    "check_steps",
    "complete_edge_index",
    "fittable_parts",
    "median_distance",
]
