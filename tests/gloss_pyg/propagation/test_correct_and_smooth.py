import numpy as np
import plain_reference as plain
import pytest
import torch
import torch_geometric.nn
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.propagation import CorrectAndSmooth


def documents(n=18, rule=None):
    generator = torch.Generator().manual_seed(0)
    data = (rule or KNNGaussian(4, 0.7))(Data(x=torch.randn(n, 5, generator=generator, dtype=torch.float64)))
    y = torch.eye(3, dtype=torch.float64)[torch.randint(0, 3, (n,), generator=generator)]
    base = torch.randn(n, 3, generator=generator, dtype=torch.float64).mul(1.5).softmax(dim=1)
    return data.edge_index, data.edge_weight, y, torch.rand(n, generator=generator) < 0.5, base


def spread(weights, rows, alpha):
    degree = weights.sum(axis=1)
    s = weights / np.sqrt(np.outer(degree, degree))
    return (1 - alpha) * np.linalg.solve(np.eye(len(s)) - alpha * s, rows)


def corrected(weights, y, mask, base, alpha, scale):
    """Lines 1 and 2 of the formula without the cut at 0, for a connected graph, by loops where they help."""
    error = np.where(mask[:, None], y - base, 0)
    found = spread(weights, error, alpha)
    mean = sum(np.abs(error[j]).sum() for j in np.flatnonzero(mask)) / mask.sum()
    factors = [mean / np.abs(row).sum() if scale == "auto" else scale for row in found]
    return np.where(mask[:, None], y, base + np.array(factors)[:, None] * found)


@pytest.mark.parametrize("scale", ["auto", 0.0, 1.5])
@pytest.mark.parametrize("solver", ["direct", "conjugate_gradients", "iterative"])
@pytest.mark.parametrize("rule", [DenseGaussian(0.7), KNNGaussian(4, 0.7)], ids=["dense", "nearest"])
def test_scores_equal_the_plain_formula(rule, solver, scale):
    edge_index, edge_weight, y, mask, base = documents(rule=rule)
    layer = CorrectAndSmooth(0.6, 0.75, scale, solver=solver)
    found = layer.scores(y * mask[:, None], edge_index, edge_weight, mask, base=base)
    weights = plain.dense(edge_index, edge_weight, 18)
    middle = corrected(weights, y.numpy(), mask.numpy(), base.numpy(), 0.6, scale)
    expected = spread(weights, np.maximum(middle, 0), 0.75)
    np.testing.assert_allclose(found, expected, rtol=1e-10 if solver == "direct" else 1e-8)


def test_the_correction_is_that_of_pyg():
    edge_index, edge_weight, y, mask, base = documents()
    weights = plain.dense(edge_index, edge_weight, 18)
    degree = torch.from_numpy(weights.sum(axis=1))
    normalised = edge_weight / (degree[edge_index[0]] * degree[edge_index[1]]).sqrt()  # as PyG wants them
    oracle = torch_geometric.nn.CorrectAndSmooth(2000, 0.7, 2000, 0.8, autoscale=True)
    found = oracle.correct(base, y[mask], mask, edge_index, normalised)
    expected = corrected(weights, y.numpy(), mask.numpy(), base.numpy(), 0.7, "auto")
    np.testing.assert_allclose(found[~mask], expected[~mask], rtol=1e-9)
    middle = torch.where(mask[:, None], y, found.clamp(min=0))
    smoothed = oracle.prop2(
        middle, edge_index, edge_weight=normalised, post_step=lambda rows: rows
    )  # does not cut at 1
    ours = CorrectAndSmooth(0.7, 0.8).scores(y * mask[:, None], edge_index, edge_weight, mask, base=base)
    np.testing.assert_allclose(smoothed, ours, rtol=1e-9)


def test_gradients():
    edge_index, edge_weight, y, mask, base = documents(n=9)
    assert bool(mask.any())

    def result(weight, y, base):
        return CorrectAndSmooth(solver="iterative")(y, edge_index, mask, weight, base=base)

    inputs = (edge_weight.detach().clone().requires_grad_(), (0.9 * y + 0.03).requires_grad_(), base.requires_grad_())
    assert torch.autograd.gradcheck(result, inputs)


def test_a_classifier_that_errs_alike_everywhere_is_corrected():
    # The base takes class 0 for class 1 wherever it is; half the labels tell, and the other half is put right.
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(24) % 3
    x = torch.eye(3)[labels] + 0.2 * torch.randn(24, 3, generator=generator)
    data = DenseGaussian(0.4)(Data(x=x))
    base = torch.full((24, 3), 0.1)
    base[torch.arange(24), torch.where(labels == 0, 1, labels)] = 0.8
    mask = torch.arange(24) % 2 == 0
    found = CorrectAndSmooth(num_classes=3)(labels, data.edge_index, mask, data.edge_weight, base=base)
    assert (base.argmax(dim=1) == labels).float().mean() < 0.7
    assert torch.equal(found.argmax(dim=1), labels)


def test_the_base_prediction_answers_where_no_label_is():
    edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    base = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3], [0.7, 0.3]])
    mask = torch.tensor([True, False, False, False])
    found = CorrectAndSmooth()(torch.eye(2).repeat(2, 1), edges, mask, torch.ones(4), base=base)
    torch.testing.assert_close(found[2:], base[2:])
    torch.testing.assert_close(
        CorrectAndSmooth()(torch.eye(2).repeat(2, 1), edges[:, :0], mask, torch.ones(0), base=base)[1:], base[1:]
    )


def test_a_perfect_base_prediction_is_kept():
    edge_index, edge_weight, y, mask, _ = documents()
    found = CorrectAndSmooth(smooth_alpha=1e-6)(y, edge_index, mask, edge_weight, base=y)
    torch.testing.assert_close(found, y, rtol=0, atol=1e-5)


def test_one_way_edges_read_no_scale_of_the_weights():
    edges = torch.tensor([[0, 1], [1, 2]])
    weight = torch.tensor([1.0, 3.0], dtype=torch.float64)
    base = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]], dtype=torch.float64)
    y, mask = torch.eye(3, 2, dtype=torch.float64), torch.tensor([False, True, False])
    results = [CorrectAndSmooth()(y, edges, mask, factor * weight, base=base) for factor in (1, 1e-9, 1e9)]
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2])


def test_what_does_not_fit_is_refused():
    edge_index, edge_weight, y, mask, base = documents()
    with pytest.raises(ConfigError, match="give them as base"):
        CorrectAndSmooth()(y, edge_index, mask, edge_weight)
    with pytest.raises(DataError, match=r"class probabilities of shape \(18, 3\)"):
        CorrectAndSmooth()(y, edge_index, mask, edge_weight, base=base[:, :2])
    with pytest.raises(DataError, match="Give a softmax"):
        CorrectAndSmooth()(y, edge_index, mask, edge_weight, base=base.log())
    with pytest.raises(ConfigError, match=r"smooth_alpha=1\.0"):
        CorrectAndSmooth(smooth_alpha=1.0)
    with pytest.raises(ConfigError, match=r"scale=-1\.0, expected 'auto' or a number"):
        CorrectAndSmooth(scale=-1.0)
