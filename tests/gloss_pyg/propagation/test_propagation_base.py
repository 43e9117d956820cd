import jaxtyping
import pytest
import torch
from torch_geometric.nn import GCNConv

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.reach import reached
from gloss_pyg.propagation import ConvPropagation, HeatKernel, LabelSpreading, PersonalizedPageRank, Propagation

CHAIN = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])  # 0 - 1 - 2 - 3


class Given(Propagation):
    """Returns what it was made with, and notes what it was shown."""

    def __init__(self, answer, **kwargs):
        super().__init__(**kwargs)
        self.answer = answer

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        self.shown = seeds
        return self.answer


def test_scores_become_probabilities_and_rows_without_any_stay_zero():
    scores = torch.tensor([[2.0, 6.0], [0.0, 0.0], [1e-30, 3e-30], [5.0, 0.0]])
    y, mask = torch.zeros(4, 2), torch.ones(4).bool()
    found = Given(scores)(y, CHAIN, mask)
    torch.testing.assert_close(found, torch.tensor([[0.25, 0.75], [0, 0], [0.25, 0.75], [1, 0]]))


def test_gradient_of_the_division_by_row_sums():
    scores = torch.rand(4, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    y, mask = torch.zeros(4, 3).double(), torch.ones(4).bool()
    assert torch.autograd.gradcheck(lambda s: Given(s)(y, CHAIN, mask, torch.ones(6).double()), scores)


@pytest.mark.parametrize("name", ["y", "edge_index", "mask", "edge_weight", "x"])
def test_lists_and_arrays_in_place_of_tensors_are_refused_by_name(name, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # users have no run-time checks of annotations
    given = {
        "y": torch.zeros(4, 2),
        "edge_index": CHAIN,
        "mask": torch.ones(4).bool(),
        "edge_weight": torch.ones(6),
        "x": torch.ones(4, 3),
    }
    layer = Given(torch.ones(4, 2))
    layer(**given)
    for wrong in (given[name].tolist(), given[name].numpy()):
        with pytest.raises(DataError, match=rf"^{name} must be a tensor; got (list|ndarray)"):
            layer(**given | {name: wrong})


def test_a_layer_is_shown_seeds_only():
    layer = Given(torch.ones(4, 2), num_classes=2)
    layer(torch.tensor([1, 0, 99, -100]), CHAIN, torch.tensor([True, True, False, True]))
    assert layer.shown.tolist() == [[0, 1], [1, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_seeds_that_cannot_be_labels_are_refused_where_they_may_be_seen(value):
    y = torch.eye(2)[[0, 1, 0, 1]]
    y[1, 0] = value
    layer = Given(torch.ones(4, 2))
    with pytest.raises(DataError, match=r"y must be finite and not negative .* row 1 has (-1|nan|inf).* for class 0"):
        layer(y, CHAIN, torch.ones(4).bool())
    layer(y, CHAIN, torch.tensor([True, False, True, True]))  # a hidden row may hold anything


def test_a_layer_with_parameters_of_each_class_must_be_told_their_number():
    class Wide(Given):
        needs_num_classes = True

    with pytest.raises(ConfigError, match="Wide has parameters for each class: give num_classes"):
        Wide(None)


@pytest.mark.parametrize(
    ("absorbing", "expected"), [(True, [[1, 1], [1, 1], [0, 1], [0, 1]]), (False, [[1, 1], [1, 1], [1, 1], [1, 1]])]
)
def test_labels_pass_through_seeds_or_end_there(absorbing, expected):
    sources = torch.tensor([[1, 0], [0, 1], [0, 0], [0, 0]]).bool()
    found = reached(sources, sources.any(1), CHAIN, torch.ones(6), absorbing=absorbing)
    assert found.int().tolist() == expected


def test_an_edge_without_weight_or_the_wrong_way_leads_nowhere():
    sources = torch.tensor([[1], [0], [0], [0]]).bool()
    weight = torch.tensor([1.0, 1, 0, 1, 1, 1])  # no way from 1 to 2
    found = reached(sources, sources.any(1), CHAIN, weight, absorbing=False)
    assert found.squeeze(1).tolist() == [True, True, False, False]


@pytest.mark.parametrize(
    ("layer", "written"),
    [
        (LabelSpreading(), "LabelSpreading()"),
        (LabelSpreading(alpha=0.5, max_iterations=7), "LabelSpreading(alpha=0.5, max_iterations=7)"),
        (PersonalizedPageRank(0.3, learned=True), "PersonalizedPageRank(teleport=0.3, learned=True)"),
        (HeatKernel(num_classes=3), "HeatKernel(num_classes=3)"),
        (ConvPropagation(GCNConv(3, 3)), "ConvPropagation(conv=GCNConv(3, 3), num_classes=3)"),
    ],
)
def test_it_says_how_it_was_made(layer, written):
    assert repr(layer) == written
