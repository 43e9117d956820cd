"""What the published propagation computes, against both solvers and both objectives."""

import json
from pathlib import Path

import pytest
import torch
from torch_geometric.data import Data

from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, NegativeLogProbability, PublishedCode
from gloss_pyg.propagation import LabelPropagation

CASES = json.loads((Path(__file__).parents[2] / "data" / "oracle_propagation.json").read_text())


def read(case):
    x = torch.tensor(case["x"], dtype=torch.float64, requires_grad=True)
    return x, torch.tensor(case["y"]), torch.tensor(case["labelled"])


@pytest.fixture(params=CASES, ids=lambda case: f"seed{case['seed']}")
def case(request):
    return request.param


@pytest.fixture(params=["direct", "iterative"])
def solver(request):
    return request.param


def test_probabilities_of_the_published_code(case, solver):
    x, y, mask = read(case)
    graph = DenseGaussian(case["sigma"])(Data(x=x))
    layer = LabelPropagation(solver, num_classes=case["num_classes"])
    found = layer(y, graph.edge_index, mask, graph.edge_weight)[~mask]
    torch.testing.assert_close(found, torch.tensor(case["propagated"], dtype=torch.float64), rtol=0, atol=1e-10)


def test_value_and_gradient_of_the_equation(case, solver):
    x, y, mask = read(case)
    loss = GLoss(
        DenseGaussian(case["sigma"]),
        LabelPropagation(solver),
        num_classes=case["num_classes"],
        objective=NegativeLogProbability(),
    )
    value = loss(x, y, mask=mask)
    assert abs(value.item() - case["nll_seen"]) < 1e-10
    value.backward()
    expected = torch.tensor(case["grad_nll_seen"], dtype=torch.float64)
    assert expected.abs().max() > 1e-3
    torch.testing.assert_close(x.grad, expected, rtol=0, atol=1e-8)


def test_value_of_the_published_objective(case, solver):
    x, y, mask = read(case)
    objective = PublishedCode(divide_again=False)
    loss = GLoss(
        DenseGaussian(case["sigma"]), LabelPropagation(solver), num_classes=case["num_classes"], objective=objective
    )
    assert abs(loss(x, y, mask=mask).item() - case["softmax_ce"]) < 1e-10


def test_published_objective_divides_again_by_the_hidden_documents(case, solver):
    x, y, mask = read(case)
    loss = GLoss(
        DenseGaussian(case["sigma"]),
        LabelPropagation(solver),
        num_classes=case["num_classes"],
        objective=PublishedCode(),
    )
    assert abs(loss(x, y, mask=mask).item() * int((~mask).sum()) - case["softmax_ce"]) < 1e-10


def test_solvers_agree_in_gradient_of_the_published_objective(case):
    gradients = []
    for solver in ("direct", "iterative"):
        x, y, mask = read(case)
        GLoss(DenseGaussian(case["sigma"]), LabelPropagation(solver), objective=PublishedCode())(x, y, mask).backward()
        gradients.append(x.grad)
    assert gradients[0].abs().max() > 1e-6
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-8)
