import math

import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import Compose as PlainCompose
from torch_geometric.transforms import ToUndirected

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss, PublishedCode
from gloss_pyg.propagation import LabelPropagation

SIGMA = 0.7


def batch(n=16, classes=3, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, classes, (n,), generator=generator)
    x = torch.randn(n, 5, generator=generator, dtype=torch.float64) + labels[:, None] * torch.eye(5)[:1].double()
    labels[3] = labels[9] = -100
    return x.to(dtype).requires_grad_(), labels, torch.rand(n, generator=generator) < 0.5


@pytest.mark.parametrize("solver", ["direct", "iterative"])
@pytest.mark.parametrize("k", [None, 2, 4])
@pytest.mark.parametrize("seed", range(4))
def test_value_equals_the_plain_loop(solver, k, seed):
    x, labels, mask = batch(seed=seed)
    weights = plain.gaussian(x.detach(), SIGMA)
    if k is not None:
        weights = plain.keep_nearest(weights, plain.distances(x.detach()), k)
    graph = DenseGaussian(SIGMA) if k is None else KNNGaussian(k, SIGMA)
    found = GLoss(graph, LabelPropagation(solver))(x, labels, mask=mask)
    expected = plain.graph_loss(weights, labels.tolist(), mask.tolist(), 3)
    assert expected > 0.01
    assert found.item() == pytest.approx(expected, rel=1e-9)


def test_gradient_in_the_embeddings():
    x, labels, mask = batch()
    for loss in (GLoss(DenseGaussian(SIGMA)), GLoss(DenseGaussian(SIGMA), objective=PublishedCode([1.0, 2.0, 0.5]))):
        assert torch.autograd.gradcheck(lambda x, loss=loss: loss(x, labels, mask=mask), x)


def test_published_objective_against_the_plain_formula():
    x, labels, mask = batch()
    weights = [1.0, 2.0, 0.5]
    seen = [bool(m) and label >= 0 for m, label in zip(mask, labels.tolist(), strict=True)]
    p = plain.propagate(plain.gaussian(x.detach(), SIGMA), plain.one_hot(labels.tolist(), 3), seen)
    total = mass = 0.0
    hidden = [i for i in range(16) if labels[i] >= 0 and not seen[i]]
    for i in hidden:
        y = int(labels[i])
        total -= weights[y] * (p[i, y] - math.log(sum(math.exp(v) for v in p[i])))
        mass += weights[y]
    found = GLoss(DenseGaussian(SIGMA), objective=PublishedCode(weights))(x, labels, mask=mask)
    assert found.item() == pytest.approx(total / mass / len(hidden), rel=1e-10)


def test_unlabelled_documents_are_in_the_graph_and_in_no_loss():
    x, labels, mask = batch()
    loss = GLoss(DenseGaussian(SIGMA))
    value = loss(x, labels, mask=mask)
    value.backward()
    assert x.grad[3].abs().max() > 1e-6
    there = labels >= 0
    assert loss(x.detach()[there], labels[there], mask=mask[there]).item() != pytest.approx(value.item(), rel=1e-4)
    found = loss.propagate(x, labels, mask)
    assert not bool((found.hidden | found.seen | found.counted)[~there].any())
    assert loss(x, labels.masked_fill(~there, -1), mask=mask).item() == value.item()
    assert loss(x, labels, mask=mask | ~there).item() == value.item()  # a mask cannot make them seen


@pytest.mark.parametrize(
    ("labels", "mask"),
    [
        ([0, 1, 0, 1], [1, 1, 1, 1]),
        ([0, 1, 0, 1], [0, 0, 0, 0]),
        ([-100] * 4, [1, 1, 0, 0]),
        ([-100] * 4, None),
        ([0, 1, 2, 3], [1, 1, 0, 0]),
        ([0, 1, 2, 3], None),
        ([0], None),
        ([0], [0]),
        ([], None),
    ],
)
@pytest.mark.parametrize("graph", [DenseGaussian(0.5), KNNGaussian(2, 0.5)])
def test_a_batch_without_anything_to_learn_is_a_counted_zero_with_a_gradient(labels, mask, graph):
    loss = GLoss(graph)
    x = torch.randn(len(labels), 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    value = loss(x, torch.tensor(labels, dtype=torch.long), mask=None if mask is None else torch.tensor(mask).bool())
    assert value.item() == 0
    assert value.dtype == torch.float32
    value.backward()
    assert torch.equal(x.grad, torch.zeros_like(x))
    summary = loss.statistics.summary()
    assert (summary["batches"], summary["usable_batches"]) == (1, 0)


def test_one_class_costs_nothing_though_it_counts():
    loss = GLoss(DenseGaussian(0.5))
    x = torch.randn(6, 3).requires_grad_()
    value = loss(x, torch.zeros(6, dtype=torch.long))
    value.backward()
    assert value.item() == pytest.approx(0, abs=1e-6)
    assert x.grad.abs().max() < 1e-5
    assert loss.statistics.summary()["usable_batches"] == 1


def test_documents_that_no_seed_of_their_class_reaches_do_not_count():
    # Two far pairs, one neighbour each: the graph falls into two halves. Class 1 has a seed in the other half only.
    x = torch.tensor([[1.0, 0.0], [1.0, 0.01], [0.0, 1.0], [0.01, 1.0]]).requires_grad_()
    loss = GLoss(KNNGaussian(1, 0.5))
    value = loss(x, torch.tensor([0, 1, 1, 1]), mask=torch.tensor([True, False, True, False]))
    assert value.item() == pytest.approx(0, abs=1e-6)  # only document 3 counts, and is surely right
    summary = loss.statistics.summary()
    assert (summary["hidden"], summary["uncounted"], summary["hidden_accuracy"]) == (2, 1, 1)


def test_evaluation_draws_the_same_mask_each_time_and_counts_nothing():
    x, labels, _ = batch()
    loss = GLoss(DenseGaussian(SIGMA)).eval()
    assert len({loss(x, labels).item() for _ in range(5)}) == 1
    assert loss.statistics.summary()["batches"] == 0
    loss.train()
    assert len({loss(x, labels).item() for _ in range(5)}) > 1


def test_generator_repeats_a_draw():
    x, labels, _ = batch()
    loss = GLoss(DenseGaussian(SIGMA))
    values = [loss(x, labels, generator=torch.Generator().manual_seed(seed)).item() for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]


def test_autocast_does_not_round_the_loss():
    x, labels, mask = batch(dtype=torch.float32)
    loss = GLoss(DenseGaussian(SIGMA))
    expected = loss(x, labels, mask=mask)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = loss(x, labels, mask=mask)
    assert found.dtype == torch.float32
    assert found.item() == expected.item()
    gradients = [torch.autograd.grad(value, x)[0] for value in (found, expected)]
    assert torch.equal(*gradients)


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(half):
    x, labels, mask = batch(dtype=half)
    wide = x.detach().float().requires_grad_()
    loss = GLoss(DenseGaussian(SIGMA))
    found, expected = loss(x, labels, mask=mask), loss(wide, labels, mask=mask)
    assert found.dtype == torch.float32
    assert found.item() == expected.item()
    found.backward()
    expected.backward()
    torch.testing.assert_close(x.grad, wide.grad.to(half), rtol=0, atol=0)


def test_neither_graph_nor_propagation_is_shown_a_hidden_label():
    x, labels, mask = batch()
    shown = {}

    def graph(data):
        shown["data"] = data.y
        return DenseGaussian(SIGMA)(data)

    def propagation(y, edge_index, mask, edge_weight, x=None):
        shown["rows"], shown["mask"] = y, mask
        return LabelPropagation()(y, edge_index, mask, edge_weight, x)

    value = GLoss(graph, propagation)(x, labels, mask=mask)
    seen = mask & (labels >= 0)
    assert torch.equal(shown["data"], labels.masked_fill(~seen, -100))
    assert torch.equal(shown["mask"], seen)
    assert bool((shown["rows"][~seen] == 0).all())
    assert torch.equal(shown["rows"][seen].argmax(1), labels[seen])
    assert value.item() == pytest.approx(GLoss(DenseGaussian(SIGMA))(x, labels, mask=mask).item(), rel=1e-12)


def test_number_of_classes():
    x, labels, mask = batch()
    assert GLoss(DenseGaussian(SIGMA), num_classes=9)(x, labels, mask=mask).item() == pytest.approx(
        GLoss(DenseGaussian(SIGMA))(x, labels, mask=mask).item(), rel=1e-12
    )
    with pytest.raises(DataError, match="A label is 2, but num_classes=2 admits 0 to 1"):
        GLoss(DenseGaussian(SIGMA), num_classes=2)(x, labels, mask=mask)
    with pytest.raises(ConfigError, match="num_classes=0"):
        GLoss(num_classes=0)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.5, 1.5, float("nan")])
def test_fraction_that_leaves_nothing_to_learn(fraction):
    with pytest.raises(ConfigError, match="labelled_fraction="):
        GLoss(labelled_fraction=fraction)


def drop_edges(data):
    data.edge_index = data.edge_index[:, 1:]
    return data


def drop_nodes(data):
    return Data(x=data.x[1:], edge_index=torch.zeros(2, 0).long(), edge_weight=torch.zeros(0))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (PlainCompose([DenseGaussian(SIGMA), drop_edges]), r"shape \(2, 239\) but edge_weight of shape \(240,\)"),
        (lambda data: data, "gave no edge_index or no edge_weight"),
        (drop_nodes, "number of documents from 16 to 15"),
    ],
)
def test_graph_steps_that_break_the_graph_are_refused(step, message):
    x, labels, mask = batch()
    with pytest.raises(DataError, match=message):
        GLoss(step)(x, labels, mask=mask)


def test_a_transform_of_pyg_that_keeps_weights_is_welcome():
    x, labels, mask = batch()
    step = PlainCompose([KNNGaussian(3, SIGMA), ToUndirected(reduce="mean")])
    value = GLoss(step)(x, labels, mask=mask)
    expected = GLoss(KNNGaussian(3, SIGMA))(x, labels, mask=mask)
    assert value.item() == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("embeddings", "labels", "mask", "message"),
    [
        (torch.zeros(4, 2, 3), torch.zeros(4).long(), None, "must be pooled first"),
        (torch.zeros(4, 3).long(), torch.zeros(4).long(), None, "got torch.int64"),
        (torch.zeros(4, 3), torch.zeros(3).long(), None, "for each of the 4 documents"),
        (torch.zeros(4, 3), torch.zeros(4), None, "one integer class id"),
        (torch.zeros(4, 3), torch.zeros(4).long(), torch.ones(4), "one boolean"),
        (torch.zeros(4, 3), torch.zeros(4).long(), torch.ones(3).bool(), "one boolean"),
    ],
)
def test_input_that_does_not_fit(embeddings, labels, mask, message, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(DataError, match=message):
        GLoss(DenseGaussian(1.0))(embeddings, labels, mask=mask)


def test_embeddings_that_are_not_finite_are_refused_and_bad_shapes_of_a_callable():
    x, labels, mask = batch()
    with pytest.raises(DataError, match="the first is row 2"):
        GLoss(DenseGaussian(1.0))(x.detach().index_fill(0, torch.tensor([2]), float("nan")), labels, mask=mask)
    with pytest.raises(DataError, match=r"returned shape \(16, 1\), not \(16, 3\)"):
        GLoss(DenseGaussian(1.0), lambda y, *_: y[:, :1])(x, labels, mask=mask)


def test_bandwidth_is_fitted_through_the_loss():
    x, labels, mask = batch(dtype=torch.float32)
    loss = GLoss()
    assert loss.needs_fit
    with pytest.raises(ConfigError, match="fit_sigma"):
        loss(x, labels, mask=mask)
    loss.fit_sigma(x.detach().half())
    assert not loss.needs_fit
    assert loss(x, labels, mask=mask).item() > 0
    assert not GLoss(lambda data: data).needs_fit
