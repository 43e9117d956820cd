"""What a PyG convolution does with labels and weights, found out by trying it on a small graph."""

import copy
import inspect
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import UninitializedParameter

from gloss_pyg.errors import ConfigError

# The way in which weights go into a convolution.
WeightArgument = Literal["edge_weight", "edge_attr"]
# A convolution that carries a label this far is taken to carry it any number of edges.
LONGEST = 64
DRAWS = 3


@dataclass(frozen=True)
class Traits:
    """What was found.

    Attributes:
        weights: The argument that takes the weights, `None` where there is none or the result does not depend on it.
        hops: How many edges a label travels, `None` where there is no end.
    """

    weights: WeightArgument | None
    hops: int | None


def call(
    conv: nn.Module,
    rows: Float[Tensor, "nodes features"],
    edge_index: Int[Tensor, "2 edges"],
    weight: Float[Tensor, " edges"],
    argument: WeightArgument | None,
) -> Tensor:
    """The convolution's result, weights given as it takes them."""
    given = {None: {}, "edge_weight": {"edge_weight": weight}, "edge_attr": {"edge_attr": weight[:, None]}}[argument]
    result: Tensor = conv(rows, edge_index, **given)
    return result


def find_traits(conv: nn.Module, width: int, num_classes: int) -> Traits:
    """Try a convolution from `width` columns to `num_classes`.

    Raises:
        ConfigError: if it cannot be used, with the reason.
    """
    argument = _weight_argument(conv)
    path = torch.stack([torch.arange(LONGEST), torch.arange(1, LONGEST + 1)])
    # Beside the path a pair of nodes that nothing joins to it.
    edges = torch.cat([path, path.flip(0), torch.tensor([[LONGEST + 1, LONGEST + 2], [LONGEST + 2, LONGEST + 1]])], 1)
    n, furthest, weighted = LONGEST + 3, 0, False
    try:
        tried = copy.deepcopy(conv).double().eval()
        for draw in range(DRAWS):
            generator = torch.Generator().manual_seed(draw)
            rows = torch.randn(n, width, generator=generator, dtype=torch.float64)
            weight = 0.5 + torch.rand(edges.size(1), generator=generator, dtype=torch.float64)
            other = rows.clone()
            other[0] = torch.randn(width, generator=generator, dtype=torch.float64)
            with torch.no_grad():
                found = call(tried, rows, edges, weight, argument)
                _check_result(conv, found, n, width, num_classes)
                moved = (found - call(tried, other, edges, weight, argument)).abs().amax(dim=1) > 1e-12
                weighted |= not torch.equal(found, call(tried, rows, edges, weight.flip(0), argument))
            if bool(moved[LONGEST + 1 :].any()):
                raise ConfigError(f"{_name(conv)} mixes documents that no edge joins, so labels would leak. {_HELP}")
            furthest = max(furthest, int(moved.nonzero().max()) if bool(moved.any()) else 0)
    except ConfigError:
        raise
    except Exception as error:
        raise ConfigError(
            f"{_name(conv)} cannot be called as conv(rows [nodes, {width}], edge_index"
            f"{f', {argument}' if argument else ''}): {type(error).__name__}: {' '.join(str(error).split())[:200]}. "
            f"It must take {width} columns and give {num_classes}. {_HELP}"
        ) from error
    return Traits(argument if weighted else None, None if furthest >= LONGEST else furthest)


_HELP = "GCNConv, GraphConv, GATv2Conv(edge_dim=1) and TransformerConv(edge_dim=1) are some that work."


def _weight_argument(conv: nn.Module) -> WeightArgument | None:
    """The argument for weights, of a convolution of nodes and edges that asks for nothing else."""
    if getattr(conv, "cached", False):
        raise ConfigError(f"{_name(conv)} has cached=True and would keep the first batch's weights: leave that out.")
    if any(isinstance(module, _BatchNorm) for module in conv.modules()):
        raise ConfigError(
            f"{_name(conv)} has a batch norm, which mixes documents that no edge joins while it is trained, so labels "
            "would leak: take norm='layer', or none."
        )
    if any(isinstance(parameter, UninitializedParameter) for parameter in conv.parameters()):
        raise ConfigError(
            f"{_name(conv)} was made with in_channels=-1, so that it has nothing yet to be trained: give the number."
        )
    taken = inspect.signature(conv.forward).parameters
    if "edge_index" not in taken:
        raise ConfigError(f"{_name(conv)} takes no edge_index but {', '.join(taken)}, so it is no layer on this graph.")
    needed = [
        name
        for name, parameter in list(taken.items())[1:]
        if parameter.default is parameter.empty
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        and name not in ("edge_index", "edge_weight", "edge_attr")
    ]
    if needed:
        raise ConfigError(f"{_name(conv)} also needs {', '.join(needed)}, which there is none of here. {_HELP}")
    if "edge_weight" in taken:
        return "edge_weight"
    width = _edge_width(conv)
    if "edge_attr" not in taken or (width is None and taken["edge_attr"].default is not inspect.Parameter.empty):
        return None
    if width is not None and width != 1:
        raise ConfigError(f"{_name(conv)} was made with edge_dim={width}; an edge has one weight, so give edge_dim=1.")
    return "edge_attr"


def _edge_width(conv: nn.Module) -> int | None:
    """`edge_dim`, also of convolutions that keep the map of their edge features alone."""
    width = getattr(conv, "edge_dim", None)
    return getattr(getattr(conv, "lin_edge", None), "in_channels", None) if width is None else width


def _check_result(conv: nn.Module, found: object, n: int, width: int, num_classes: int) -> None:
    if not isinstance(found, Tensor) or not found.is_floating_point():
        raise ConfigError(f"{_name(conv)} returned no scores but {type(found).__name__}. {_HELP}")
    if found.shape != (n, num_classes):
        raise ConfigError(
            f"{_name(conv)} made {tuple(found.shape[1:])} columns of {width}, where {num_classes} classes need "
            f"{num_classes}: give out_channels={num_classes}, and with several heads concat=False."
        )


def _name(conv: nn.Module) -> str:
    return f"ConvPropagation: {type(conv).__name__}"
