"""TextGCN against a dense one in float64, its stopping, and attached texts against rows of the graph."""

from statistics import fmean

import numpy as np
import pytest
import torch
from method_cases import dense_adjacency, fit, split, texts_of
from torch.nn import functional
from torch_geometric.nn.inits import glorot

from baselines.corpus_graph import CorpusGraph, document_weights
from baselines.edges import edge_matrix
from baselines.textgcn import TextGCN
from gloss_pyg.metrics import accuracy


def initial(data, hidden, classes, seed):
    """The parameters that a fit with this seed begins with, in the order of the nodes of `data`."""
    torch.manual_seed(seed)
    first, second = torch.empty(data.num_nodes, hidden), torch.empty(hidden, classes)
    glorot(first)
    glorot(second)
    entries = np.bincount(data.edge_index[0].numpy(), minlength=data.num_nodes)
    rank = np.argsort(np.argsort(-entries, kind="stable"), kind="stable")  # nodes with most neighbours come first
    return first[rank].double().requires_grad_(), second.double().requires_grad_()


def dense_fit(documents, *, hidden, epochs, patience, seed):
    """Losses of the validation, and the probabilities of all documents after the last epoch."""
    data = CorpusGraph().build(texts_of(documents))
    adjacency = dense_adjacency(data)
    first, second = initial(data, hidden, 3, seed)
    train, validation = len(documents["train"]), len(documents["validation"])
    labels = torch.tensor([*documents["train"]["label"], *documents["validation"]["label"]])
    optimizer = torch.optim.Adam([first, second], lr=0.02)
    losses = []
    for _ in range(epochs):
        scores = adjacency @ (adjacency @ first).relu() @ second
        optimizer.zero_grad()
        functional.cross_entropy(scores[:train], labels[:train]).backward()
        optimizer.step()
        scores = (adjacency @ (adjacency @ first).relu() @ second).detach()
        losses.append(float(functional.cross_entropy(scores[train : train + validation], labels[train:])))
        if len(losses) > patience + 1 and losses[-1] > fmean(losses[-patience - 1 : -1]):
            break
    return losses, scores[: data.num_documents].softmax(dim=1).numpy()


@pytest.mark.parametrize(("epochs", "patience"), [(7, 10), (200, 3)])
def test_training_is_that_of_dense_matrices(tiny_texts, epochs, patience):
    documents = tiny_texts
    if patience == 3:  # labels that contradict the texts: the loss rises, and training stops
        wrong = np.roll(list(tiny_texts["validation"]["label"]), 1).tolist()
        documents = {**tiny_texts, "validation": split(tiny_texts["validation"]["text"], wrong)}
    losses, probabilities = dense_fit(documents, hidden=8, epochs=epochs, patience=patience, seed=5)
    method = TextGCN(hidden=8, dropout=0.0, max_epochs=epochs, patience=patience)
    report = fit(method, documents, seed=5)
    assert report.steps == len(losses) == report.best_step
    assert (len(losses) < epochs) == (patience == 3)
    texts = texts_of(documents)
    last = {text: row for row, text in enumerate(texts)}
    rows = [last[text] for text in texts]  # of equal texts the last one's node counts
    np.testing.assert_allclose(method.predict_proba(texts), probabilities[rows], atol=2e-4)
    test = slice(len(texts) - len(documents["test"]), None)
    assert accuracy(list(documents["test"]["label"]), probabilities[test]) > 0.6


def test_a_step_leaves_hidden_numbers_out(tiny_texts):
    texts = list(tiny_texts["test"]["text"])
    found = {}
    for dropout in (0.0, 0.5):
        method = TextGCN(hidden=8, dropout=dropout, max_epochs=3)
        fit(method, tiny_texts)
        found[dropout] = method.predict_proba(texts)
    assert np.abs(found[0.0] - found[0.5]).max() > 1e-3


def test_an_attached_text_gets_what_its_words_pass_on(tiny_texts):
    method = TextGCN(hidden=8, max_epochs=5)
    fit(method, tiny_texts)
    data = CorpusGraph().build(texts_of(tiny_texts))
    parts = method._attachment
    text = "striker goal goal a bank unknownword"
    weights = torch.from_numpy(document_weights(data, [text]).toarray()[0])
    assert int((weights > 0).sum()) == 4
    degree = 1 + torch.from_numpy(edge_matrix(data).sum(axis=1))[data.num_documents :]
    own = 1 / (1 + weights.sum())
    row = weights * own.sqrt() / degree.sqrt()
    state = (row @ parts.first.double()).relu()
    scores = own * state @ parts.mix.double() + row @ parts.second.double()
    np.testing.assert_allclose(method.predict_proba([text])[0], scores.softmax(dim=0).numpy(), rtol=1e-4)


def test_validation_documents_of_an_inductive_graph_are_scored_as_attached_ones(tiny_texts):
    method = TextGCN(graph=CorpusGraph(transductive=False), hidden=8, max_epochs=9)
    report = fit(method, tiny_texts)
    probabilities = method.predict_proba(list(tiny_texts["validation"]["text"]))
    assert report.history[-1]["accuracy"] == accuracy(list(tiny_texts["validation"]["label"]), probabilities)


def test_a_test_text_that_was_trained_on_is_predicted_as_the_test_document(tiny_texts):
    texts = list(tiny_texts["test"]["text"])
    shared = tiny_texts["train"]["text"][0]
    wrong = (tiny_texts["train"]["label"][0] + 1) % 3
    documents = {**tiny_texts, "test": split([*texts, shared], [*tiny_texts["test"]["label"], wrong])}
    _, probabilities = dense_fit(documents, hidden=8, epochs=40, patience=40, seed=0)
    assert np.abs(probabilities[-1] - probabilities[0]).max() > 4e-4  # the two nodes differ by their own rows
    method = TextGCN(hidden=8, dropout=0.0, max_epochs=40, patience=40)
    fit(method, documents, seed=0)
    np.testing.assert_allclose(method.predict_proba([shared])[0], probabilities[-1], atol=5e-5)
