"""Propagation layers: from the labels that may be seen, over a weighted graph, to class probabilities for all.

| layer | result for the hidden nodes | source |
|---|---|---|
| `LabelPropagation` | `(I - T_UU)^-1 T_UL Y_L` | Zhu & Ghahramani 2002 |
| `HarmonicFunction` | `L_UU^-1 W_UL Y_L` | Zhu, Ghahramani, Lafferty 2003 |
| `LabelSpreading` | `(1 - a) (I - a S)^-1 Y` | Zhou et al. 2003 |
| `PersonalizedPageRank` | `a (I - (1 - a) A)^-1 Y`, `a` fixed or learned | Page 1999; Gasteiger et al. 2019 |
| `AbsorbingWalk` | `(Lambda + L)^-1 Lambda Y` | Wu et al. 2012 |
| `LaplacianRegularization` | `(M + g L^p)^-1 M Y` | Belkin, Matveeva, Niyogi 2004 |
| `HeatKernel` | `exp(-t L) Y`, `t` fixed or learned | Kondor & Lafferty 2002 |
| `PoissonLearning` | `L u = sum_j (y_j - mean y) delta_j` | Calder et al. 2020 |
| `AttentionPropagation` | harmonic on attention `softmax_j(Q x_i . K x_j + log W_ij)` | Veličković et al. 2018 |
| `ConvPropagation` | any convolution of PyG, over seen labels and, if asked, embeddings | Shi et al. 2021 |
| `CorrectAndSmooth` | errors of `base` spread, then the corrected prediction | Huang et al. 2021 |
| `NearestLabelled` | `softmax_j(log W_ij) Y_j`, over labelled neighbours alone | Goldberger et al. 2004 |
| `SinkhornPropagation` | harmonic on the kernel made doubly stochastic | Sinkhorn & Knopp 1967; Landa et al. 2021 |
| `ModifiedAdsorption` | labels injected, continued, abandoned | Talukdar & Crammer 2009 |
| `LinearBeliefPropagation` | `B = E + A B H - D B H^2` | Gatterbauer et al. 2015 |

All are called as `layer(y, edge_index, mask, edge_weight, x)`; a layer of your own derives from `Propagation` and
writes one method, `scores`.
"""

from gloss_pyg.propagation.absorbing_walk import AbsorbingWalk
from gloss_pyg.propagation.attention_propagation import AttentionPropagation
from gloss_pyg.propagation.base import Propagation
from gloss_pyg.propagation.conv_propagation import ConvPropagation
from gloss_pyg.propagation.correct_and_smooth import CorrectAndSmooth
from gloss_pyg.propagation.harmonic_function import HarmonicFunction
from gloss_pyg.propagation.heat_kernel import HeatKernel
from gloss_pyg.propagation.label_propagation import LabelPropagation
from gloss_pyg.propagation.label_spreading import LabelSpreading
from gloss_pyg.propagation.laplacian_regularization import LaplacianRegularization
from gloss_pyg.propagation.linear_belief_propagation import LinearBeliefPropagation
from gloss_pyg.propagation.modified_adsorption import ModifiedAdsorption
from gloss_pyg.propagation.nearest_labelled import NearestLabelled
from gloss_pyg.propagation.personalized_page_rank import PersonalizedPageRank
from gloss_pyg.propagation.poisson_learning import PoissonLearning
from gloss_pyg.propagation.sinkhorn_propagation import SinkhornPropagation
from gloss_pyg.propagation.solved import SolvedPropagation

__all__ = [
    "AbsorbingWalk",
    "AttentionPropagation",
    "ConvPropagation",
    "CorrectAndSmooth",
    "HarmonicFunction",
    "HeatKernel",
    "LabelPropagation",
    "LabelSpreading",
    "LaplacianRegularization",
    "LinearBeliefPropagation",
    "ModifiedAdsorption",
    "NearestLabelled",
    "PersonalizedPageRank",
    "PoissonLearning",
    "Propagation",
    "SinkhornPropagation",
    "SolvedPropagation",
]
