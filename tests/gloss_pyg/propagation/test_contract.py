"""Every public layer keeps the contract; a new one needs one line in `tests/layer_cases.py`."""

import inspect

import pytest
import torch
from layer_cases import CASES
from torch_geometric.data import Data

import gloss_pyg.propagation as family
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.propagation import Propagation
from gloss_pyg.testing import check_propagation

each_case = pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        pytest.param(layer, case, id=f"{layer.__name__}({case or ''})")
        for layer, cases in CASES.items()
        for case in cases
    ],
)


@each_case
def test_contract(layer, arguments, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # the kit looks at shapes itself
    check_propagation(layer(**arguments), num_graphs=5)  # benchmarks/bench_conformance.py takes a thousand


@each_case
def test_autocast_does_not_round_the_solve(layer, arguments):
    graph = DenseGaussian(0.5)(Data(x=torch.randn(12, 8, generator=torch.Generator().manual_seed(0))))
    y = torch.eye(3)[torch.arange(12) % 3]
    tried = layer(**arguments)
    if tried.open_sizes:
        tried.set_sizes(8, 3)
    base = torch.full((12, 3), 1 / 3) if tried.needs_base else None
    given = (y, graph.edge_index, torch.arange(12) < 6, graph.edge_weight, graph.x, base)
    expected = tried(*given)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = tried(*given)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_every_public_layer_has_a_case():
    public = {getattr(family, name) for name in family.__all__}
    layers = {part for part in public if isinstance(part, type) and issubclass(part, Propagation)}
    assert {layer for layer in layers if not inspect.isabstract(layer)} == set(CASES), (
        "give each layer its line in tests/layer_cases.py"
    )


@pytest.mark.parametrize(
    ("layer", "seed"),
    [
        # A class that is barely reached has a gradient in labels beyond float32's range: clamped, not infinite.
        (family.HarmonicFunction(class_mass_normalisation=True), 815),
        # Soft labels that half precision rounded, all of them seen: nothing is left to solve.
        (family.LabelPropagation(), 150),
        # Weights that are each within float32's range, and 39 orders of magnitude apart.
        (family.AbsorbingWalk(), 373),
        (family.HeatKernel(), 373),
        # Rows below the residual of conjugate gradients, which a seed reaches all the same.
        (family.HarmonicFunction(solver="conjugate_gradients"), 56),
        (family.LabelPropagation(solver="conjugate_gradients"), 574),
        # A class whose probability is below the residual at which the solver stops.
        (family.LaplacianRegularization(solver="conjugate_gradients"), 186),
        (family.LaplacianRegularization(solver="iterative"), 986),
        (family.ModifiedAdsorption(solver="conjugate_gradients"), 438),
        # A condition that is squared, so that a residual of 1e-12 leaves errors above 1e-8.
        (family.LaplacianRegularization(power=2, solver="conjugate_gradients"), 490),
    ],
    ids=repr,
)
def test_graphs_that_broke_a_layer_once(layer, seed, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)
    check_propagation(layer, num_graphs=1, seed=seed)
