"""What a propagation layer demands of its input, told in one place and in plain words."""

from typing import Any

import torch
from torch import Tensor

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.edges import is_complete, is_marked_symmetric
from gloss_pyg.graph.faint import widened
from gloss_pyg.graph.tensors import check_tensors


def check_kinds(y: Tensor, edge_index: Tensor, mask: Tensor, **optional: Tensor | None) -> None:
    """Refuse lists and arrays in place of tensors."""
    check_tensors(
        y=y, edge_index=edge_index, mask=mask, **{name: given for name, given in optional.items() if given is not None}
    )


def check_graph(edge_index: Tensor, edge_weight: Tensor | None, num_nodes: int, x: Tensor | None) -> Tensor:
    """Edge weights, at least in float32, of a graph that was checked against the number of nodes.

    Graphs of our own rules are known to be sound and are not searched again.
    """
    if edge_index.dim() != 2 or edge_index.size(0) != 2 or edge_index.is_floating_point():
        raise DataError(
            f"edge_index must hold integers of shape [2, E]; got {edge_index.dtype} of {tuple(edge_index.shape)}."
        )
    if edge_weight is None:
        edge_weight = torch.ones(edge_index.size(1), device=edge_index.device)
    if edge_weight.shape != edge_index.shape[1:] or not edge_weight.is_floating_point():
        raise DataError(
            f"edge_weight must hold one float for each of the {edge_index.size(1)} edges; got {edge_weight.dtype} of "
            f"shape {tuple(edge_weight.shape)}. Perhaps a transform changed the edges but not their weights."
        )
    if x is not None and x.size(0) != num_nodes:
        raise DataError(f"x has {x.size(0)} rows for {num_nodes} nodes.")
    if not is_complete(edge_index, num_nodes) and edge_index.numel():
        low, high = (int(bound) for bound in edge_index.aminmax())
        if low < 0 or high >= num_nodes:
            raise DataError(f"edge_index names nodes {low} to {high}, but y has rows 0 to {num_nodes - 1}.")
    if not is_marked_symmetric(edge_index, edge_weight):
        sound = (edge_weight >= 0) & edge_weight.isfinite()
        if not bool(sound.all()):
            first = int((~sound).nonzero()[0])
            raise DataError(
                f"edge_weight must be finite and not negative; edge {first} has {float(edge_weight[first])}, and "
                f"{int((~sound).sum())} of {edge_weight.numel()} are so."
            )
    return edge_weight.float() if edge_weight.dtype in (torch.float16, torch.bfloat16) else edge_weight


def check_labels(y: Tensor, mask: Tensor, num_classes: int | None, dtype: torch.dtype) -> Tensor:
    """Label rows `[N, C]` in `dtype` from rows or class ids; rows outside the mask may hold anything."""
    if mask.dtype != torch.bool or mask.shape != y.shape[:1]:
        raise DataError(
            f"mask must hold one boolean for each of the {y.size(0)} nodes, true where the label may be seen; got "
            f"{mask.dtype} of shape {tuple(mask.shape)}."
        )
    if y.dim() == 2:
        if num_classes is not None and y.size(1) != num_classes:
            raise DataError(f"y has {y.size(1)} columns, the layer was made for num_classes={num_classes}.")
        # A gradient that leaves float32's range comes back clamped.
        return widened(y) if y.dtype == torch.float32 and dtype == torch.float64 else y.to(dtype)
    if y.dim() != 1 or y.is_floating_point():
        raise DataError(f"y must be label rows [N, C] or class ids [N]; got {y.dtype} of shape {tuple(y.shape)}.")
    if num_classes is None:
        raise DataError("y holds class ids, so the layer must know how many classes there are: give it num_classes.")
    largest = int(y[mask].max()) if bool(mask.any()) else -1
    if largest >= num_classes:
        raise DataError(f"y holds class {largest}, but num_classes={num_classes} admits 0 to {num_classes - 1}.")
    rows = torch.zeros(y.size(0), num_classes, dtype=dtype, device=y.device)
    labelled = ((y >= 0) & mask).nonzero().squeeze(1)
    rows[labelled, y[labelled]] = 1
    return rows


def check_seeds(seeds: Tensor) -> Tensor:
    """Label rows that may be seen, the others zero, checked to be finite and not negative."""
    low, high = seeds.detach().aminmax() if seeds.numel() else (0, 0)  # both NaN where one is
    if float(low) >= 0 and float(high) < float("inf"):
        return seeds
    wrong = ~((seeds >= 0) & seeds.isfinite())
    row, column = (int(place) for place in wrong.nonzero()[0])
    raise DataError(
        f"y must be finite and not negative where the mask is true; row {row} has {float(seeds[row, column])} for "
        f"class {column}, and {int(wrong.any(dim=1).sum())} rows are so. Give one-hot rows or probabilities, "
        "not logits; an unlabelled node belongs outside the mask."
    )


def check_needs(layer: Any, x: Tensor | None, base: Tensor | None) -> None:
    """Refuse to run a layer without the embeddings or the base prediction that it states to need."""
    name = type(layer).__name__
    if layer.needs_x and x is None:
        raise ConfigError(f"{name} reads the embeddings: give them as x [N, d] (GLoss does).")
    if layer.needs_base and base is None:
        raise ConfigError(
            f"{name} works on another model's class probabilities: give them as base [N, C]. HybridLoss hands over its "
            "classifier's; GLoss alone has none, so give GLoss(...)(embeddings, labels, base=probabilities)."
        )
    if base is not None:
        check_tensors(base=base)


def check_base(base: Tensor, seeds: Tensor) -> Tensor:
    """A base prediction in the precision of the seeds, checked to be rows of numbers that can be probabilities."""
    if base.shape != seeds.shape or not base.is_floating_point():
        raise DataError(
            f"base must hold class probabilities of shape {tuple(seeds.shape)}; got {base.dtype} of "
            f"{tuple(base.shape)}."
        )
    base = base.to(seeds.dtype)
    low, high = (float(bound) for bound in base.detach().aminmax()) if base.numel() else (0.0, 0.0)
    if not (low >= 0 and high < float("inf")):
        raise DataError("base must hold class probabilities; it has negative, infinite or NaN entries. Give a softmax.")
    return base
