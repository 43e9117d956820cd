"""Every public layer keeps the contract; a new one needs one line in `tests/layer_cases.py`."""

import inspect

import pytest
from layer_cases import CASES

import gloss_pyg.propagation as family
from gloss_pyg.propagation import Propagation
from gloss_pyg.testing import check_propagation


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        pytest.param(layer, case, id=f"{layer.__name__}({case or ''})")
        for layer, cases in CASES.items()
        for case in cases
    ],
)
def test_contract(layer, arguments):
    check_propagation(layer(**arguments))


def test_every_public_layer_has_a_case():
    public = {getattr(family, name) for name in family.__all__}
    layers = {part for part in public if isinstance(part, type) and issubclass(part, Propagation)}
    assert {layer for layer in layers if not inspect.isabstract(layer)} == set(CASES), (
        "give each layer its line in tests/layer_cases.py"
    )
