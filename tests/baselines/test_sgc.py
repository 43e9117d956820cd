"""SGC against logistic regression on dense features in float64, and its choice of the weight decay."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from method_cases import dense_adjacency, fit, texts_of
from torch.nn import functional

from baselines import sgc
from baselines.corpus_graph import CorpusGraph
from baselines.sgc import SGC


def dense_fit(documents, decay):
    """Probabilities of all documents at the minimum."""
    data = CorpusGraph().build(texts_of(documents))
    adjacency = dense_adjacency(data)
    features = math.sqrt(data.num_nodes) * (adjacency @ adjacency)[: data.num_documents]
    labels = torch.tensor(list(documents["train"]["label"]))
    theta = torch.zeros(features.size(1), 3, dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([theta, bias], max_iter=2000, tolerance_grad=1e-10, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        scores = features[: len(labels)] @ theta + bias
        loss = functional.cross_entropy(scores, labels) + decay / 2 * theta.square().sum()
        loss.backward()
        return loss.item()

    optimizer.step(closure)
    return (features @ theta + bias).softmax(dim=1).detach().numpy()


@pytest.mark.parametrize("decay", [1e-2, 1e-3])
def test_the_minimum_is_that_of_dense_features(tiny_texts, decay):
    method = SGC(weight_decay=decay, max_iterations=300)
    fit(method, tiny_texts)
    expected = dense_fit(tiny_texts, decay)[-len(tiny_texts["test"]) :]
    np.testing.assert_allclose(method.predict_proba(list(tiny_texts["test"]["text"])), expected, atol=2e-3)


def test_the_seed_changes_nothing(tiny_texts):
    rows = []
    for seed in (0, 1):
        method = SGC()
        fit(method, tiny_texts, seed=seed)
        rows.append(method.predict_proba(list(tiny_texts["test"]["text"])))
    np.testing.assert_array_equal(rows[0], rows[1])


def test_the_kept_weight_decay_is_the_one_before_the_loss_rose(tiny_texts, monkeypatch):
    losses = []
    validate = sgc._validate

    def watch(*arguments):
        losses.append(validate(*arguments))
        return losses[-1]

    monkeypatch.setattr(sgc, "_validate", watch)
    report = fit(SGC(), tiny_texts)
    values = [loss for loss, _ in losses]
    assert len(report.history) == len(values)
    best = int(np.argmin(values))
    assert report.best_step == report.history[best]["step"]
    assert best >= len(values) - 2
    assert all(later < earlier for earlier, later in pairwise(values[: best + 1]))
