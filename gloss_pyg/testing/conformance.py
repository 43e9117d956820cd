"""`check_propagation`: one call that runs a layer through the whole contract."""

import copy
from contextlib import suppress

import torch

from gloss_pyg.propagation import Propagation
from gloss_pyg.testing.comparisons import COMPARISONS, EXACT, on_device
from gloss_pyg.testing.example import Example
from gloss_pyg.testing.examples import named_examples, random_example
from gloss_pyg.testing.gradients import against_differences, finite_gradient, through_the_rule
from gloss_pyg.testing.promises import CONNECTED
from gloss_pyg.testing.results import check_result
from gloss_pyg.testing.subject import RefusedError, Subject


def check_propagation(
    layer: Propagation,
    *,
    num_graphs: int = 50,
    seed: int = 0,
    dim: int = 8,
    tolerance: float = 1e-8,
    device: str | torch.device | None = None,
) -> None:
    """Run a propagation layer through its contract; silent where it keeps it.

    About twenty small graphs that break layers (single nodes, chains, stars, two equal embeddings, parts without a
    label, one-way edges and so on) go through every check, then random graphs of 1 to 24 nodes: each through the checks
    of a single result in float32 and float64, and through one comparison in turn. Takes a second or two for a layer
    that solves directly. The layer itself is not touched: copies of it are run, in eval mode.

    Args:
        layer: The layer. What it says of itself in its class attributes is what it is checked against.
        num_graphs: How many random graphs.
        seed: Seed of the first; graph `i` is that of seed `seed + i`, so that one can be drawn alone.
        dim: Width of the embeddings `x`, for layers that are made for one; a layer whose sizes were left open is told
            this width and three classes.
        tolerance: Largest difference of two probabilities that should be equal, in float64; raise it for a solver that
            was told to stop sooner.
        device: Accelerator to compare with the CPU; by default the one that torch finds, if it finds one.

    Raises:
        ContractError: for the first promise that is broken: which, on which graph, what was seen and expected, and the
            usual cause.
        ConfigError: for something that is no `Propagation`.

    Random graphs whose weights lie sixty orders of magnitude apart are not compared digit by digit, and there a layer
    may warn (`NumericalWarning`) and leave rows at zero; on the small graphs nothing is forgiven.

    Example:
        >>> from gloss_pyg.propagation import LabelPropagation
        >>> check_propagation(LabelPropagation(), num_graphs=5)
    """
    if isinstance(layer, Propagation) and layer.open_sizes:
        layer = copy.deepcopy(layer)
        layer.set_sizes(dim, 3)
    subject = Subject(layer, tolerance)
    if not (layer.through_weights or layer.through_x):
        subject.fail(CONNECTED, None, "through_weights and through_x are both False", "one of them True")
    accelerator = _accelerator(device)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # on graphs so small several threads only wait for one another
    try:
        for example in named_examples(layer.num_classes, dim):
            with suppress(RefusedError):
                _check_whole(subject, example, accelerator)
        for one in range(seed, seed + num_graphs):
            subject.fresh()
            _check_in_turn(subject, random_example(one, layer.num_classes, dim), one)
    finally:
        torch.set_num_threads(threads)


def _check_whole(subject: Subject, example: Example, accelerator: torch.device | None) -> None:
    """Every check on one small graph."""
    for dtype in (torch.float64, torch.float32):
        cast = example.to(dtype)
        check_result(subject, cast, subject.run(cast).result)
        finite_gradient(subject, cast)
    for compare in COMPARISONS:
        compare(subject, example)
    against_differences(subject, example, must_matter=example.y.size(0) > 8 and example.rule is not None)
    through_the_rule(subject, example)
    if accelerator is not None:
        on_device(subject, example, accelerator)


def _check_in_turn(subject: Subject, example: Example, turn: int) -> None:
    """Single results in both formats, and one comparison."""
    for dtype in (torch.float64, torch.float32):
        cast = example.to(dtype)
        call = subject.run(cast)
        check_result(subject, cast, call.result, doubtful=call.doubtful)
        finite_gradient(subject, cast)
    checks = (*COMPARISONS, against_differences, through_the_rule) if example.tame else EXACT
    checks[turn % len(checks)](subject, example)


def _accelerator(device: str | torch.device | None) -> torch.device | None:
    if device is None:
        return torch.accelerator.current_accelerator(check_available=True)
    return None if torch.device(device).type == "cpu" else torch.device(device)
