"""How wide the Gaussian kernel is: the rules for `sigma`.

| `sigma` | bandwidth | when |
|---|---|---|
| a number | that number; rows have unit length, so distances are 0 to 2 | it was tuned |
| `"sqrt"` | `sqrt(m / 3)`, `m` = median distance of *pretrained* embeddings, fitted once | the default, the paper's |
| `"median"` | median distance of the batch at hand | embeddings whose scale drifts in training |
| `"leave-one-out"` | tells the training documents' labels best, fitted once | few labels, one narrow kernel |
| `"local"` | `sigma_i sigma_j` for `2 sigma^2`, `sigma_i` = distance to neighbour 7 | classes of unequal density |
| `"learned"` | a parameter, started at the `"sqrt"` value, trained with the encoder | enough labels to learn it from |

The batch's own bandwidths (`"median"`, `"local"`) are constants of the step: no gradient flows through them.
"""

import math
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.distances import distances_to, squared_distances, unit_rows
from gloss_pyg.graph.faint import widened
from gloss_pyg.graph.fitting import Fittable
from gloss_pyg.graph.leave_one_out import leave_one_out_sigma
from gloss_pyg.graph.neighbours import nearest_neighbours
from gloss_pyg.graph.notes import Notes

SigmaRule = Literal["sqrt", "leave-one-out", "median", "local", "learned"]
SIGMA_RULES: tuple[str, ...] = get_args(SigmaRule)
# Rules with one number, fitted once on pretrained embeddings.
FITTED = ("sqrt", "leave-one-out")
# Bandwidths outside this range only overflow: unit rows are at most 2 apart, and float32 rounds them at 1e-7.
SIGMA_RANGE = (1e-12, 1e12)
# A batch whose rows coincide has median or local distance 0; this stands in for it.
SMALLEST_OWN_SIGMA = 1e-6
# Zelnik-Manor & Perona, section 2.1: "a single value K = 7 gave good results even for high-dimensional data".
LOCAL_NEIGHBOUR = 7
# The square-root rule for orthogonal rows (distance sqrt(2)): where a learned bandwidth starts when nothing was fitted.
ORTHOGONAL_SIGMA = math.sqrt(math.sqrt(2) / 3)
# The median over all pairs of 10,000 documents needs 400 MB for a moment; of more, a seeded sample is taken.
DOCUMENTS_FOR_MEDIAN = 10_000
# Of more documents than this not all pairs are measured at once for their own bandwidths.
DOCUMENTS_AT_ONCE = 2048
# The own bandwidths of embeddings, with the rule: who builds a graph and then attaches to it computes them once.
_own: Notes[tuple[str, Tensor]] = Notes()


def median_distance(embeddings: Float[Tensor, "documents dim"]) -> float:
    """Median Euclidean distance over all pairs of L2-normalised rows, each pair once, without the zero diagonal.

    Of more than 10,000 rows a sample of 10,000 is taken with a fixed seed.

    Raises:
        DataError: if a row holds NaN or infinity.

    Example:
        >>> round(median_distance(torch.eye(3)), 4)
        1.4142
    """
    rows = unit_rows(embeddings.detach())[0]
    n = rows.size(0)
    if n > DOCUMENTS_FOR_MEDIAN:
        chosen = torch.randperm(n, generator=torch.Generator().manual_seed(0))[:DOCUMENTS_FOR_MEDIAN]
        rows, n = rows[chosen.to(rows.device)], DOCUMENTS_FOR_MEDIAN
    step = 1024
    parts = []
    for start in range(0, n, step):
        block = squared_distances(rows[start : start + step], rows)
        keep = (
            torch.arange(n, device=rows.device) > torch.arange(start, min(start + step, n), device=rows.device)[:, None]
        )
        parts.append(block[keep].float())
    return math.sqrt(float(torch.cat(parts).median()))


class Bandwidth(Fittable):
    """The bandwidth of a Gaussian kernel, by one of the rules in the module's table.

    Called with embeddings `[N, d]` it returns the kernel's precision `p` in `W_ij = exp(-|x_i - x_j|^2 p_i p_j)`:
    `1 / (sqrt(2) sigma)`, a scalar, or for `"local"` `1 / sigma_i`, shape `[N]`.

    Args:
        sigma: A positive number or the name of a rule.

    Raises:
        ConfigError: for any other value; on use, when `"sqrt"` or `"leave-one-out"` was not fitted before.

    Source: Sharma, Agarwal, Kumar, "G-Loss", LoG 2025 (G-Loss-SQRT); Zelnik-Manor & Perona, "Self-Tuning Spectral
    Clustering", NeurIPS 2004, section 2.1 (local).

    Example:
        >>> bandwidth = Bandwidth(0.5)
        >>> round(float(bandwidth(torch.eye(3))), 6)
        1.414214
    """

    sigma: Tensor

    def __init__(self, sigma: float | SigmaRule = "sqrt") -> None:
        super().__init__()
        self.rule = sigma
        self.fitted = False
        if isinstance(sigma, str):
            if sigma not in SIGMA_RULES:
                raise ConfigError(f"sigma={sigma!r} is no rule; give a positive number or one of {SIGMA_RULES}.")
        elif (
            isinstance(sigma, bool)
            or not isinstance(sigma, int | float)
            or not SIGMA_RANGE[0] <= sigma <= SIGMA_RANGE[1]
        ):
            raise ConfigError(
                f"sigma={sigma!r}: expected a number from {SIGMA_RANGE[0]:g} to {SIGMA_RANGE[1]:g} (unit rows are at "
                f"most 2 apart, usual values are 0.1 to 1), or one of {SIGMA_RULES}."
            )
        if sigma in FITTED:
            self.register_buffer("sigma", torch.tensor(math.nan, dtype=torch.float64))
        if sigma == "learned":
            self.log_sigma = nn.Parameter(torch.tensor(math.log(ORTHOGONAL_SIGMA)))

    @property
    def needs_fit(self) -> bool:
        """Whether `fit` should still be called: fitted rules have no value yet, `"learned"` a default for a start."""
        if self.rule in FITTED:
            return bool(self.sigma.isnan())  # a value may also have come with a saved state
        return self.rule == "learned" and not self.fitted

    def fit(self, embeddings: Float[Tensor, "documents dim"], labels: NDArray[np.int64] | None = None) -> None:
        """Set `"sqrt"`, or the start of `"learned"`, to `sqrt(m / 3)`, and `"leave-one-out"` to its best.

        Other rules have nothing to fit.

        Args:
            embeddings: Pretrained embeddings of the training documents, shape `[n, d]`, not yet normalised.
            labels: Their class ids, `[n]`, negative where there is none; for `"leave-one-out"`.

        Raises:
            ConfigError: for `"leave-one-out"` without labels.
            DataError: with fewer than two rows, or when more than half of all pairs of rows coincide; for
                `"leave-one-out"`, where no two documents have the same label.
        """
        if self.rule == "leave-one-out":
            if labels is None:
                raise ConfigError(
                    'sigma="leave-one-out" is fitted on labels, and none were given: give fit_bandwidth documents with '
                    "a column 'label' or 'labels', or fit_sigma(embeddings, labels) their class ids, negative where "
                    "there is none."
                )
            self.sigma.fill_(leave_one_out_sigma(embeddings, labels))
            return
        if self.rule not in ("sqrt", "learned"):
            return
        if embeddings.size(0) < 2:
            raise DataError(f"sigma={self.rule!r} is fitted on pairs of documents; {embeddings.size(0)} was given.")
        median = median_distance(embeddings)
        if not median > 0:
            raise DataError(
                f"sigma={self.rule!r}: the median distance of the {embeddings.size(0)} training embeddings is 0, so "
                "most documents have the same embedding. Check the texts and the pooling, or give sigma as a number."
            )
        self.fitted = True
        with torch.no_grad():
            if self.rule == "sqrt":
                self.sigma.fill_(math.sqrt(median / 3))
            else:
                self.log_sigma.fill_(0.5 * math.log(median / 3))

    def forward(self, x: Float[Tensor, "nodes dim"], neighbours: Int[Tensor, "2 found"] | None = None) -> Tensor:
        """The kernel's precision for these embeddings, `[]` or `[N]`.

        Args:
            x: Embeddings.
            neighbours: Pairs `(i, j)` with the nearest `j` of each `i`, where they are known, as `nearest_neighbours`
                gives them; they spare the rule "local" a search.
        """
        if self.rule == "learned":
            # In float64: a steep gradient, clamped to float32's range, would leave it again in the exponential's.
            return torch.exp(-widened(self.log_sigma)) / math.sqrt(2)
        if self.rule in FITTED:
            if bool(self.sigma.isnan()):
                raise ConfigError(
                    f'sigma="{self.rule}" has no value yet: before training, call once gloss_pyg.fit_bandwidth(loss, '
                    "model, documents, collate), or fit_sigma(embeddings) with the pretrained embeddings of the "
                    "training documents (our training commands do), or give sigma as a number."
                )
            return (1 / (math.sqrt(2) * self.sigma)).to(x.dtype)
        if self.rule in ("median", "local"):
            known = _own.get(x)
            if known is not None and known[0] == self.rule:
                return known[1]
            precision = self._of_batch(x, neighbours)
            _own.put(x, (str(self.rule), precision))
            return precision
        return x.new_tensor(1 / (math.sqrt(2) * float(self.rule)))

    @torch.no_grad()
    def _of_batch(self, x: Tensor, neighbours: Tensor | None) -> Tensor:
        n = x.size(0)
        if n < 2:
            return x.new_ones(() if self.rule == "median" else (n,))
        rows = unit_rows(x)[0]
        if self.rule == "median":
            if n > DOCUMENTS_AT_ONCE:
                return x.new_tensor(1 / (math.sqrt(2) * max(median_distance(rows), SMALLEST_OWN_SIGMA)))
            first, second = torch.triu_indices(n, n, offset=1, device=x.device)
            sigma = squared_distances(rows)[first, second].median().sqrt().clamp(min=SMALLEST_OWN_SIGMA)
            return (1 / (math.sqrt(2) * sigma)).to(x.dtype)
        order = min(LOCAL_NEIGHBOUR, n - 1)
        if neighbours is None and n > DOCUMENTS_AT_ONCE:
            neighbours = nearest_neighbours(rows, order)
        if neighbours is not None and neighbours.size(1) >= n * order:
            distances, place = distances_to(rows, neighbours[1].view(n, -1), dtype=x.dtype), order
        else:
            distances, place = squared_distances(rows), order + 1  # the row's own zero is the smallest entry
        sigma = distances.kthvalue(place, dim=1).values.sqrt()
        return (1 / sigma.clamp(min=SMALLEST_OWN_SIGMA)).to(x.dtype)

    def extra_repr(self) -> str:
        """The rule, and its value where it has one."""
        if self.rule in FITTED:
            return f"{self.rule}, sigma={float(self.sigma):.4g}"
        if self.rule == "learned":
            return f"learned, sigma={math.exp(float(self.log_sigma.detach())):.4g}"
        return f"sigma={self.rule}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
