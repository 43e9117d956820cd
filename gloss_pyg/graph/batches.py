"""Several graphs in one `Batch`: how large each is, and what PyG must know to take them apart again."""

import torch
from torch import Tensor
from torch_geometric.data import Data

from gloss_pyg.errors import DataError


def graph_sizes(data: Data, num_nodes: int) -> list[int]:
    """Nodes of each graph in `data`; one number where it holds one graph.

    Raises:
        DataError: if `data.batch` does not give each node's graph, one graph after the other.
    """
    batch = data.get("batch")
    if batch is None:
        return [num_nodes]
    if batch.shape != (num_nodes,) or bool((batch[1:] < batch[:-1]).any()):
        raise DataError(
            f"data.batch must hold for each of the {num_nodes} nodes the number of its graph, in ascending order, as "
            f"PyG's Batch.from_data_list makes it; got {batch.numel()} numbers"
            f"{'' if batch.numel() != num_nodes else ' out of order'}."
        )
    ends = data.get("ptr")  # which knows of empty graphs at the end too
    sizes: list[int] = torch.bincount(batch, minlength=0 if ends is None else ends.numel() - 1).tolist()
    return sizes


def set_edges(data: Data, edge_index: Tensor, edge_weight: Tensor, sizes: list[int]) -> Data:
    """Give a copied `data` these edges, sorted by graph, in place of its own, and return it.

    A `Batch` remembers where each graph's part of an attribute lies, and would take new edges apart by the old places.
    """
    data.edge_index, data.edge_weight = edge_index, edge_weight
    batch = data.get("batch")
    if batch is None:
        return data
    places, starts = getattr(data, "_slice_dict", None), getattr(data, "_inc_dict", None)
    if places is not None and starts is not None:
        first = torch.tensor([0, *sizes[:-1]]).cumsum(0)
        edges = torch.bincount(batch[edge_index[0]], minlength=len(sizes)).cpu()
        place = torch.cat([edges.new_zeros(1), edges.cumsum(0)])
        # New dictionaries: the caller's batch shares the old ones.
        data._slice_dict = {**places, "edge_index": place, "edge_weight": place}
        data._inc_dict = {**starts, "edge_index": first, "edge_weight": torch.zeros_like(first)}
    return data
