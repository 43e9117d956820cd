"""What every graph step must keep, looked at after it ran: documents, a weight for each edge, and the gradient."""

import torch
from torch import Tensor
from torch_geometric.data import Data

from gloss_pyg.errors import DataError


def check_result(
    step: object, after: object, *, num_nodes: int | None, x: Tensor | None, edge_weight: Tensor | None
) -> Data:
    """The graph that a step returned, if it can be propagated on.

    Args:
        step: Who it was, for the message.
        after: What it returned.
        num_nodes: How many documents there were before. A function may have written into the `Data` that it was given,
            so that this and the following are to be read before it is called.
        x: The embeddings before.
        edge_weight: The weights before, if there were edges.

    Raises:
        DataError: if the step returned no graph, other documents, edges that do not fit their weights, or weights that
            lost their gradient.

    Example:
        >>> import torch
        >>> from gloss_pyg.graph import DenseGaussian
        >>> rule, x = DenseGaussian(sigma=0.5), torch.eye(3)
        >>> check_result(rule, rule(Data(x=x)), num_nodes=3, x=x, edge_weight=None).num_edges
        6
    """
    if not isinstance(after, Data):
        parts = f" of {len(after)}" if isinstance(after, list | tuple) else ""
        raise DataError(f"{_name(step)} returned a {type(after).__name__}{parts}; a graph step returns one Data.")
    edge_index, weight = after.get("edge_index"), after.get("edge_weight")
    if after.x is not x and after.num_nodes != num_nodes:
        raise DataError(
            f"{_name(step)} changed the number of documents from {num_nodes} to {after.num_nodes}; a "
            "loss needs a row for each. Documents without an edge do no harm."
        )
    if edge_index is None or weight is None:
        if edge_weight is not None or weight is not None:
            raise DataError(f"{_name(step)} left no {'edge_index' if edge_index is None else 'edge_weight'}.")
        return after
    if edge_index.dim() != 2 or edge_index.size(0) != 2 or weight.shape != edge_index.shape[1:]:
        raise DataError(
            f"{_name(step)} returned edge_index of shape {tuple(edge_index.shape)} but edge_weight of shape "
            f"{tuple(weight.shape)}; expected [2, E] and [E]. Perhaps it changes edges without their weights."
        )
    if not weight.requires_grad and weight.numel() and _had_gradient(x, edge_weight):
        raise DataError(
            f"{_name(step)} gave weights without a gradient, so that nothing could be learned from the graph. "
            "Usual causes: torch.no_grad, .detach() or numpy inside of it, or weights that do not come from data.x."
        )
    return after


def _name(step: object) -> str:
    return str(getattr(step, "__name__", type(step).__name__))


def _had_gradient(*sources: Tensor | None) -> bool:
    return torch.is_grad_enabled() and any(source is not None and source.requires_grad for source in sources)
