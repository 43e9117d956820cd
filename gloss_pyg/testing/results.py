"""What every single result must be: its shape and format, and what its rows hold."""

import math
from functools import partial

import torch
from torch import Tensor

from gloss_pyg.testing.example import Example
from gloss_pyg.testing.paths import path_strength
from gloss_pyg.testing.promises import CLASSES, DTYPE, FINITE, KEPT, RANGE, ROWS, RUNS, SHAPE, SILENT
from gloss_pyg.testing.subject import Subject

# How far a sum of rounded numbers may be from what it should be.
ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4}
# Ties between a node and a seed whose logarithm is below may be lost to the range of the number format.
FAINT = {torch.float64: -400.0, torch.float32: -40.0}


def check_result(subject: Subject, example: Example, result: Tensor, *, doubtful: bool = False) -> None:
    """Check one result against the labels and the graph that it came from.

    Args:
        subject: The layer.
        example: What it was called on.
        result: What it returned.
        doubtful: Whether it warned that some rows could not be solved, and may be zero.
    """
    _check_format(subject, example, result)
    layer, dtype = subject.layer, example.edge_weight.dtype
    rows, slack = result.detach().double().cpu(), ROUNDING[dtype]
    _check_entries(subject, example, rows)
    paths = partial(path_strength, example, absorbing=layer.absorbing, reads_logarithms=layer.reads_logarithms)
    tied = paths(hops=layer.hops)
    # Where weights lie sixty orders of magnitude apart, a solver that stops at a residual does not see weaker ties.
    tied = tied > (FAINT[dtype] if example.tame else math.log(max(subject.tolerance, slack)))
    possible = paths(hops=None) > -torch.inf
    _check_sums(subject, example, rows, slack, tied & (not doubtful), possible)
    if layer.absorbing:
        _check_kept(subject, example, rows, slack)
    if not (layer.signed or layer.needs_base or doubtful):
        _check_classes(subject, example, rows, tied, possible)


def _check_sums(subject: Subject, example: Example, rows: Tensor, slack: float, tied: Tensor, possible: Tensor) -> None:
    """Rows sum to 1 where they must, are zero where they must be, and one of both elsewhere."""
    sums = rows.sum(dim=1)
    whole, nothing = (sums - 1).abs() <= slack, (rows == 0).all(dim=1)
    # A seen row without a label may stay empty, or be inferred.
    unlabelled = (example.mask & (example.seeds.detach() == 0).all(dim=1)).cpu()
    hops = "" if subject.layer.hops is None else f" over {subject.layer.hops} edges at most (`hops`)"
    # Where no label arrives, a base prediction may answer; and signed scores are judged by components, one-way or not.
    answers = subject.layer.needs_base or (subject.layer.signed and example.directed)
    silent = nothing | whole if answers else nothing
    for promise, sound, expected in (
        (ROWS, whole | ~tied.any(dim=1) | unlabelled, f"sum 1, within {slack:.0e}: a seed is tied to node {{}}{hops}"),
        (SILENT, silent | possible.any(dim=1), "zeros: no seed can reach node {}"),
        (ROWS, whole | nothing, "sum 1, or zeros, in row {}"),
    ):
        if not bool(sound.all()):
            node = int((~sound).nonzero()[0])
            seen = f"row {node} is {_row(rows, node)} with sum {float(sums[node]):.12g}"
            subject.fail(promise, example, seen, expected.format(node))


def _check_format(subject: Subject, example: Example, result: object) -> None:
    if not isinstance(result, Tensor):
        subject.fail(RUNS, example, f"the call returned {type(result).__name__}", "a tensor")
    shape, expected = tuple(result.shape), tuple(example.y.shape)
    if shape != expected:
        subject.fail(SHAPE, example, f"shape {shape}", f"shape {expected}")
    weight = example.edge_weight
    if result.dtype != weight.dtype or result.device != weight.device:
        subject.fail(DTYPE, example, f"{result.dtype} on {result.device}", f"{weight.dtype} on {weight.device}")


def _check_entries(subject: Subject, example: Example, rows: Tensor) -> None:
    for promise, sound, expected in (
        (FINITE, rows.isfinite(), "finite numbers"),
        (RANGE, rows >= 0, "nothing below 0"),
    ):
        if not bool(sound.all()):
            node = int((~sound).any(dim=1).nonzero()[0])
            subject.fail(promise, example, f"row {node} is {_row(rows, node)}", expected)


def _check_kept(subject: Subject, example: Example, rows: Tensor, slack: float) -> None:
    seeds = example.seeds.detach().double().cpu()
    total = seeds.sum(dim=1, keepdim=True)
    own = seeds / total.clamp(min=torch.finfo(torch.float64).tiny)
    changed = (total > 0).squeeze(1) & ((rows - own).abs().amax(dim=1) > slack)
    if bool(changed.any()):
        node = int(changed.nonzero()[0])
        subject.fail(KEPT, example, f"row {node} is {_row(rows, node)}", f"its own label, {_row(own, node)}")


def _check_classes(subject: Subject, example: Example, rows: Tensor, tied: Tensor, possible: Tensor) -> None:
    hidden = ~example.mask.cpu()[:, None]
    missing = hidden & tied & (rows == 0)
    if subject.layer.resolution and example.edge_weight.dtype == torch.float32 and bool(missing.any()):
        # Too small for a solver that stops at a residual: then it is there, and as small, in float64.
        wide = subject.run(example.to(torch.float64)).result.detach().cpu()
        missing &= (wide == 0) | (wide > subject.layer.resolution)
    for wrong, expected in (
        (missing, "a positive probability of class {}: one of its seeds can reach node {}"),
        (hidden & ~possible & (rows > 0), "no probability of class {}: none of its seeds can reach node {}"),
    ):
        if bool(wrong.any()):
            node, label = wrong.nonzero()[0].tolist()
            way = "labels end at labelled nodes" if subject.layer.absorbing else "labels pass through labelled nodes"
            subject.fail(
                CLASSES,
                example,
                f"row {node} is {_row(rows, node)}",
                f"{expected.format(label, node)} (`absorbing = {subject.layer.absorbing}`: {way})",
            )


def _row(rows: Tensor, node: int) -> str:
    return "[" + ", ".join(f"{value:.4g}" for value in rows[node].tolist()) + "]"
