"""Gradients: that they are there, finite, and equal to central differences."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch_geometric.data import Data

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph.edges import find_reverse
from gloss_pyg.testing.example import Example
from gloss_pyg.testing.paths import path_strength
from gloss_pyg.testing.promises import CONNECTED, GRADIENT, HIDDEN, STEEP
from gloss_pyg.testing.subject import Subject

# Relative step of the differences: their own error is about its square, a solver's is divided by it.
STEP = 1e-4
# Where the two differ a step this much shorter is tried: the first may have gone past a kink, as that of a `clamp`.
SHORTER = 1e-2
# What a gradient may differ from them, relative to the larger of the two.
RELATIVE = 1e-4


def finite_gradient(subject: Subject, example: Example) -> None:
    """The gradient of `-log p` of a reachable class is finite, however small `p` is: what `GLoss` asks for."""
    leaf = example.leaf()
    result = subject.run(leaf).result
    reached = path_strength(example, absorbing=subject.layer.absorbing, hops=None) > -torch.inf
    wanted = reached.to(result.device) & ~example.mask[:, None]
    if not bool(wanted.any()):
        return
    loss = -result[wanted].clamp(min=torch.finfo(torch.float32).tiny).log().sum()
    layer = subject.double if example.edge_weight.dtype == torch.float64 else subject.single
    sources = {"edge_weight": leaf.edge_weight, "y": leaf.y, "x": leaf.x}
    sources |= {name: p for name, p in layer.named_parameters() if p.requires_grad}
    for name, gradient in zip(sources, _gradients(loss, list(sources.values())), strict=True):
        if gradient is None:
            continue
        if not bool(gradient.isfinite().all()):
            place = int((~gradient.isfinite()).flatten().nonzero()[0])
            value = float(gradient.flatten()[place])
            subject.fail(STEEP, example, f"{value} at entry {place} of the gradient in {name}", "finite numbers")
        if name == "y" and bool((gradient[~example.mask] != 0).any()):
            subject.fail(HIDDEN, example, "a gradient in the label rows of hidden nodes", "no gradient there")


def against_differences(subject: Subject, example: Example, *, must_matter: bool = False) -> None:
    """Gradients in weights, seen labels, embeddings and parameters against central differences.

    Args:
        subject: The layer.
        example: Where to look; graphs with one-way edges are left out, solvers may rely on symmetry.
        must_matter: Fail also where neither shows any influence: for graphs on which there must be some.
    """
    reverse = find_reverse(example.edge_index, example.y.size(0))
    if reverse is None:
        return
    generator = torch.Generator().manual_seed(3)
    mixing = torch.randn(example.y.shape, generator=generator, dtype=torch.float64)
    # Soft labels: the weight of a label may then go up and down.
    soft = example.y + 0.1 * torch.rand(example.y.shape, generator=generator, dtype=torch.float64)
    example = replace(example, y=torch.where(example.y.sum(dim=1, keepdim=True) > 0, soft, 0))
    leaf = example.leaf()
    inputs = {"y": leaf.y}
    if subject.layer.through_weights:
        inputs["edge_weight"] = leaf.edge_weight
    if subject.layer.through_x:
        inputs["x"] = leaf.x
    parameters = {name: p for name, p in subject.double.named_parameters() if p.requires_grad}
    sources = inputs | parameters
    call = subject.run(leaf)
    gradients = _gradients((call.result * mixing).sum(), list(sources.values()))
    doubtful = call.doubtful

    @torch.no_grad()
    def objective(name: str, moved: Tensor) -> float:
        nonlocal doubtful
        if name in parameters:
            was = parameters[name].detach().clone()
            parameters[name].copy_(moved)
            end = subject.run(example)
            parameters[name].copy_(was)
        else:
            end = subject.run(replace(example, **{name: moved}))  # type: ignore[arg-type]
        doubtful |= end.doubtful
        return float((end.result * mixing).sum())

    for (name, source), gradient in zip(sources.items(), gradients, strict=True):
        at = source.detach().clone()
        direction = torch.randn(at.shape, generator=generator, dtype=torch.float64)
        if name == "edge_weight":
            direction = (direction + direction[reverse]) * at
        elif name == "y":
            direction = direction * at * example.mask[:, None]
        measure = partial(objective, name)
        found, expected = _compare(subject, gradient, measure, at, direction)
        if not doubtful:
            _agree(subject, example, name, gradient, found, expected, must_matter=must_matter and name in inputs)


def through_the_rule(subject: Subject, example: Example) -> None:
    """The gradient in the embeddings, through the graph rule and the layer, as an encoder receives it."""
    rule, layer = example.rule, subject.layer
    if rule is None or not layer.through_weights or (layer.needs_x and not layer.through_x):
        return
    generator = torch.Generator().manual_seed(4)
    mixing = torch.randn(example.y.shape, generator=generator, dtype=torch.float64)
    direction = torch.randn(example.x.shape, generator=generator, dtype=torch.float64)
    step = STEP * direction
    ends = [rule(Data(x=example.x + step)).edge_index, rule(Data(x=example.x - step)).edge_index]
    if any(not torch.equal(end, example.edge_index) for end in ends):
        return  # other neighbours within the step: no derivative to compare with

    def objective(x: Tensor) -> Tensor:
        graph = rule(Data(x=x))
        moved = replace(example, x=x, edge_index=graph.edge_index, edge_weight=graph.edge_weight)
        return (subject.run(moved).result * mixing).sum()

    x = example.x.detach().clone().requires_grad_()
    (gradient,) = _gradients(objective(x), [x])
    found, expected = _compare(subject, gradient, lambda moved: float(objective(moved).detach()), example.x, direction)
    _agree(subject, example, "the embeddings, through the graph rule", gradient, found, expected)


def _gradients(total: Tensor, sources: list[Tensor]) -> tuple[Tensor | None, ...]:
    """Gradients where there are any; what a solver warns of on the way back is for the user of the layer."""
    if not total.requires_grad:
        return (None,) * len(sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NumericalWarning)
        return torch.autograd.grad(total, sources, allow_unused=True)


def _compare(
    subject: Subject, gradient: Tensor | None, measure: Callable[[Tensor], float], at: Tensor, direction: Tensor
) -> tuple[float, float]:
    """The derivative along a direction by the gradient, and by central differences."""
    found = 0.0 if gradient is None else float((gradient * direction).sum())
    expected = _differences(measure, at, STEP * direction) / STEP
    if _apart(subject, found, expected):
        nearer = _differences(measure, at, SHORTER * STEP * direction) / (SHORTER * STEP)
        expected = expected if _apart(subject, found, nearer) else nearer
    return found, expected


def _differences(measure: Callable[[Tensor], float], at: Tensor, step: Tensor) -> float:
    return (measure(at + step) - measure(at - step)) / 2


def _noise(subject: Subject) -> float:
    return 0.1 * subject.tolerance / STEP


def _apart(subject: Subject, found: float, expected: float) -> bool:
    return abs(found - expected) > RELATIVE * max(abs(found), abs(expected)) + _noise(subject)


def _agree(
    subject: Subject,
    example: Example,
    name: str,
    gradient: Tensor | None,
    found: float,
    expected: float,
    *,
    must_matter: bool = False,
) -> None:
    noise = _noise(subject)
    if abs(found) <= noise < abs(expected) * 0.5:
        how = "no gradient" if gradient is None else f"a gradient of {found:.3g} along a random direction"
        subject.fail(CONNECTED, example, f"{how} in {name}", f"{expected:.6g}, the central difference")
    if _apart(subject, found, expected):
        subject.fail(
            GRADIENT,
            example,
            f"{found:.9g} along a random direction in {name}",
            f"{expected:.9g}, the central difference",
        )
    if must_matter and abs(expected) <= noise:
        subject.fail(CONNECTED, example, f"{name} does not change the result", "some influence on this graph")
