import pytest
import torch
from jsonargparse import ArgumentParser
from torch_geometric.data import Data
from torch_geometric.transforms import AddSelfLoops

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import Compose, DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss


def batch():
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1])
    x = torch.randn(8, 3, generator=generator, dtype=torch.float64) + 2 * labels[:, None]
    return x.requires_grad_(), labels, torch.arange(8) < 4


def test_parameters_and_fit_reach_the_parts():
    rule = Compose([DenseGaussian("learned"), AddSelfLoops("edge_weight")])
    assert [name for name, _ in GLoss(rule).named_parameters()] == ["graph.0.bandwidth.log_sigma"]
    assert rule.needs_fit
    before = rule.transforms[0].bandwidth.log_sigma.item()
    rule.fit_sigma(batch()[0].detach() + 100)
    assert not rule.needs_fit
    assert rule.transforms[0].bandwidth.log_sigma.item() < before - 1


def test_self_loops_of_pyg_join_a_rule_and_the_loss_works():
    x, labels, mask = batch()
    step = Compose([KNNGaussian(5, 0.7), AddSelfLoops("edge_weight")])
    graph = step(Data(x=x.detach()))
    loops = graph.edge_index[0] == graph.edge_index[1]
    assert int(loops.sum()) == 8
    value = GLoss(step)(x, labels, mask=mask)
    value.backward()
    assert value.item() > 0
    assert x.grad.abs().max() > 1e-4
    assert value.item() != pytest.approx(GLoss(KNNGaussian(5, 0.7))(x, labels, mask=mask).item(), rel=1e-6)


@pytest.mark.parametrize("parts", [[], [3]])
def test_what_is_no_list_of_steps_is_refused(parts):
    with pytest.raises((ConfigError, TypeError), match="Compose"):
        Compose(parts)


def test_steps_in_steps_are_fitted_too():
    rule = Compose([Compose([DenseGaussian("sqrt")]), AddSelfLoops("edge_weight")])
    loss = GLoss(rule)
    assert loss.needs_fit
    loss.fit_sigma(batch()[0].detach())
    assert not rule.needs_fit
    assert any("sigma" in name for name in loss.state_dict())


def test_rules_and_steps_by_class_path():
    parser = ArgumentParser()
    parser.add_argument("--loss", type=GLoss)
    heads = {
        "class_path": "gloss_pyg.MultiHeadEdges",
        "init_args": {"dim": 3, "rule": {"class_path": "gloss_pyg.DenseCosine"}},
    }
    steps = [
        heads,
        {"class_path": "gloss_pyg.TopK", "init_args": {"k": 2}},
        {"class_path": "torch_geometric.transforms.AddSelfLoops"},
    ]
    graph = {"class_path": "gloss_pyg.Compose", "init_args": {"transforms": steps}}
    config = parser.parse_object({"loss": {"class_path": "gloss_pyg.GLoss", "init_args": {"graph": graph}}})
    loss = parser.instantiate_classes(config).loss
    x, labels, mask = batch()
    assert [type(step).__name__ for step in loss.graph.transforms] == ["MultiHeadEdges", "TopK", "AddSelfLoops"]
    graph = loss.propagate(x, labels, mask).graph  # maps are drawn, so that its edges are not known
    assert int((graph.edge_index[0] == graph.edge_index[1]).sum()) == 8
    assert graph.edge_index.size(1) < 8 * 7
    assert len(list(loss.parameters())) == 4


def test_every_step_is_shown():
    shown = repr(Compose([DenseGaussian(0.5), AddSelfLoops("edge_weight")]))
    assert "(0): DenseGaussian(" in shown
    assert "(1): AddSelfLoops()" in shown
