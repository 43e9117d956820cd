"""The layer under test: what it says of itself, and how the kit calls it."""

import copy
import warnings
from dataclasses import dataclass, replace
from typing import NoReturn

import torch
from torch import Tensor

from gloss_pyg.errors import ConfigError, NumericalWarning, UserError
from gloss_pyg.propagation import Propagation
from gloss_pyg.testing.example import Example
from gloss_pyg.testing.failure import ContractError
from gloss_pyg.testing.promises import RUNS, STATE, UNTOUCHED, Promise


class RefusedError(Exception):
    """The layer refused a graph with a sentence, as it may where edges have no reverse."""


@dataclass
class Call:
    """What came of one call: the result, and whether the layer warned that it is not exact."""

    result: Tensor
    doubtful: bool


class Subject:
    """A layer in eval mode, in float64 and in float32, on copies: the caller's layer stays as it is.

    Args:
        layer: The layer, as its user made it.
        tolerance: Largest difference of two results that should be the same, in float64.
    """

    def __init__(self, layer: Propagation, tolerance: float) -> None:
        if not isinstance(layer, Propagation):
            raise ConfigError(
                f"check_propagation needs a layer that derives from gloss_pyg.propagation.Propagation, made with its "
                f"arguments; got {layer!r}."
            )
        self.layer = layer
        self.name = type(layer).__name__
        self.tolerance = tolerance
        for part, module in layer.named_modules():
            for name, value in vars(module).items():
                held = value if isinstance(value, list | tuple) else [value]
                if any(isinstance(item, Tensor) for item in held):
                    at = f"{part}.{name}" if part else name
                    self.fail(STATE, None, f"the attribute {at} is a tensor, no parameter and no buffer", "one of both")
        self.fresh()

    def fresh(self) -> None:
        """Start from copies of the given layer, which has not yet said anything that it says once."""
        try:
            self.double = copy.deepcopy(self.layer).eval().double()
            self.single = copy.deepcopy(self.layer).eval().float()
        except Exception as error:
            self.fail(STATE, None, f"copy.deepcopy raised {_told(error)}", "a copy", error)

    def fail(
        self, promise: Promise, example: Example | None, seen: str, expected: str, cause: Exception | None = None
    ) -> NoReturn:
        """Raise the kit's error."""
        raise ContractError(self.name, promise, example, seen, expected) from cause

    def run(self, example: Example, *, y: Tensor | None = None, unweighted: bool = False) -> Call:
        """Call the layer on an example in the example's number format; its input is watched.

        Args:
            example: The graph.
            y: Labels in place of the example's, rows or class ids.
            unweighted: Leave the weights out.
        """
        layer = self.double if example.edge_weight.dtype == torch.float64 else self.single
        layer.num_classes = example.y.size(1)  # classes differ from graph to graph unless the layer fixes them
        given = {
            "y": example.y if y is None else y,
            "edge_index": example.edge_index,
            "mask": example.mask,
            "edge_weight": None if unweighted else example.edge_weight,
            "x": example.x,
        }
        if layer.needs_base:
            given["base"] = example.base
        before = {name: tensor.detach().clone() for name, tensor in given.items() if tensor is not None}
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", NumericalWarning)
            try:
                result = layer(**given)
            except UserError as error:
                if example.directed:
                    raise RefusedError from error
                self.fail(RUNS, example, f"{_told(error)}", "a result", error)
            except Exception as error:
                self.fail(RUNS, example, f"{_told(error)}", "a result", error)
        for name, was in before.items():
            now = given[name]
            assert now is not None
            if now.shape != was.shape or not torch.equal(now.detach().nan_to_num(), was.nan_to_num()):
                self.fail(UNTOUCHED, example, f"{name} was changed by the call", f"{name} as it was given")
        for warning in caught:
            if not issubclass(warning.category, NumericalWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return Call(result, any(issubclass(warning.category, NumericalWarning) for warning in caught))

    def to(self, device: torch.device) -> None:
        """Move the copies."""
        self.double.to(device)
        self.single.to(device)


def permuted(example: Example, order: Tensor, edges: Tensor) -> Example:
    """The example with node `order[i]` as node `i`, and its edges in the order `edges`."""
    place = order.argsort()
    return replace(
        example,
        y=example.y[order],
        mask=example.mask[order],
        edge_index=place[example.edge_index][:, edges],
        edge_weight=example.edge_weight[edges],
        x=example.x[order],
        base=example.base[order],
    )


def joined(first: Example, second: Example) -> Example:
    """Both examples as one batch."""
    return replace(
        first,
        y=torch.cat([first.y, second.y]),
        mask=torch.cat([first.mask, second.mask]),
        edge_index=torch.cat([first.edge_index, second.edge_index + first.y.size(0)], dim=1),
        edge_weight=torch.cat([first.edge_weight, second.edge_weight]),
        x=torch.cat([first.x, second.x]),
        base=torch.cat([first.base, second.base]),
    )


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
