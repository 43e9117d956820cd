"""PyG's transforms beside our rules: each works, leaves the graph alone, or is refused with a sentence."""

import inspect

import pytest
import torch
from torch import nn
from torch_geometric import transforms as pyg
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Compose, DenseCosine, DenseGaussian, GraphStep, KNNGaussian, TopK, check_result, check_steps
from gloss_pyg.losses import GLoss

NODES, DIM = 12, 4
# Arguments that a transform cannot be made without.
ARGUMENTS = {
    "AddLaplacianEigenvectorPE": {"k": 2},
    "AddRandomWalkPE": {"walk_length": 2},
    "FeaturePropagation": {"missing_mask": torch.zeros(NODES, DIM, dtype=torch.bool)},
    "FixedPoints": {"num": 3},
    "GridSampling": {"size": 1.0},
    "KNNGraph": {"k": 3},
    "LinearTransformation": {"matrix": torch.eye(3)},
    "NodePropertySplit": {"property_name": "popularity", "ratios": [0.3, 0.1, 0.1, 0.2, 0.3]},
    "OneHotDegree": {"max_degree": 20},
    "Pad": {"max_num_nodes": 20},
    "RadiusGraph": {"r": 1.0},
    "RandomFlip": {"axis": 0},
    "RandomJitter": {"translate": 0.1},
    "RandomRotate": {"degrees": 3.0},
    "RandomScale": {"scales": (1, 2)},
    "RandomShear": {"shear": 0.1},
    "RootedEgoNets": {"num_hops": 1},
    "SIGN": {"K": 1},
    "SVDFeatureReduction": {"out_channels": 2},
    "SamplePoints": {"num": 3},
    "ToDevice": {"device": "cpu"},
    "ToUndirected": {"reduce": "mean"},
    "AddMetaPaths": {"metapaths": []},
    "AddRandomMetaPaths": {"metapaths": []},
    "ComposeFilters": {"filters": []},
}
CHANGE_WEIGHTS = {"AddSelfLoops", "AddRemainingSelfLoops", "GCNNorm"}
LEAVE_ALONE = {
    *("AddRandomWalkPE", "Constant", "FeaturePropagation", "IndexToMask", "LaplacianLambdaMax", "LocalDegreeProfile"),
    *("MaskToIndex", "NodePropertySplit", "NormalizeFeatures", "OneHotDegree", "RandomNodeSplit", "RootedEgoNets"),
    *("RemoveDuplicatedEdges", "RemoveSelfLoops", "SIGN", "SVDFeatureReduction", "TargetIndegree", "ToDevice"),
    "ToUndirected",
}
NEED_MORE = {
    "AddGPSE": "a trained model",
    "BaseTransform": "a subclass",
    "Compose": "tested below",
    "RemoveTrainingClasses": "a training mask",
    "RootedRWSubgraph": "a compiled extension",
}


def made(name):
    return getattr(pyg, name)(**ARGUMENTS.get(name, {}))


def batch():
    labels = torch.arange(NODES) % 3
    x = torch.randn(NODES, DIM, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (x + 1.5 * torch.eye(3, DIM).double()[labels]).requires_grad_(), labels, torch.arange(NODES) < 6


def total(graph):
    return graph.edge_weight.sum().item()


@pytest.mark.parametrize("name", sorted(set(pyg.__all__) - set(NEED_MORE)))
def test_every_transform_works_or_leaves_the_graph_alone_or_is_refused(name):
    x, labels, mask = batch()
    x = x.detach().float().requires_grad_()  # some of PyG's add float32 numbers to the weights
    rule = KNNGaussian(3, 0.7)
    plain = rule(Data(x=x, y=labels))
    if name not in CHANGE_WEIGHTS | LEAVE_ALONE:
        for make in (lambda step: Compose([rule, step]), GLoss, lambda step: GLoss(pyg.Compose([rule, step]))):
            with pytest.raises(ConfigError, match=rf"^{name} does not work on a graph of embeddings: \w.*\.$"):
                make(made(name))
        return
    graph = Compose([rule, made(name)])(Data(x=x, y=labels))
    assert graph.num_nodes == NODES
    assert (total(graph) == pytest.approx(total(plain), rel=1e-6)) == (name in LEAVE_ALONE)
    assert torch.autograd.grad(graph.edge_weight.square().sum(), x)[0].abs().max() > 1e-3
    loss = GLoss(Compose([rule, made(name)]))
    loss(x, labels, mask=mask).backward()
    assert x.grad.abs().max() > 1e-4


def test_the_table_names_what_is_there():
    known = set(pyg.__all__)
    for table in (ARGUMENTS, CHANGE_WEIGHTS, LEAVE_ALONE, NEED_MORE):
        assert set(table) <= known


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (pyg.ToUndirected(), r"doubles every weight\. Give reduce='mean'"),
        (pyg.ToUndirected("mul"), r"changes every weight\. Give reduce='mean'"),
        (pyg.AddSelfLoops("edge_attr"), r"leaves edge_weight behind: give AddSelfLoops\('edge_weight'\)"),
        (pyg.AddRemainingSelfLoops("edge_attr"), r"give AddRemainingSelfLoops\('edge_weight'\)"),
        (pyg.RemoveSelfLoops("edge_attr"), r"give RemoveSelfLoops\('edge_weight'\)"),
        (pyg.RemoveDuplicatedEdges("edge_attr"), r"give RemoveDuplicatedEdges\('edge_weight'\)"),
        (pyg.GDC(), "reads no edge_weight, gives edge_attr without a gradient"),
        (pyg.RandomLinkSplit(), "returns three graphs"),
        (pyg.KNNGraph(3), r"reads data\.pos, and embeddings are data\.x\. Use KNNGaussian"),
        (pyg.RadiusGraph(1.0), "Use EpsilonGaussian"),
        (pyg.RemoveIsolatedNodes(), "without an edge does no harm"),
        (pyg.LargestConnectedComponents(), "changes which nodes there are"),
    ],
)
def test_what_is_refused_says_what_to_do(step, message):
    for make in (lambda: Compose([DenseGaussian(1.0), step]), lambda: GLoss(step)):
        with pytest.raises(ConfigError, match=message):
            make()


def test_why_they_are_refused():
    """The claims of the sentences, on PyG as it is installed: where one no longer holds, the refusal can go."""
    x, labels, _ = batch()
    graph = KNNGaussian(3, 0.7)(Data(x=x, y=labels))
    edges = graph.edge_index.size(1)
    assert total(pyg.ToUndirected()(graph)) == pytest.approx(2 * total(graph))
    assert total(pyg.ToUndirected("mul")(graph)) == pytest.approx(graph.edge_weight.square().sum().item())
    stale = pyg.AddSelfLoops("edge_attr")(graph)
    assert (stale.edge_index.size(1), stale.edge_weight.size(0)) == (edges + NODES, edges)
    diffused = pyg.GDC()(graph)
    assert not diffused.edge_attr.requires_grad
    assert diffused.edge_weight is graph.edge_weight
    assert diffused.edge_index.size(1) != edges
    unweighted = pyg.GDC()(Data(x=x, edge_index=graph.edge_index))
    assert torch.equal(unweighted.edge_attr, diffused.edge_attr)
    assert len(pyg.RandomLinkSplit()(graph)) == 3
    for reader in (pyg.KNNGraph(3), pyg.RadiusGraph(1.0)):
        with pytest.raises(AssertionError):
            reader(graph)
    grown = pyg.TwoHop()(graph)
    assert grown.edge_index.size(1) > grown.edge_weight.size(0)


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([TopK(2), DenseGaussian(1.0)], "TopK stands before DenseGaussian, which replaces all edges"),
        ([KNNGaussian(2, 1.0), DenseGaussian(1.0)], "KNNGaussian stands before DenseGaussian"),
        ([pyg.AddSelfLoops(), DenseGaussian(1.0)], "AddSelfLoops stands before DenseGaussian"),
        ([Compose([pyg.GCNNorm()]), DenseGaussian(1.0)], "GCNNorm stands before DenseGaussian"),
    ],
)
def test_steps_that_a_rule_would_undo_are_refused(steps, message):
    with pytest.raises(ConfigError, match=message):
        Compose(steps)


@pytest.mark.parametrize("rule", [DenseGaussian("learned"), DenseGaussian("sqrt")])
def test_compose_of_pyg_may_not_hide_what_torch_must_know(rule):
    for hidden in (pyg.Compose([rule]), pyg.Compose([pyg.Compose([rule])])):
        for make in (GLoss, lambda step: Compose([step])):
            with pytest.raises(ConfigError, match=r"hides the .* of DenseGaussian .* Use gloss_pyg\.graph\.Compose"):
                make(hidden)
    check_steps(pyg.Compose([DenseGaussian(0.5)]))


def test_features_may_change_before_the_rule():
    x, labels, mask = batch()
    step = Compose([pyg.NormalizeFeatures(), DenseGaussian(0.7)])
    rows = x - x.min()
    expected = DenseGaussian(0.7)(Data(x=rows / rows.sum(dim=1, keepdim=True).clamp(min=1)))
    torch.testing.assert_close(step(Data(x=x)).edge_weight, expected.edge_weight)
    assert GLoss(step)(x, labels, mask=mask).item() > 0


class Halve(GraphStep):
    """A user's own step that counts: once in each place where it stands."""

    def __init__(self, factor=0.5):
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(factor, dtype=torch.float64))

    def forward(self, data):
        data.edge_weight = data.edge_weight * self.factor
        return data


def test_own_steps_with_parameters_are_welcome():
    step = Compose([DenseCosine(), Halve(), Halve()])
    x, _, _ = batch()
    torch.testing.assert_close(step(Data(x=x)).edge_weight, DenseCosine()(Data(x=x)).edge_weight / 4)
    assert len(list(step.parameters())) == 2
    assert not step.needs_fit


def detached(data):
    data.edge_weight = data.edge_weight.detach()
    return data


def without_weights(data):
    del data.edge_weight
    return data


def shorter(data):
    data.edge_weight = data.edge_weight[1:]
    return data


def two_numbers(data):
    data.edge_weight = data.edge_weight[:, None].expand(-1, 2)
    return data


def fewer(data):
    return data.subgraph(torch.arange(NODES) > 2)


def three(data):
    return [data] * 3


def nothing(data):
    return None


BROKEN = [
    (detached, "detached gave weights without a gradient"),
    (without_weights, "without_weights left no edge_weight"),
    (shorter, r"shorter returned edge_index of shape \(2, 132\) but edge_weight of shape \(131,\)"),
    (two_numbers, r"two_numbers returned .* edge_weight of shape \(132, 2\)"),
    (fewer, "fewer changed the number of documents from 12 to 9"),
    (three, "three returned a list of 3; a graph step returns one Data"),
    (nothing, "nothing returned a NoneType"),
]


@pytest.mark.parametrize(("step", "message"), BROKEN, ids=[step.__name__ for step, _ in BROKEN])
def test_steps_that_break_the_graph_are_named(step, message):
    x, labels, mask = batch()
    rule = DenseGaussian(0.7)
    with pytest.raises(DataError, match=message):
        Compose([rule, step])(Data(x=x))
    with pytest.raises(DataError):
        GLoss(lambda data: step(rule(data)))(x, labels, mask=mask)


def test_weights_without_gradient_are_right_where_nobody_wants_one():
    x, labels, mask = batch()
    step = Compose([DenseGaussian(0.7), detached])
    assert step(Data(x=x.detach())).edge_weight.numel() == 132
    assert GLoss(step).eval()(x.detach(), labels, mask=mask).item() > 0
    with torch.no_grad():
        assert GLoss(step)(x, labels, mask=mask).item() > 0
    learned = Compose([DenseGaussian("learned"), detached])
    with pytest.raises(DataError, match="detached gave weights without a gradient"):
        learned(Data(x=x.detach()))


def test_a_step_before_the_rule_need_not_give_weights():
    edges = torch.tensor([[0, 1], [1, 0]])

    def shape_only(data):
        data.edge_index = edges
        return data

    x, _, _ = batch()
    assert Compose([shape_only, DenseGaussian(0.7)])(Data(x=x)).edge_weight.numel() == 132
    with pytest.raises(DataError, match="shape_only left no edge_index"):
        check_result(shape_only, Data(x=x, edge_weight=torch.ones(2)), num_nodes=NODES, x=x, edge_weight=None)


def test_refusals_are_sentences_and_name_only_what_pyg_has():
    refused = inspect.getmodule(check_steps)._REFUSED
    assert set(refused) <= set(pyg.__all__)
    assert not set(refused) & (CHANGE_WEIGHTS | LEAVE_ALONE)
