"""PyG's convolutions as layers: each in its formula, and all of them run or are refused with a sentence."""

import copy
import inspect
import warnings

import numpy as np
import plain_reference as plain
import pytest
import torch
import torch_geometric.nn
from jsonargparse import ArgumentParser
from torch import nn
from torch_geometric.data import Data
from torch_geometric.nn import (
    APPNP,
    GATConv,
    GATv2Conv,
    GCNConv,
    GPSConv,
    GraphConv,
    SAGEConv,
    SGConv,
)

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss
from gloss_pyg.propagation import ConvPropagation, Propagation
from gloss_pyg.testing import check_propagation

C, D = 3, 5
LEARNED = [
    ("GCNConv", {}, "edge_weight"),
    ("GraphConv", {}, "edge_weight"),
    ("GATConv", {"edge_dim": 1, "heads": 2, "concat": False}, "edge_attr"),
    ("GATv2Conv", {"edge_dim": 1}, "edge_attr"),
    ("TransformerConv", {"edge_dim": 1}, "edge_attr"),
    ("SAGEConv", {}, None),
]


def documents(n=12, rule=None):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(n, D, generator=generator, dtype=torch.float64)
    data = (rule or KNNGaussian(3, 0.7))(Data(x=x))
    y = torch.eye(C, dtype=torch.float64)[torch.arange(n) % C]
    return x, data.edge_index, data.edge_weight, y, torch.arange(n) % 2 == 0


def layer_of(name, dim=D, **arguments):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ConvPropagation(getattr(torch_geometric.nn, name)(C + (dim or 0), C, **arguments), dim).double()


@pytest.mark.parametrize(("name", "arguments", "way"), LEARNED, ids=[name for name, *_ in LEARNED])
def test_the_scores_are_the_convolution_of_labels_and_embeddings(name, arguments, way):
    x, edge_index, edge_weight, y, mask = documents()
    layer = layer_of(name, **arguments)
    assert (layer.weight_argument, layer.hops, layer.signed, layer.num_classes) == (way, 1, True, C)
    assert (layer.through_weights, layer.through_x) == (way is not None, True)
    weight = edge_weight / edge_weight.mean()
    rows = torch.cat([y * mask[:, None], torch.from_numpy(plain.unit(x) * np.sqrt(D))], dim=1)
    given = {"edge_weight": {"edge_weight": weight}, "edge_attr": {"edge_attr": weight[:, None]}, None: {}}[way]
    expected = layer.conv(rows, edge_index, **given)
    found = layer(y, edge_index, mask, edge_weight, x)
    torch.testing.assert_close(found, expected.softmax(dim=1), rtol=1e-10, atol=1e-12)


def test_graph_conv_and_gcn_conv_against_the_plain_formula():
    _, edge_index, edge_weight, y, mask = documents()
    w = plain.dense(edge_index, edge_weight / edge_weight.mean(), 12)
    seeds = (y * mask[:, None]).numpy()
    layer = layer_of("GraphConv", dim=None)
    root, rel = (part.detach().numpy() for part in (layer.conv.lin_root.weight, layer.conv.lin_rel.weight))
    found = layer.scores(y * mask[:, None], edge_index, edge_weight, mask).detach()
    expected = seeds @ root.T + (w @ seeds) @ rel.T + layer.conv.lin_rel.bias.detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    layer = layer_of("GCNConv", dim=None)
    looped = w + np.eye(12)
    degree = looped.sum(axis=1)
    normalised = looped / np.sqrt(np.outer(degree, degree))
    found = layer.scores(y * mask[:, None], edge_index, edge_weight, mask).detach()
    expected = normalised @ seeds @ layer.conv.lin.weight.detach().numpy().T
    np.testing.assert_allclose(found, expected + layer.conv.bias.detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize(("name", "arguments", "way"), LEARNED, ids=[name for name, *_ in LEARNED])
def test_contract(name, arguments, way, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # the kit looks at shapes itself
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_propagation(layer_of(name, **arguments).float(), num_graphs=5, dim=D)
        if way is not None:
            check_propagation(layer_of(name, dim=None, **arguments).float(), num_graphs=5)


@pytest.mark.parametrize(("conv", "hops"), [(APPNP(4, 0.2), 4), (torch_geometric.nn.SimpleConv(), 1)])
def test_without_parameters_rows_are_divided_by_their_sums(conv, hops):
    _, edge_index, edge_weight, y, mask = documents()
    layer = ConvPropagation(conv)
    assert (layer.hops, layer.signed, layer.needs_num_classes, layer.num_classes) == (hops, False, False, None)
    found = layer(y, edge_index, mask, edge_weight)
    scores = conv(y * mask[:, None], edge_index, edge_weight / edge_weight.mean())
    torch.testing.assert_close(found, scores / scores.sum(dim=1, keepdim=True))


@pytest.mark.parametrize(
    ("conv", "hops"),
    [(SGConv(3, 3, K=2), 2), (torch_geometric.nn.ChebConv(3, 3, K=4), 3), (torch_geometric.nn.TAGConv(3, 3, K=3), 3)],
)
def test_how_far_labels_travel_is_found_out(conv, hops):
    assert ConvPropagation(conv).hops == hops


@pytest.mark.parametrize(("name", "arguments", "way"), LEARNED, ids=[name for name, *_ in LEARNED])
def test_gradients_in_parameters_and_what_it_is_differentiable_in(name, arguments, way):
    x, edge_index, edge_weight, y, mask = documents(n=7)
    layer = layer_of(name, **arguments)
    names = [name for name, _ in layer.named_parameters()]

    def result(weight, x, *parameters):
        state = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, state, (y, edge_index, mask, weight, x))

    weight = edge_weight.detach().clone().requires_grad_(way is not None)
    parameters = [parameter.detach().clone().requires_grad_() for parameter in layer.parameters()]
    assert torch.autograd.gradcheck(result, (weight, x.requires_grad_(), *parameters))


def test_one_that_reads_no_weights_says_so_once_and_the_loss_refuses_it_without_embeddings():
    with pytest.warns(
        UserWarning, match="SAGEConv reads no edge weights, so the encoder learns through the emb"
    ) as said:
        layer = ConvPropagation(SAGEConv(C + D, C), D)
    assert len(said) == 1
    x, edge_index, edge_weight, y, mask = documents()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(y, edge_index, mask, edge_weight, x)
    with pytest.warns(UserWarning, match=r"learns nothing: give dim.* Made with edge_dim=1 it would read them"):
        blind = ConvPropagation(GATConv(C, C))
    assert (blind.through_weights, blind.through_x) == (False, False)
    with pytest.raises(ConfigError, match="no gradient in the edge weights and none in the embeddings"):
        GLoss(DenseGaussian(0.5), blind)
    GLoss(DenseGaussian(0.5), layer)


def test_the_loss_trains_encoder_and_convolution():
    x, _, _, y, mask = documents()
    layer = layer_of("TransformerConv", edge_dim=1)
    loss = GLoss(DenseGaussian(0.5), layer)
    labels = y.argmax(dim=1)
    labels[labels == 2] = 1  # the batch lacks the last class
    loss(x.requires_grad_(), labels, mask).backward()
    assert x.grad.abs().max() > 1e-6
    assert all(p.grad is not None for p in layer.parameters())
    with pytest.raises(ConfigError, match="GLoss has num_classes=4, its ConvPropagation num_classes=3"):
        GLoss(DenseGaussian(0.5), layer, num_classes=4)


def test_a_common_factor_of_the_weights_does_not_matter_also_to_float32_parameters():
    x, edge_index, edge_weight, y, mask = documents()
    layer = layer_of("GCNConv").float()
    expected = layer(y.float(), edge_index, mask, edge_weight.float(), x.float())
    for factor in (1e-30, 1e30):
        found = layer(y.float(), edge_index, mask, edge_weight.float() * factor, x.float())
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ConvPropagation(GCNConv(4, 3)), r"made 3 columns of 4|\(3,\) columns of 4, where 4 classes need 4"),
        (lambda: ConvPropagation(GCNConv(4, 3), num_classes=3), "in_channels=4, but 3 classes are 3 columns"),
        (lambda: ConvPropagation(GCNConv(3, 3), dim=8), "leaves no column for labels beside dim=8"),
        (lambda: ConvPropagation(GCNConv(11, 3), dim=7, num_classes=3), "3 classes and embeddings of dim=7 columns"),
        (lambda: ConvPropagation(GATConv(3, 3, heads=2, edge_dim=1)), "with several heads concat=False"),
        (lambda: ConvPropagation(GATConv(3, 3, edge_dim=4)), "edge_dim=4; an edge has one weight"),
        (lambda: ConvPropagation(GCNConv(3, 3, cached=True)), "cached=True"),
        (lambda: ConvPropagation(GCNConv(-1, 3)), "in_channels=-1"),
        (
            lambda: ConvPropagation(GPSConv(4, GCNConv(4, 4), heads=1), num_classes=4),
            "mixes documents that no edge joins",
        ),
        (lambda: ConvPropagation(torch_geometric.nn.GCN2Conv(3, 0.5)), "also needs x_0"),
        (lambda: ConvPropagation(torch_geometric.nn.RGCNConv(3, 3, 2)), "RGCNConv cannot be called"),
        (lambda: ConvPropagation(nn.Linear(3, 3)), "takes no edge_index"),
        (lambda: ConvPropagation(GCNConv(3, 3), dim=0), "dim=0, expected"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_made(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_what_does_not_fit_is_refused_when_it_is_called():
    x, edge_index, edge_weight, y, mask = documents()
    layer = layer_of("GCNConv")
    with pytest.raises(DataError, match="num_classes=3"):
        layer(y[:, :2], edge_index, mask, edge_weight, x)
    with pytest.raises(ConfigError, match="reads the embeddings"):
        layer(y, edge_index, mask, edge_weight)
    with pytest.raises(DataError, match="dim=5 columns; got 4"):
        layer(y, edge_index, mask, edge_weight, x[:, :4])


def test_by_class_path():
    parser = ArgumentParser()
    parser.add_argument("--layer", type=Propagation)
    given = parser.parse_object(
        {
            "layer": {
                "class_path": "gloss_pyg.propagation.ConvPropagation",
                "init_args": {
                    "conv": {
                        "class_path": "torch_geometric.nn.GATv2Conv",
                        "init_args": {"in_channels": C + D, "out_channels": C, "edge_dim": 1, "concat": False},
                    },
                    "dim": D,
                },
            }
        }
    )
    layer = parser.instantiate_classes(given).layer
    assert isinstance(layer.conv, GATv2Conv)
    assert (layer.num_classes, layer.dim, layer.through_weights) == (C, D, True)


def buildable():
    """Every convolution of PyG that can be made of widths alone, by name."""
    # PyG writes generated code into a class when one is made: from the base itself all other layers would inherit it.
    for name in sorted(set(torch_geometric.nn.conv.__all__) - {"MessagePassing"}):
        cls = getattr(torch_geometric.nn, name)
        wanted = list(inspect.signature(cls.__init__).parameters)[1:]
        choices = {"in_channels": C + D, "out_channels": C, "channels": C + D, "K": 2, "alpha": 0.5, "num_relations": 2}
        choices |= {"num_layers": 2, "dim": 1, "kernel_size": 2, "filter_size": 2, "edge_dim": 1, "hidden_channels": 4}
        choices |= {"nn": nn.Linear(C + D, C), "conv": GraphConv(C + D, C), "is_open_spline": True}
        needed = [
            key for key, value in inspect.signature(cls.__init__).parameters.items() if value.default is value.empty
        ]
        given = {key: choices[key] for key in wanted if key in choices and (key in needed or key == "edge_dim")}
        try:
            yield name, cls(**given)
        except (TypeError, ValueError, ImportError, RuntimeError):
            continue


SWEEP = dict(buildable())
RUN = {
    "SimpleConv",
    "GCNConv",
    "ChebConv",
    "SAGEConv",
    "GraphConv",
    "ResGatedGraphConv",
    "GATConv",
    "GATv2Conv",
    "TransformerConv",
    "TAGConv",
    "GINConv",
    "ARMAConv",
    "SGConv",
    "SSGConv",
    "APPNP",
    "MFConv",
    "FeaStConv",
    "LEConv",
    "ClusterGCNConv",
    "WLConvContinuous",
    "FiLMConv",
    "SuperGATConv",
    "PDNConv",
    "GeneralConv",
    "LGConv",
    "DirGNNConv",
}


def test_the_sweep_is_no_empty_one():
    assert set(SWEEP) > RUN
    assert len(SWEEP) > 45


@pytest.mark.parametrize("name", SWEEP)
@pytest.mark.filterwarnings("ignore:ConvPropagation")
def test_every_convolution_runs_or_is_refused_with_a_sentence(name):
    x, _, _, y, mask = documents()
    layer, refused = None, []
    for dim, classes in ((D, C), (None, C + D)):  # the second for those that give as many columns as they take
        try:
            layer = layer or ConvPropagation(copy.deepcopy(SWEEP[name]), dim, classes)
        except ConfigError as error:
            refused.append(str(error))
    if layer is None or not (layer.through_weights or layer.through_x):
        assert name not in RUN, refused
        assert all(sentence.startswith("ConvPropagation: ") and len(sentence) < 600 for sentence in refused)
        return
    loss = GLoss(DenseGaussian(0.5), layer)
    found = loss.propagate(x.float().requires_grad_(), y.argmax(dim=1), mask)
    total = found.probabilities.sum(dim=1)
    assert ((total - 1).abs() < 1e-5).all()
    (gradient,) = torch.autograd.grad(found.probabilities[:, 0].sum(), found.graph.x)
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_a_batch_norm_is_refused_since_it_mixes_documents_in_training():
    with pytest.raises(ConfigError, match=r"GENConv has a batch norm, which mixes documents .* take norm='layer'"):
        ConvPropagation(torch_geometric.nn.GENConv(C, C, norm="batch", edge_dim=1))
    ConvPropagation(torch_geometric.nn.GENConv(C, C, norm="layer", edge_dim=1))
