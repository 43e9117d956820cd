"""Arguments that each public propagation layer is tried with; a new layer needs one line.

Embeddings have 8 columns (`check_propagation`'s `dim`), for layers that are made for a width.
"""

from torch_geometric.nn import APPNP, GATv2Conv, GCNConv

from gloss_pyg.propagation import (
    AbsorbingWalk,
    AttentionPropagation,
    ConvPropagation,
    CorrectAndSmooth,
    HarmonicFunction,
    HeatKernel,
    LabelPropagation,
    LabelSpreading,
    LaplacianRegularization,
    LinearBeliefPropagation,
    ModifiedAdsorption,
    NearestLabelled,
    PersonalizedPageRank,
    PoissonLearning,
    SinkhornPropagation,
)

CASES = {
    LabelPropagation: [{}, {"solver": "conjugate_gradients"}, {"solver": "iterative"}],
    HarmonicFunction: [
        {},
        {"class_mass_normalisation": True},
        {"solver": "conjugate_gradients"},
        {"solver": "iterative"},
    ],
    LabelSpreading: [{}, {"solver": "conjugate_gradients"}, {"solver": "iterative"}],
    PersonalizedPageRank: [
        {},
        {"learned": True},
        {"solver": "conjugate_gradients"},
        {"solver": "iterative"},
    ],
    AbsorbingWalk: [{}, {"solver": "conjugate_gradients"}, {"solver": "iterative"}],
    LaplacianRegularization: [
        {},
        {"power": 2},
        {"solver": "conjugate_gradients"},
        {"power": 2, "solver": "conjugate_gradients"},
        {"solver": "iterative"},
    ],
    HeatKernel: [{}, {"learned": True}, {"solver": "iterative"}],
    PoissonLearning: [{}, {"solver": "conjugate_gradients"}],
    NearestLabelled: [{}],
    CorrectAndSmooth: [{}, {"scale": 1.0}, {"solver": "conjugate_gradients"}, {"solver": "iterative"}],
    AttentionPropagation: [{}, {"dim": 8, "num_heads": 2, "head_dim": 3, "solver": "iterative"}],
    ConvPropagation: [
        {"conv": APPNP(K=3, alpha=0.2)},
        {"conv": GCNConv(3, 3)},
        {"conv": GATv2Conv(11, 3, heads=2, concat=False, edge_dim=1), "dim": 8},
    ],
    SinkhornPropagation: [{}, {"solver": "conjugate_gradients"}],
    ModifiedAdsorption: [{}, {"solver": "conjugate_gradients"}, {"solver": "iterative"}],
    LinearBeliefPropagation: [
        {},
        {"coupling": -0.5},
        {"coupling": [[0.3, -0.2, -0.1], [-0.2, 0.5, -0.3], [-0.1, -0.3, 0.4]]},
        {"learned": True},
        {"solver": "conjugate_gradients"},
        {"learned": True, "num_classes": 3, "solver": "conjugate_gradients"},
    ],
}
