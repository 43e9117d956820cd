import numpy as np
import pytest
import torch
from reference_pictures import check_picture
from torch_geometric.data import Data
from torch_geometric.nn import SGConv, SimpleConv

from gloss_pyg import GLoss, KNNGaussian
from gloss_pyg import propagation as family
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import draw_flow, label_flow

# Layers whose `scores` are linear as they stand, and those that divide rows or look which rows are empty.
PLAIN = {
    "HarmonicFunction": {},
    "LabelSpreading": {},
    "PersonalizedPageRank": {},
    "AbsorbingWalk": {},
    "LaplacianRegularization": {},
    "HeatKernel": {},
    "SinkhornPropagation": {},
    "AttentionPropagation": {"dim": 6},
    "LinearBeliefPropagation": {},
}
OTHERS = {"LabelPropagation": {}, "ModifiedAdsorption": {}, "NearestLabelled": {}, "PoissonLearning": {}}


def graph():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(24) % 3
    x = torch.randn(3, 6, generator=generator)[y] + torch.randn(24, 6, generator=generator)
    data = KNNGaussian(k=5, sigma=0.7)(Data(x=x, y=y))
    mask = torch.rand(24, generator=generator) < 0.5
    return data, y, mask


def make(name, arguments):
    torch.manual_seed(0)
    return getattr(family, name)(**arguments)


def rows(y, mask, classes=3):
    return torch.nn.functional.one_hot(y, classes).double() * mask[:, None]


@pytest.mark.parametrize("name", [*PLAIN, *OTHERS])
def test_contributions_sum_to_the_propagated_probability(name):
    data, y, mask = graph()
    layer = make(name, {**PLAIN, **OTHERS}[name])
    document = int((~mask).nonzero()[2])
    flow = label_flow(data, layer, document, seen=mask, hide=0)
    weight, x = data.edge_weight.double(), data.x.double()
    expected = layer(rows(y, mask), data.edge_index, mask, weight, x)[document].detach().numpy()
    np.testing.assert_allclose(flow.probabilities, expected, atol=1e-9)
    assert flow.inferred == expected.argmax()
    if layer.signed:
        scores = layer.scores(rows(y, mask), data.edge_index, weight, mask, x)[document].detach().numpy()
        np.testing.assert_allclose(sum(source.given for source in flow.sources), scores, atol=1e-6)
        return
    shares = np.zeros(3)
    for source in flow.sources:
        shares[source.label] += source.share
        assert source.share >= -1e-12
    np.testing.assert_allclose(shares, expected, atol=1e-6)
    assert sum(source.share for source in flow.sources) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", PLAIN)
def test_each_is_the_change_when_its_row_is_emptied_while_it_stays_seen(name):
    data, y, mask = graph()
    layer = make(name, PLAIN[name])
    document = int((~mask).nonzero()[2])
    flow = label_flow(data, layer, document, seen=mask, hide=0)
    labels, weight, x = rows(y, mask), data.edge_weight.double(), data.x.double()

    def scores(seeds):
        return layer.scores(seeds, data.edge_index, weight, mask, x)[document].detach().numpy()

    for source in flow.sources:
        emptied = labels.clone()
        emptied[source.document] = 0
        np.testing.assert_allclose(source.given, scores(labels) - scores(emptied), atol=1e-6)


@pytest.mark.parametrize("name", OTHERS)
def test_of_other_layers_it_is_what_goes_to_a_class_of_its_own(name):
    """They divide rows by their sums, or take an empty row for none: a label of its own keeps it where it was."""
    data, y, mask = graph()
    layer = make(name, OTHERS[name])
    document = int((~mask).nonzero()[2])
    flow = label_flow(data, layer, document, seen=mask, hide=0)
    weight = data.edge_weight.double()

    def scores(labels):
        return layer.scores(labels, data.edge_index, weight, mask)[document].detach().numpy()[:3]

    whole = scores(rows(y, mask, 4))
    for source in flow.sources:
        apart = y.clone()
        apart[source.document] = 3
        np.testing.assert_allclose(source.given, whole - scores(rows(apart, mask, 4)), atol=1e-6)


def test_hiding_is_another_question_and_is_answered():
    data, y, mask = graph()
    layer = family.LabelPropagation()
    document = int((~mask).nonzero()[2])
    flow = label_flow(data, layer, document, seen=mask, hide=4)
    weight = data.edge_weight.double()
    for source in flow.sources[:4]:
        without = mask.clone()
        without[source.document] = False
        change = layer(rows(y, without), data.edge_index, without, weight)[document].numpy() - flow.probabilities
        np.testing.assert_allclose(source.if_hidden, change, atol=1e-9)
    assert flow.sources[4].if_hidden is None
    strongest = flow.sources[0]
    assert abs(strongest.if_hidden[strongest.label]) < strongest.share  # others passed on what it had given
    assert list(flow.table().columns) == ["document", "label", "given", "share", "if_hidden", "text"]
    assert flow.table()["if_hidden"].notna().sum() == 4


def test_a_layer_that_mixes_classes_is_told_apart_by_derivatives():
    data, _, mask = graph()
    mixing = family.LinearBeliefPropagation([[0.1, -0.1, 0.0], [-0.1, 0.2, -0.1], [0.0, -0.1, 0.1]])
    flow = label_flow(data, mixing, 1, seen=mask, hide=0)
    assert any(np.abs(np.delete(source.given, source.label)).max() > 1e-3 for source in flow.sources)
    sums = label_flow(data, family.ConvPropagation(SimpleConv()), 1, seen=mask, hide=0)
    assert sums.scores.sum() > 0


@pytest.mark.parametrize(
    "layer",
    [
        family.HarmonicFunction(class_mass_normalisation=True),
        family.CorrectAndSmooth(),
        family.ConvPropagation(SGConv(3, 3)),  # its bias comes from no label
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_layer_that_is_not_linear_is_refused(layer):
    data, _, mask = graph()
    with pytest.raises(ConfigError, match="is not linear in the labels"):
        label_flow(data, layer, int((~mask).nonzero()[0]), seen=mask)


def test_the_layer_is_left_as_it_was():
    data, _, mask = graph()
    layer = make("AttentionPropagation", {"dim": 6}).train()
    label_flow(data, layer, 1, seen=mask, hide=0)
    assert layer.training
    assert all(parameter.grad is None for parameter in layer.parameters())


def test_a_propagated_batch_gives_what_it_saw():
    _, y, mask = graph()
    x = torch.randn(24, 6, generator=torch.Generator().manual_seed(3))
    loss = GLoss(KNNGaussian(k=5, sigma=0.7))
    batch = loss.propagate(x.requires_grad_(), y, mask)
    document = int(batch.hidden.nonzero()[0])
    flow = label_flow(batch, loss.propagation, document)
    expected = batch.probabilities[document].detach().numpy()
    np.testing.assert_allclose(flow.probabilities, expected, atol=1e-5)
    assert {source.document for source in flow.sources} == set(mask.nonzero().squeeze(1).tolist())


def test_the_pictures_are_those_that_were_looked_at():
    data, y, mask = graph()
    texts = [f"text {number} of class {int(label)}, $\\alpha$\n" + "and so on " * 9 for number, label in enumerate(y)]
    flow = label_flow(data, family.LabelPropagation(), int((~mask).nonzero()[2]), seen=mask, texts=texts)
    check_picture(draw_flow(flow, most=6), "flow")
    signed = label_flow(data, family.PoissonLearning(), int((~mask).nonzero()[2]), seen=mask, hide=3)
    check_picture(draw_flow(signed), "flow_signed")
    with pytest.raises(ConfigError, match="most=0"):
        draw_flow(flow, most=0)


def test_a_document_that_no_label_reaches():
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([0, 1, -100]), num_nodes=3)
    flow = label_flow(data, family.LabelPropagation(), 2)
    assert (flow.inferred, flow.scores.tolist()) == (-1, [0.0, 0.0])
    assert "no label reaches it" in draw_flow(flow).figure.get_suptitle()


def test_wrong_input_is_said(monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    data, _, mask = graph()
    layer = family.LabelPropagation()
    for arguments, error, message in (
        ({"document": 24}, DataError, "expected a number from 0 to 23"),
        ({"document": 1, "texts": ["a"]}, DataError, "1 texts for 24 documents"),
        ({"document": 1, "hide": -1}, ConfigError, "hide=-1"),
        ({"document": 1, "seen": torch.zeros(24, dtype=torch.bool)}, DataError, "No label is seen"),
    ):
        with pytest.raises(error, match=message):
            label_flow(data, layer, **{"seen": mask, **arguments})
    with pytest.raises(ConfigError, match="expected a layer"):
        label_flow(data, lambda *_: None, 1)
