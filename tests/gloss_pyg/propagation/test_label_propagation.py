import warnings

import numpy as np
import plain_reference as plain
import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.errors import ConfigError, DataError, NumericalWarning
from gloss_pyg.graph import DenseGaussian, KNNGaussian, complete_edge_index
from gloss_pyg.graph.edges import find_reverse
from gloss_pyg.propagation import LabelPropagation

N, C = 14, 3


def graph_of(kind):
    """Edges and float64 weights: every kind of graph that a layer may meet."""
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(N, 4, generator=generator, dtype=torch.float64)
    if kind in ("complete", "knn"):
        rule = DenseGaussian(0.6) if kind == "complete" else KNNGaussian(3, 0.6)
        graph = rule(Data(x=x))
        return graph.edge_index, graph.edge_weight
    w = torch.rand(N, N, generator=generator, dtype=torch.float64)
    w = w * (torch.rand(N, N, generator=generator) < 0.35)
    if kind != "directed":
        w = w.triu(1) + w.triu(1).T
    if kind == "disconnected":
        w[:5, 5:] = w[5:, :5] = 0
        w[9, :] = w[:, 9] = 0
    if kind == "loops":
        w = w + torch.eye(N, dtype=torch.float64)
    target, source = w.nonzero().T
    return torch.stack([source, target]), w[target, source]


KINDS = ["complete", "knn", "sparse", "directed", "disconnected", "loops"]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture(params=["direct", "iterative", "conjugate_gradients"])
def layer(request):
    kind = request.getfixturevalue("kind") if "kind" in request.fixturenames else None
    if request.param == "conjugate_gradients" and (kind == "directed" or "of_a_directed" in request.node.name):
        pytest.skip("conjugate gradients refuse directed graphs, see test_solvers.py")
    return LabelPropagation(request.param, num_classes=C)


def labels_and_mask():
    y = torch.arange(N) % C
    return y, torch.arange(N) >= N - 6  # nodes 0 to 7 are hidden: of the disconnected graph, a whole component


def test_equals_the_published_formula(kind, layer):
    edge_index, edge_weight = graph_of(kind)
    y, mask = labels_and_mask()
    expected = plain.propagate(plain.dense(edge_index, edge_weight, N), plain.one_hot(y.tolist(), C), mask.numpy())
    found = layer(y, edge_index, mask, edge_weight)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-11)
    sums = found.sum(dim=1)
    assert bool((((sums - 1).abs() < 1e-12) | (sums == 0)).all())
    assert bool((sums == 0).any()) == (kind == "disconnected") or kind == "directed"
    assert torch.equal(found[mask], torch.eye(C, dtype=torch.float64)[y[mask]])


def test_soft_labels(kind, layer):
    edge_index, edge_weight = graph_of(kind)
    _, mask = labels_and_mask()
    y = torch.rand(N, C, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    y = y / y.sum(dim=1, keepdim=True)
    expected = plain.propagate(plain.dense(edge_index, edge_weight, N), y, mask.numpy())
    np.testing.assert_allclose(layer(y, edge_index, mask, edge_weight), expected, rtol=0, atol=1e-11)


@pytest.mark.parametrize("garbage", [0.0, 7.0, -3.0, float("nan"), float("inf")])
def test_hidden_label_rows_are_never_read(kind, layer, garbage):
    edge_index, edge_weight = graph_of(kind)
    y, mask = labels_and_mask()
    rows = torch.eye(C, dtype=torch.float64)[y]
    expected = layer(rows, edge_index, mask, edge_weight)
    assert torch.equal(layer(rows.masked_fill(~mask[:, None], garbage), edge_index, mask, edge_weight), expected)


def test_hidden_class_ids_are_never_read(layer):
    edge_index, edge_weight = graph_of("knn")
    y, mask = labels_and_mask()
    expected = layer(y, edge_index, mask, edge_weight)
    for other in (-100, -1, 0, 10**6):
        assert torch.equal(layer(y.masked_fill(~mask, other), edge_index, mask, edge_weight), expected)


def test_order_of_nodes_and_edges_does_not_matter(kind, layer):
    edge_index, edge_weight = graph_of(kind)
    y, mask = labels_and_mask()
    generator = torch.Generator().manual_seed(0)
    order, edges = torch.randperm(N, generator=generator), torch.randperm(edge_weight.numel(), generator=generator)
    place = order.argsort()  # node order[i] becomes node i
    found = layer(y[order], place[edge_index][:, edges], mask[order], edge_weight[edges])
    torch.testing.assert_close(found, layer(y, edge_index, mask, edge_weight)[order], rtol=0, atol=1e-11)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "directed"])
def test_gradient_along_directions_that_keep_the_weights_symmetric(kind, layer):
    edge_index, edge_weight = graph_of(kind)
    y, mask = labels_and_mask()
    generator = torch.Generator().manual_seed(5)
    mixing = torch.randn(N, C, generator=generator, dtype=torch.float64)
    leaf = edge_weight.clone().requires_grad_()
    gradient = torch.autograd.grad((layer(y, edge_index, mask, leaf) * mixing).sum(), leaf)[0]
    reverse = find_reverse(edge_index, N)
    for _ in range(5):
        direction = torch.randn(edge_weight.numel(), generator=generator, dtype=torch.float64) * edge_weight
        direction = direction + direction[reverse]
        step = 1e-5
        ends = [
            (layer(y, edge_index, mask, edge_weight + sign * step * direction) * mixing).sum().item()
            for sign in (1, -1)
        ]
        expected = (ends[0] - ends[1]) / (2 * step)
        assert abs(expected) > 1e-6
        assert float((gradient * direction).sum()) == pytest.approx(expected, rel=1e-6, abs=1e-9)


def test_gradient_of_every_edge_of_a_directed_graph(layer):
    edge_index, edge_weight = graph_of("directed")
    y, mask = labels_and_mask()
    call = lambda weight: layer(y, edge_index, mask, weight)  # noqa: E731
    assert torch.autograd.gradcheck(call, edge_weight.requires_grad_(), atol=1e-6)


def test_gradient_in_soft_labels(kind, layer):
    edge_index, edge_weight = graph_of(kind)
    _, mask = labels_and_mask()
    y = torch.rand(N, C, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda y: layer(y, edge_index, mask, edge_weight), y)
    gradient = torch.autograd.grad(layer(y, edge_index, mask, edge_weight)[:, 0].sum(), y)[0]
    assert gradient[mask].abs().max() > 1e-3
    assert torch.equal(gradient[~mask], torch.zeros_like(gradient[~mask]))


def test_labels_end_at_labelled_nodes(layer):
    chain = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    found = layer(torch.tensor([0, 1, -100]), chain, torch.tensor([True, True, False]), torch.ones(4))
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [0, 1, 0]]


def test_edges_without_weights_count_as_one(layer):
    edge_index, _ = graph_of("sparse")
    y, mask = labels_and_mask()
    ones = torch.ones(edge_index.size(1))
    assert torch.equal(layer(y, edge_index, mask), layer(y, edge_index, mask, ones))


@pytest.mark.parametrize("half", [torch.float16, torch.bfloat16])
def test_half_precision_weights_are_computed_in_float32(layer, half):
    edge_index, edge_weight = graph_of("knn")
    y, mask = labels_and_mask()
    narrow = edge_weight.to(half)
    found = layer(y, edge_index, mask, narrow)
    assert found.dtype == torch.float32
    assert torch.equal(found, layer(y, edge_index, mask, narrow.float()))


def test_common_factor_of_the_weights_does_not_matter(kind, layer):
    edge_index, edge_weight = graph_of(kind)
    y, mask = labels_and_mask()
    expected = layer(y, edge_index, mask, edge_weight)
    for factor in (1e-30, 1e30):
        found = layer(y, edge_index, mask, (edge_weight * factor).float())
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=2e-4)


@pytest.mark.parametrize(
    ("mask", "expected"),
    [([1, 1, 1], [[1, 0], [0, 1], [1, 0]]), ([0, 0, 0], [[0, 0]] * 3), ([1, 0, 0], [[1, 0]] * 3)],
)
def test_all_none_or_one_labelled(layer, mask, expected):
    y, edges = torch.tensor([0, 1, 0]), complete_edge_index(3)
    layer.num_classes = 2
    weight = torch.tensor([0.3, 0.2, 0.3, 0.5, 0.2, 0.5]).requires_grad_()
    found = layer(y, edges, torch.tensor(mask).bool(), weight)
    torch.testing.assert_close(found, torch.tensor(expected).float(), rtol=0, atol=1e-6)
    if found.requires_grad:
        found.sum().backward()
        assert bool(weight.grad.isfinite().all())


def test_single_nodes_no_edges_and_isolated_nodes(layer):
    none = torch.zeros(2, 0, dtype=torch.long)
    one = layer(torch.tensor([2]), none, torch.tensor([False]))
    assert one.tolist() == [[0, 0, 0]]
    assert layer(torch.tensor([2]), none, torch.tensor([True])).tolist() == [[0, 0, 1]]
    assert layer(torch.zeros(0, dtype=torch.long), none, torch.zeros(0, dtype=torch.bool)).shape == (0, C)
    pair = torch.tensor([[0, 1], [1, 0]])
    found = layer(torch.tensor([1, 0, 0]), pair, torch.tensor([True, False, False]), torch.ones(2))
    assert found.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    zero = layer(torch.tensor([1, 0, 0]), pair, torch.tensor([True, False, False]), torch.zeros(2))
    assert zero.tolist() == [[0, 1, 0], [0, 0, 0], [0, 0, 0]]  # an edge of weight zero leads nowhere


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_group_tied_by_almost_nothing_is_solved_all_the_same(dtype):
    """Two hidden nodes tied to each other by 1, as the seeds are, and to one seed each by 3e-30 and 1e-30."""
    edges = torch.tensor([[0, 1, 2, 3, 0, 2, 1, 3], [1, 0, 3, 2, 2, 0, 3, 1]])
    weight = torch.tensor([1, 1, 1, 1, 3e-30, 3e-30, 1e-30, 1e-30], dtype=dtype).requires_grad_()
    y, mask = torch.tensor([-100, -100, 0, 1]), torch.tensor([False, False, True, True])
    found = LabelPropagation(num_classes=2)(y, edges, mask, weight)
    expected = torch.tensor([[0.75, 0.25], [0.75, 0.25]], dtype=dtype)
    torch.testing.assert_close(found[:2], expected, rtol=0, atol=1e-6)
    found[0, 0].log().backward()
    assert bool(weight.grad.isfinite().all())


def test_iterations_cost_no_memory():
    edge_index, edge_weight = graph_of("knn")
    y, mask = labels_and_mask()

    def saved(iterations):
        kept = []
        with (
            warnings.catch_warnings(),
            torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.numel()) or t, lambda t: t),
        ):
            warnings.simplefilter("ignore", NumericalWarning)
            layer = LabelPropagation("iterative", tolerance=1e-15, max_iterations=iterations, num_classes=C)
            layer(y, edge_index, mask, edge_weight.clone().requires_grad_())
        return len(kept), sum(kept)

    assert saved(2)[0] > 0
    assert saved(2) == saved(200)


def test_a_walk_that_does_not_end_is_reported_once():
    n = 60
    ends = torch.arange(n - 1)
    chain = torch.cat([torch.stack([ends, ends + 1]), torch.stack([ends + 1, ends])], dim=1)
    y, mask = torch.zeros(n, dtype=torch.long), torch.arange(n) == 0
    layer = LabelPropagation("iterative", max_iterations=5, num_classes=1)
    with pytest.warns(NumericalWarning, match=r"stopped after max_iterations=5 .* solver='direct'"):
        layer(y, chain, mask)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(y, chain, mask)
        LabelPropagation("iterative", max_iterations=100_000, num_classes=1)(y, chain, mask)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"solver": "direct", "tolerance": 1e-3}, "for solvers that iterate"),
        ({"solver": "direct", "max_iterations": 3}, "for solvers that iterate"),
        ({"solver": "iterative", "tolerance": 0.0}, "tolerance=0"),
        ({"solver": "iterative", "tolerance": float("nan")}, "tolerance=nan"),
        ({"solver": "iterative", "max_iterations": 0}, "max_iterations=0"),
        ({"num_classes": 0}, "num_classes=0"),
    ],
)
def test_arguments_that_cannot_work(arguments, message):
    with pytest.raises(ConfigError, match=message):
        LabelPropagation(**arguments)


EDGES, WEIGHT = torch.tensor([[0, 1], [1, 0]]), torch.ones(2)
Y, MASK = torch.tensor([0, 1]), torch.tensor([True, False])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edge_weight": torch.tensor([1.0, -1.0])}, r"edge 1 has -1\.0, and 1 of 2"),
        ({"edge_weight": torch.tensor([float("nan"), 1.0])}, "edge 0 has nan"),
        ({"edge_weight": torch.tensor([float("inf"), 1.0])}, "edge 0 has inf"),
        ({"edge_index": torch.tensor([[0, 2], [1, 0]])}, "names nodes 0 to 2, but y has rows 0 to 1"),
        ({"edge_index": torch.tensor([[0, -1], [1, 0]])}, "names nodes -1 to 1"),
        ({"y": torch.tensor([3, 1])}, "class 3, but num_classes=3 admits 0 to 2"),
        ({"y": torch.zeros(2, 2)}, "2 columns, the layer was made for num_classes=3"),
        ({"y": torch.zeros(2)}, "label rows"),
        ({"y": torch.zeros(2, 3, 1)}, "label rows"),
        ({"num_classes": None}, "give it num_classes"),
    ],
)
def test_input_that_does_not_fit(layer, change, message):
    given = {"y": Y, "edge_index": EDGES, "mask": MASK, "edge_weight": WEIGHT} | change
    if "num_classes" in given:
        layer.num_classes = given.pop("num_classes")
    with pytest.raises(DataError, match=message):
        layer(**given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edge_weight": torch.ones(3)}, r"one float for each of the 2 edges; got torch.float32 of shape \(3,\)"),
        ({"edge_weight": torch.ones(2).long()}, "one float for each"),
        ({"edge_index": torch.zeros(3, 2).long()}, r"shape \[2, E\]"),
        ({"edge_index": torch.zeros(2, 2)}, r"shape \[2, E\]; got torch.float32"),
        ({"mask": torch.ones(2)}, "one boolean for each of the 2 nodes"),
        ({"mask": torch.ones(3).bool()}, "one boolean for each of the 2 nodes"),
        ({"x": torch.ones(3, 1)}, "x has 3 rows for 2 nodes"),
    ],
)
def test_shapes_that_do_not_fit(layer, change, message, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    with pytest.raises(DataError, match=message):
        layer(**({"y": Y, "edge_index": EDGES, "mask": MASK, "edge_weight": WEIGHT} | change))


@pytest.mark.parametrize("tie", [1e-17, 1e-30])
def test_a_directed_group_tied_by_almost_nothing_is_told_instead_of_crashing(tie):
    edges = torch.tensor([[0, 1, 2, 0, 3, 1, 2, 3], [1, 0, 0, 2, 1, 3, 3, 2]])
    weight = torch.tensor([1, 1, 3 * tie, 2 * tie, tie, tie, 1, 1], dtype=torch.float64).requires_grad_()
    y, mask = torch.tensor([-100, -100, 0, 1]), torch.tensor([False, False, True, True])
    with pytest.warns(NumericalWarning, match="could not be solved for 2 of 2 documents"):
        found = LabelPropagation(num_classes=2)(y, edges, mask, weight)
    assert found.tolist() == [[0, 0], [0, 0], [1, 0], [0, 1]]


@pytest.mark.parametrize("small", [1e-12, 1e-18, 1e-24])
def test_steep_gradients_of_the_iterative_solver_stay_finite(small):
    """A label that arrives with probability `small` only: the gradient of its logarithm is the inverse of that."""
    edges = torch.tensor([[0, 1, 1, 2, 3, 1, 0, 3], [1, 0, 2, 1, 1, 3, 3, 0]])  # 0 and 3 are seeds, 3 hardly tied to 1
    y, mask = torch.tensor([0, -100, -100, 1]), torch.tensor([True, False, False, True])
    gradients = []
    for solver in ("direct", "iterative"):
        weight = torch.tensor([1, 1, 0.5, 0.5, small, small, 1, 1]).requires_grad_()
        found = LabelPropagation(solver, num_classes=2)(y, edges, mask, weight)
        assert 0.1 * small < found[2, 1] < 10 * small
        found[2, 1].log().backward()
        assert bool(weight.grad.isfinite().all())
        # In both directions of an edge together, relative to its weight.
        gradients.append((weight.grad + weight.grad[[1, 0, 3, 2, 5, 4, 7, 6]]) * weight.detach())
    assert gradients[0][4] == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-3)
