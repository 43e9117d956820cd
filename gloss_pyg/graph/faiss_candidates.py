"""Candidates for nearest neighbours from the library faiss: the same as ours, for those who run it on their machine."""

import torch
from jaxtyping import Float
from torch import Tensor

from gloss_pyg.errors import MissingExtraError
from gloss_pyg.graph.candidates import Candidates, error_bound


@torch.no_grad()
def faiss_candidates(
    rows: Float[Tensor, "rows dim"], references: Float[Tensor, "references dim"] | None, count: int
) -> Candidates:
    """As `gloss_pyg.graph.candidates.nearest_candidates`, by faiss's exact flat index.

    It sums products in float32 in an order of its own, which the bound on their error admits.

    Raises:
        MissingExtraError: if faiss is not installed.
    """
    try:
        import faiss
    except ImportError as error:
        raise MissingExtraError(
            'search="faiss" needs the package \'faiss\', which is not installed. Run: pip install "gloss-pyg[knn]", or '
            'take search="blocks", which needs nothing.'
        ) from error
    searched = rows if references is None else references
    centre = searched.mean(dim=0)
    centred = (searched - centre).float().cpu().contiguous()
    queries = centred if references is None else (rows - centre).float().cpu().contiguous()
    index = faiss.IndexFlatL2(centred.size(1))
    index.add(centred.numpy())
    own = references is None
    found = index.search(queries.numpy(), count + own)
    squares, place = torch.from_numpy(found[0]), torch.from_numpy(found[1])
    if own:  # each row finds itself, unless equal ones have crowded it out
        squares[place == torch.arange(place.size(0))[:, None]] = torch.inf
        nearest = squares.sort(dim=1)
        squares, place = nearest.values[:, :count], place.gather(1, nearest.indices[:, :count])
    bound = error_bound(_halves(queries), _halves(centred).max(), rows.size(1))
    return Candidates(squares.div(2).to(rows.device), place.to(rows.device), bound.to(rows.device))


def _halves(rows: Tensor) -> Tensor:
    """Half the squared lengths, in float64, without a copy of the rows in it."""
    return torch.cat([part.double().square().sum(dim=1) / 2 for part in rows.split(8192)])
