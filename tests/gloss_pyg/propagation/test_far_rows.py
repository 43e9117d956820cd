"""Documents too far from all labels for a residual to see them: conjugate gradients against the direct solver."""

import warnings

import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph import KNNGaussian
from gloss_pyg.propagation import (
    AbsorbingWalk,
    CorrectAndSmooth,
    HarmonicFunction,
    LabelPropagation,
    LabelSpreading,
    LaplacianRegularization,
    ModifiedAdsorption,
    PersonalizedPageRank,
)

FADING = (LabelSpreading, PersonalizedPageRank, AbsorbingWalk, ModifiedAdsorption)
LAYERS = (*FADING, LaplacianRegularization, HarmonicFunction, LabelPropagation)


def chain(n, seeds):
    """Edges of a chain with weights in float64 that differ, labels, mask."""
    place = torch.arange(n - 1)
    edge_index = torch.cat([torch.stack([place, place + 1]), torch.stack([place + 1, place])], dim=1)
    weight = 0.5 + torch.rand(n - 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = torch.full((n,), -1)
    y[seeds] = torch.arange(len(seeds)) % 2
    return edge_index, weight.repeat(2), y, y >= 0


def roll(n=1600):
    """A rolled-up sheet, of which one end is a class and the other the other; one label of each."""
    generator = torch.Generator().manual_seed(0)
    turn = 4.7 + 9 * torch.rand(n, generator=generator)
    across = 10 * torch.rand(n, generator=generator)
    x = torch.stack([turn.cos() * turn, turn.sin() * turn, across, torch.full((n,), 12.0)], dim=1)
    labels = (turn > 9.2).long()
    mask = torch.zeros(n, dtype=torch.bool)
    for number in range(2):
        mask[(labels == number).nonzero()[0]] = True
    graph = KNNGaussian(6, sigma="local")(Data(x=x))
    return graph.edge_index, graph.edge_weight, labels, mask


@pytest.mark.parametrize("layer", LAYERS)
def test_the_far_side_of_a_swiss_roll(layer):
    edge_index, edge_weight, labels, mask = roll()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = layer(solver="conjugate_gradients", num_classes=2)(labels, edge_index, mask, edge_weight)
    expected = layer(solver="direct", num_classes=2)(labels, edge_index, mask, edge_weight.double())
    torch.testing.assert_close(found.double(), expected, atol=5e-3, rtol=0)
    assert found.dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("layer", LAYERS)
def test_the_middle_of_a_long_chain(layer, dtype):
    edge_index, edge_weight, y, mask = chain(300, [0, 299])
    found = layer(solver="conjugate_gradients", num_classes=2)(y, edge_index, mask, edge_weight.to(dtype))
    expected = layer(solver="direct", num_classes=2)(y, edge_index, mask, edge_weight)
    torch.testing.assert_close(found.double(), expected, atol=5e-3 if dtype == torch.float32 else 5e-4, rtol=0)


def test_a_smoothed_prediction_far_from_what_the_other_model_knows():
    edge_index, edge_weight, y, mask = chain(300, [0, 299])
    base = torch.zeros(300, 2, dtype=torch.float64)
    base[[0, 1, 298, 299]] = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]], dtype=torch.float64)
    base[2:298] = torch.tensor([1.0, 0.0], dtype=torch.float64)
    given = (y, edge_index, mask, edge_weight.float(), None, base.float())
    found = CorrectAndSmooth(solver="conjugate_gradients", num_classes=2)(*given)
    expected = CorrectAndSmooth(solver="direct", num_classes=2)(y, edge_index, mask, edge_weight, None, base)
    torch.testing.assert_close(found.double(), expected, atol=5e-3, rtol=0)


@pytest.mark.parametrize("layer", FADING)
def test_gradients_of_far_rows(layer):
    edge_index, edge_weight, y, mask = chain(120, [0, 119])
    mixing = torch.rand(120, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    found, expected = (leaf.requires_grad_() for leaf in (edge_weight.float(), edge_weight.clone()))
    (layer(solver="conjugate_gradients", num_classes=2)(y, edge_index, mask, found) * mixing).sum().backward()
    (layer(solver="direct", num_classes=2)(y, edge_index, mask, expected) * mixing).sum().backward()
    size = float(expected.grad.abs().max())
    assert size > 1e-3
    torch.testing.assert_close(found.grad.double(), expected.grad, atol=0.05 * size, rtol=0)


def test_a_part_without_labels_stays_zero_and_says_nothing():
    edge_index, edge_weight, y, mask = chain(300, [0])
    joined = (edge_index < 200).all(dim=0) | (edge_index >= 200).all(dim=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer = LabelSpreading(solver="conjugate_gradients", num_classes=2)
        found = layer(y, edge_index[:, joined], mask, edge_weight[joined].float())
    assert torch.equal(found.sum(dim=1) > 0, torch.arange(300) < 200)


def test_what_no_iteration_reaches_is_zero_and_named():
    edge_index, edge_weight, y, mask = chain(300, [0])
    leaf = edge_weight.float().requires_grad_()
    layer = LabelSpreading(solver="conjugate_gradients", max_iterations=60, num_classes=2)
    with pytest.warns(NumericalWarning, match=r"labels of (\d+) documents \((\d+), .*Their rows are zero"):
        found = layer(y, edge_index, mask, leaf)
    assert not found[-1].any()
    assert bool((found[:20, 0] == 1).all())
    found[:, 0].sum().backward()
    assert bool(leaf.grad.isfinite().all())
