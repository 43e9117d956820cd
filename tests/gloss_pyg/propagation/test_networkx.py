"""The two layers that networkx has too: equal labels wherever ours are not near a tie."""

import networkx as nx
import pytest
import torch
from networkx.algorithms.node_classification import harmonic_function, local_and_global_consistency
from torch_geometric.data import Data

from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.propagation import HarmonicFunction, LabelSpreading

CLASSES, MARGIN = 4, 1e-3


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rule", [DenseGaussian(0.5), KNNGaussian(5, 0.5)], ids=lambda rule: type(rule).__name__)
@pytest.mark.parametrize(
    ("layer", "theirs", "arguments"),
    [
        (HarmonicFunction(), harmonic_function, {}),
        (LabelSpreading(0.8), local_and_global_consistency, {"alpha": 0.8}),
        (LabelSpreading(0.99), local_and_global_consistency, {"alpha": 0.99}),
    ],
    ids=["harmonic", "spreading", "spreading far"],
)
def test_equal_labels_where_the_margin_is_clear(layer, theirs, arguments, rule, seed):
    generator = torch.Generator().manual_seed(seed)
    graph = rule(Data(x=torch.randn(40, 6, generator=generator, dtype=torch.float64)))
    labels = torch.randint(CLASSES, (40,), generator=generator)
    mask = torch.rand(40, generator=generator) < 0.3
    ours = layer(torch.eye(CLASSES, dtype=torch.float64)[labels], graph.edge_index, mask, graph.edge_weight)
    best = ours.topk(2, dim=1)
    clear = ~mask & (best.values[:, 0] - best.values[:, 1] > MARGIN)
    assert int(clear.sum()) > 15

    other = nx.Graph()
    other.add_nodes_from(range(40))
    other.add_weighted_edges_from(zip(*graph.edge_index.tolist(), graph.edge_weight.tolist(), strict=True))
    nx.set_node_attributes(other, {node: int(labels[node]) for node in mask.nonzero()[:, 0].tolist()}, "label")
    found = theirs(other, max_iter=10_000, **arguments)
    assert [found[node] for node in clear.nonzero()[:, 0]] == best.indices[clear, 0].tolist()
