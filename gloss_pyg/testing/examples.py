"""Graphs with labels that a layer is tried on: the small ones that break layers, and random ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch_geometric.data import Data

from gloss_pyg.graph import DenseGaussian, GraphRule, KNNGaussian
from gloss_pyg.testing.example import Example


def named_examples(num_classes: int | None, dim: int) -> Iterator[Example]:
    """The small graphs on which layers break; `num_classes` where the layer is made for one number."""
    again = "check_propagation(layer, num_graphs=0)"
    classes = num_classes or 3
    none = torch.zeros(2, 0, dtype=torch.long)

    def example(name: str, edges: Tensor, n: int, seen: list[int], weight: Tensor | None = None) -> Example:
        generator = torch.Generator().manual_seed(len(name))
        x = torch.randn(n, dim, generator=generator, dtype=torch.float64)
        if weight is None:
            weight = _weights(edges, 0.5 + torch.rand(n, n, generator=generator, dtype=torch.float64))
        y = torch.eye(classes, dtype=torch.float64)[torch.arange(n) % classes]
        return Example(name, again, y, _mask(n, seen), edges, weight, x, _soft(n, classes, generator))

    def made_by(rule: GraphRule, given: Example) -> Example:
        graph = rule(Data(x=given.x))
        return replace(given, edge_index=graph.edge_index, edge_weight=graph.edge_weight, rule=rule)

    yield made_by(DenseGaussian(0.7), example("a complete graph", none, 9, [0, 1, 2, 3]))
    yield made_by(KNNGaussian(3, 0.7), example("a graph of nearest neighbours", none, 12, [0, 1, 2, 4, 8]))
    twins = example("two equal embeddings", none, 5, [0, 2, 3])
    yield made_by(DenseGaussian(0.7), replace(twins, x=twins.x[[0, 0, 1, 2, 3]]))
    pair = example("two equal embeddings and nothing else", none, 2, [0])
    yield made_by(DenseGaussian(0.7), replace(pair, x=pair.x[[0, 0]]))
    yield example("a chain", _chain(range(7)), 7, [0, 5])
    star = torch.stack([torch.zeros(6, dtype=torch.long), torch.arange(1, 7)])
    yield example("a star with a hidden centre", _both(star), 7, [1, 2, 3])
    yield example("a star with a seen centre", _both(star), 7, [0, 2])
    yield example("a hidden node alone", none, 1, [])
    yield example("a seen node alone", none, 1, [0])
    yield example("nodes without edges", none, 4, [1, 2])
    parts = torch.cat([_chain(range(4)), _chain(range(4, 7)), _chain([7, 8])], dim=1)
    yield example("parts with seeds, without seeds and a node alone", parts, 10, [0, 2, 8])
    gap = _chain(range(5))
    yield example("an edge of weight zero", gap, 5, [0, 1], (gap != 4).all(dim=0).double())
    loops = torch.cat([_chain(range(5)), torch.arange(5).repeat(2, 1)], dim=1)
    yield example("self-loops", loops, 5, [0, 3])
    one_way = torch.stack([torch.arange(5), torch.arange(1, 6)])
    yield replace(example("a path of one-way edges", one_way, 6, [2, 4]), directed=True)
    knot = made_by(KNNGaussian(3, 0.7), example("no label seen", none, 6, []))
    yield knot
    yield replace(knot, name="nothing hidden", mask=_mask(6, range(6)))
    yield replace(knot, name="one node seen", mask=_mask(6, [4]))
    yield replace(
        knot, name="seen rows that hold no label", mask=_mask(6, [0, 1, 2]), y=knot.y * (torch.arange(6) != 1)[:, None]
    )
    one = torch.zeros_like(knot.y) if num_classes else knot.y.new_zeros(6, 1)
    one[:, 0] = 1
    yield replace(knot, name="one class", mask=_mask(6, [0, 1]), y=one, base=knot.base[:, : one.size(1)].softmax(1))
    missing = knot.y.clone()
    missing[:, -1] = 0
    missing[missing.sum(dim=1) == 0, 0] = 1
    yield replace(knot, name="a class without a seed", mask=_mask(6, [0, 1, 3]), y=missing)
    yield replace(knot, name="soft labels", mask=_mask(6, [0, 1, 3]), y=knot.base.flip(0))


def random_example(seed: int, num_classes: int | None, dim: int) -> Example:
    """The random graph of a seed: 1 to 24 nodes, 1 to 6 classes, sparse or dense, in parts or whole.

    Weights are equal, alike, within four orders of magnitude, or within sixty; labels are one-hot or soft, and none,
    few, half or all of them are seen.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(*choices: object) -> object:
        return choices[int(torch.randint(len(choices), (), generator=generator))]

    n = int(torch.randint(1, 25, (), generator=generator))
    classes = num_classes or int(torch.randint(1, 7, (), generator=generator))
    x = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    soft = _soft(n, classes, generator)
    y = soft if draw("hard", "hard", "soft") == "soft" else torch.eye(classes, dtype=torch.float64)[soft.argmax(dim=1)]
    share = float(torch.tensor(draw(0.0, 0.1, 0.3, 0.5, 0.8, 1.0)))
    mask = torch.rand(n, generator=generator) < share
    shape = draw("sparse", "dense", "parts", "complete", "nearest")
    uniform = torch.rand(n, n, generator=generator, dtype=torch.float64)
    spread = str(draw("equal", "alike", "wide", "extreme"))
    rule: GraphRule | None = None
    if shape in ("complete", "nearest"):
        sigma = {"equal": 30.0, "alike": 1.0, "wide": 0.5, "extreme": 0.5 * 10.0 ** float(-3 * uniform[0, 0])}[spread]
        rule = DenseGaussian(sigma) if shape == "complete" else KNNGaussian(1 + n // 5, sigma)
        graph = rule(Data(x=x))
        edges, weight = graph.edge_index, graph.edge_weight
    else:
        kept = torch.rand(n, n, generator=generator) < (0.7 if shape == "dense" else 2 / n)
        if shape == "parts":
            part = torch.randint(0, 3, (n,), generator=generator)
            kept = (torch.rand(n, n, generator=generator) < 0.6) & (part[:, None] == part)
        edges = _both(kept.triu(1).nonzero().T)
        powers = {"equal": uniform * 0 + 1, "alike": 0.1 + 0.9 * uniform, "wide": 10 ** (-4 * uniform)}
        weight = _weights(edges, powers.get(spread, 10 ** (60 * uniform - 30)))
        if draw("some at zero", "none", "none") == "some at zero":
            weight = weight * (_weights(edges, torch.rand(n, n, generator=generator, dtype=torch.float64)) > 0.2)
    again = f"check_propagation(layer, num_graphs=1, seed={seed})"
    base = _soft(n, classes, generator)
    name = f"random graph {seed}, {shape}, weights {spread}"
    return Example(name, again, y, mask, edges, weight, x, base, tame=spread != "extreme", rule=rule)


def _soft(n: int, classes: int, generator: torch.Generator) -> Tensor:
    return torch.randn(n, classes, generator=generator, dtype=torch.float64).mul(1.5).softmax(dim=1)


def _mask(n: int, seen: Sequence[int]) -> Tensor:
    mask = torch.zeros(n, dtype=torch.bool)
    mask[list(seen)] = True
    return mask


def _both(edges: Tensor) -> Tensor:
    return torch.cat([edges, edges.flip(0)], dim=1)


def _chain(nodes: Sequence[int]) -> Tensor:
    path = torch.tensor(list(nodes))
    return _both(torch.stack([path[:-1], path[1:]]))


def _weights(edges: Tensor, values: Tensor) -> Tensor:
    """One weight a pair of nodes, the same in both directions."""
    return values[torch.minimum(edges[0], edges[1]), torch.maximum(edges[0], edges[1])]
