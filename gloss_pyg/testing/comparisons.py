"""Pairs of calls that must agree: labels hidden in another way, another order, another factor, another format."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from gloss_pyg.testing.example import Example
from gloss_pyg.testing.promises import (
    BATCH,
    COLUMNS,
    DEVICE,
    HIDDEN,
    IDS,
    NODES,
    PRECISION,
    REPEATABLE,
    SCALE,
    STATE,
    Promise,
)
from gloss_pyg.testing.results import check_result
from gloss_pyg.testing.subject import Subject, joined, permuted

# Digits that results in these formats share where the weights were rounded to the format first.
CLOSE = {torch.float32: 2e-4, torch.float64: 1e-6}

Check = Callable[[Subject, Example], None]


def hidden_labels(subject: Subject, example: Example) -> None:
    """Whatever the labels of hidden nodes are."""
    expected = subject.run(example).result
    hidden = ~example.mask
    for garbage in (0.0, 7.0, -1.0, float("nan"), float("inf")):
        found = subject.run(example, y=example.y.masked_fill(hidden[:, None], garbage)).result
        _same(subject, HIDDEN, example, found, expected, f"with {garbage} in the label rows of hidden nodes")
    ids = _class_ids(example)
    expected = subject.run(example, y=ids).result
    for garbage in (-100, 0, example.y.size(1) + 1000):
        found = subject.run(example, y=ids.masked_fill(hidden, garbage)).result
        _same(subject, HIDDEN, example, found, expected, f"with class id {garbage} at hidden nodes")


def class_ids(subject: Subject, example: Example) -> None:
    """Class ids instead of one-hot rows; no weights instead of ones."""
    ids = _class_ids(example)
    rows = torch.zeros_like(example.y).scatter_(1, ids.clamp(min=0)[:, None], (ids >= 0).double()[:, None])
    ones = replace(example.to(torch.float32), y=rows.float(), edge_weight=torch.ones(example.edge_weight.shape))
    expected = subject.run(ones).result
    _same(subject, IDS, ones, subject.run(ones, y=ids).result, expected, "with class ids")
    found = subject.run(ones, unweighted=True).result
    _same(subject, IDS, ones, found, expected, "without edge_weight")


def repeated(subject: Subject, example: Example) -> None:
    """A second time, without gradients, and after another graph of the same size."""
    expected = subject.run(example).result
    with torch.no_grad():
        found = subject.run(example).result
    _same(subject, REPEATABLE, example, found, expected, "the second time, under torch.no_grad()")
    generator = torch.Generator().manual_seed(1)
    factor = torch.rand(example.y.size(0), generator=generator, dtype=torch.float64) + 0.5
    source, target = example.edge_index
    other = replace(
        example,
        edge_weight=example.edge_weight * factor[source] * factor[target],
        x=example.x.flip(0),
        y=example.y.flip(1),
    )
    subject.run(other)
    _same(subject, REPEATABLE, example, subject.run(example).result, expected, "after a graph of the same size")


def node_order(subject: Subject, example: Example) -> None:
    """Nodes and edges in another order."""
    generator = torch.Generator().manual_seed(2)
    order = torch.randperm(example.y.size(0), generator=generator)
    edges = torch.randperm(example.edge_index.size(1), generator=generator)
    found, expected = subject.run(permuted(example, order, edges)), subject.run(example)
    if not (found.doubtful or expected.doubtful):
        what = f"with node {order.tolist()}[i] as node i"
        _same(subject, NODES, example, found.result, expected.result[order], what)


def class_order(subject: Subject, example: Example) -> None:
    """Classes in another order."""
    if subject.layer.needs_num_classes:
        return
    order = torch.arange(example.y.size(1)).roll(1)
    found = subject.run(replace(example, y=example.y[:, order], base=example.base[:, order])).result
    _same(subject, COLUMNS, example, found, subject.run(example).result[:, order], "with the classes rolled by one")


def common_factor(subject: Subject, example: Example) -> None:
    """All weights multiplied by one number."""
    if subject.layer.reads_scale:
        return
    expected = subject.run(example)
    for factor in (2.0**-40, 2.0**40):
        found = subject.run(replace(example, edge_weight=example.edge_weight * factor))
        if not (found.doubtful or expected.doubtful):
            what = f"with all weights times {factor:.1e}"
            _same(subject, SCALE, example, found.result, expected.result, what)


def batch_of_two(subject: Subject, example: Example) -> None:
    """Two graphs in one batch, weights of the second on another scale where that must not matter."""
    last = int(example.y.size(0)) - 1
    second = replace(
        permuted(example, torch.arange(last + 1).flip(0), torch.arange(example.edge_index.size(1))),
        mask=torch.cat([example.mask[:1], example.mask[:-1]]),
        edge_weight=example.edge_weight if subject.layer.reads_scale else example.edge_weight * 2.0**-10,
    )
    calls = [subject.run(part) for part in (example, second, joined(example, second))]
    if any(call.doubtful for call in calls):
        return
    expected = torch.cat([calls[0].result, calls[1].result])
    _same(subject, BATCH, example, calls[2].result, expected, "in one batch with a second graph (rows of both)")


def number_formats(subject: Subject, example: Example) -> None:
    """The same numbers in float32, and half-precision weights and embeddings against the same numbers in float32."""
    single = example.to(torch.float32)
    found, wide = subject.run(single), single.to(torch.float64)
    expected = subject.run(wide)
    if not (found.doubtful or expected.doubtful):
        _same(subject, PRECISION, single, found.result.double(), expected.result, "in float32", CLOSE[torch.float32])
    for half in (torch.float16, torch.bfloat16):
        narrow = example.to(half)
        call, expected = subject.run(narrow), subject.run(narrow.to(torch.float32))
        check_result(subject, narrow.to(torch.float32), call.result, doubtful=call.doubtful)
        if not (call.doubtful or expected.doubtful):
            name = str(half).removeprefix("torch.")
            _same(subject, PRECISION, narrow, call.result, expected.result, f"in {name}", CLOSE[torch.float32])


def state(subject: Subject, example: Example) -> None:
    """With other parameters, and in a copy that loads them."""
    subject.run(example)
    with torch.no_grad():
        for parameter in subject.double.parameters():
            parameter.mul_(0.9)
    kept = subject.double.state_dict()
    found = subject.run(example).result
    subject.fresh()
    subject.double.load_state_dict(kept)
    expected = subject.run(example).result
    subject.fresh()
    what = "after a call and then all parameters times 0.9"
    _same(subject, STATE, example, found, expected, what)


def on_device(subject: Subject, example: Example, device: torch.device) -> None:
    """The same on an accelerator, in float32, with a gradient."""
    single = example.to(torch.float32)
    expected = subject.run(single).result
    subject.to(device)
    try:
        there = single.to(torch.float32, device).leaf()
        result = subject.run(there).result
        check_result(subject, there, result)
        if result.requires_grad:
            result[:, 0].sum().backward()
        _same(subject, DEVICE, there, result.cpu(), expected, f"on {device}", CLOSE[torch.float32])
    finally:
        subject.to(torch.device("cpu"))


# Each is run on every small graph, and in turn on the random ones.
COMPARISONS: tuple[Check, ...] = (
    repeated,
    hidden_labels,
    class_ids,
    node_order,
    class_order,
    common_factor,
    batch_of_two,
    number_formats,
    state,
)
# Of these, the ones that hold where weights lie sixty orders of magnitude apart.
EXACT: tuple[Check, ...] = (repeated, hidden_labels, class_ids, class_order, state)


def _class_ids(example: Example) -> Tensor:
    return torch.where(example.y.sum(dim=1) > 0, example.y.argmax(dim=1), -100)


def _same(
    subject: Subject,
    promise: Promise,
    example: Example,
    found: Tensor,
    expected: Tensor,
    what: str,
    tolerance: float | None = None,
) -> None:
    """Compare two results, and say where they differ most."""
    if found.shape != expected.shape:
        subject.fail(promise, example, f"shape {tuple(found.shape)} {what}", f"shape {tuple(expected.shape)}")
    if not found.numel():
        return
    tolerance = max(tolerance or 0, subject.tolerance if found.dtype == torch.float64 else CLOSE[torch.float32])
    apart = (found.detach() - expected.detach()).abs().nan_to_num(nan=float("inf"))
    if float(apart.max()) > tolerance:
        node, label = divmod(int(apart.argmax()), apart.size(1))
        subject.fail(
            promise,
            example,
            f"{float(found[node, label]):.10g} at node {node}, class {label}, {what}",
            f"{float(expected[node, label]):.10g}, within {tolerance:.0e}",
        )
