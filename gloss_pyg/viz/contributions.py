"""A propagation layer as the linear map that it is, or a sentence where it is none."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph.precision import full_precision
from gloss_pyg.propagation import Propagation
from gloss_pyg.propagation.checks import check_graph
from gloss_pyg.propagation.rows import rows_to_one

# Layers with parameters in float32 give scores with its digits; what is not linear is off by far more.
_TOLERANCE = 1e-4
_MOST_ENTRIES = 200_000_000


class LayerOnGraph:
    """A layer on one graph, in float64 on the CPU: what it makes of labels, and which label gave which part of that.

    Args:
        layer: The layer; it stays as it is.
        edge_index: Edges.
        edge_weight: Their weights, all ones where it is `None`.
        x: Embeddings, for layers that read them.

    Raises:
        ConfigError: for a layer that works on another model's prediction: its scores are not made of labels alone.
    """

    def __init__(self, layer: Propagation, edge_index: Tensor, edge_weight: Tensor | None, x: Tensor | None) -> None:
        if layer.needs_base:
            raise ConfigError(f"{_not_linear(layer)}: it corrects another model's prediction.")
        self._layer = layer
        self._edge_index = edge_index.detach().cpu()
        ones = torch.ones(edge_index.size(1)) if edge_weight is None else edge_weight.detach().cpu()
        self._edge_weight = ones.double()
        self._x = None if x is None else x.detach().cpu().double()

    def probabilities(self, y: Tensor, mask: Tensor) -> NDArray[np.float64]:
        """What the layer itself makes of labels `[N, C]`."""
        with torch.no_grad(), self._at_rest():
            found: Tensor = self._layer(y, self._edge_index, mask, self._edge_weight, self._x)
        return found.numpy()

    def contributions(self, y: Tensor, mask: Tensor, document: int) -> NDArray[np.float64]:
        """What each seen document gave to the scores of one document, `[seen, C]`.

        With a class for each seen document the scores are `S`, and `S_ij Y_j` is what `j` gave. A layer that mixes the
        classes cannot be asked so; its scores' derivatives in `Y` are then what multiplies `Y`. Both are tried out on
        labels drawn at random before they are believed.

        Raises:
            ConfigError: for a layer that is not linear in the labels.
        """
        with self._at_rest():
            for ask in (self._by_document, self._by_derivative):
                try:
                    found = ask(y, mask, document)
                except (DataError, RuntimeError):  # a layer with parameters a class wide refuses other widths
                    continue
                if found is not None:
                    return found.numpy()
        raise ConfigError(
            f"{_not_linear(self._layer)}. LabelPropagation, HarmonicFunction without class_mass_normalisation and "
            "LabelSpreading are among those that are."
        )

    def _by_document(self, y: Tensor, mask: Tensor, document: int) -> Tensor | None:
        seeds = mask.nonzero().squeeze(1)
        if mask.numel() * seeds.numel() > _MOST_ENTRIES:
            raise ConfigError(
                f"{mask.numel()} documents and {seeds.numel()} labels: the flow needs a number for each pair of them, "
                "which is too many. Take the graph of a batch, or of fewer labelled documents."
            )
        own = torch.zeros(mask.numel(), seeds.numel(), dtype=torch.float64)
        own[seeds, torch.arange(seeds.numel())] = 1.0
        with torch.no_grad():
            gave = self._scores(own, mask)
            for trial in (y, _some_labels(y, mask)):
                if not self._agree(gave @ trial[seeds], self._scores(trial, mask)):
                    return None
        return gave[document][:, None] * y[seeds]

    def _by_derivative(self, y: Tensor, mask: Tensor, document: int) -> Tensor | None:
        labels = y.clone().requires_grad_()
        row = self._scores(labels, mask)[document]
        parts = [torch.autograd.grad(score, labels, retain_graph=True)[0] for score in row]
        slopes = torch.stack(parts, dim=2)  # of labels [N, C], of scores [C]
        for trial in (y, _some_labels(y, mask)):
            expected = torch.einsum("jc,jcd->d", trial, slopes)
            with torch.no_grad():
                found = self._scores(trial, mask)[document]
            if not bool((expected - found).abs().max() <= _TOLERANCE * max(float(found.abs().max()), 1e-30)):
                return None
        return torch.einsum("jc,jcd->jd", y, slopes)[mask]

    def _agree(self, ours: Tensor, theirs: Tensor) -> bool:
        if not self._layer.signed:  # a layer may have divided its rows by their sums already
            ours, theirs = rows_to_one(ours.clamp(min=0)), rows_to_one(theirs.clamp(min=0))
        return bool((ours - theirs).abs().max() <= _TOLERANCE * max(float(theirs.abs().max()), 1e-30))

    def _scores(self, seeds: Tensor, mask: Tensor) -> Tensor:
        edge_weight = check_graph(self._edge_index, self._edge_weight, seeds.size(0), self._x)
        with full_precision("cpu"):
            return self._layer.scores(seeds, self._edge_index, edge_weight, mask, self._x).double()

    @contextmanager
    def _at_rest(self) -> Iterator[None]:
        """Without dropout, and back to how it was."""
        was_training, place = self._layer.training, next(self._layer.parameters(), None)
        device = None if place is None else place.device
        self._layer.eval().cpu()
        try:
            yield
        finally:
            self._layer.train(was_training)
            if device is not None:
                self._layer.to(device)


def _some_labels(y: Tensor, mask: Tensor) -> Tensor:
    """Soft labels of as many classes, rows that sum to one, drawn with a fixed seed."""
    classes = max(y.size(1), 1)
    drawn = torch.rand(y.size(0), classes, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.1
    return (drawn / drawn.sum(dim=1, keepdim=True)).masked_fill(~mask[:, None], 0)


def _not_linear(layer: Propagation) -> str:
    return f"{type(layer).__name__} is not linear in the labels, so that a label cannot be told apart into parts"
