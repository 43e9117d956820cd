"""A step of BertGCN and BertGAT against dense matrices over the whole graph, words and their edges included."""

import numpy as np
import pytest
import torch
from method_cases import dense_adjacency, fit, start, texts_of
from torch.nn import functional

from baselines.bertgcn import BertGAT, BertGCN
from baselines.corpus_graph import CorpusGraph
from baselines.document_graph import DocumentGraph
from baselines.edges import edge_matrix
from baselines.graph_attention import GAT
from baselines.graph_network import GCN
from baselines.joint_model import JointModel, mean_loss
from baselines.joint_training import JointTask, training_step
from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer

CLASSES, MIX = 3, 0.7


def dense_gcn(network, data, features):
    """Scores of all nodes; `features [N, d]`."""
    adjacency = dense_adjacency(data).to(features.dtype)
    first, bias, second, second_bias = (parameter.double() for parameter in network.parameters())
    hidden = functional.elu(adjacency @ features @ first + bias)
    return adjacency @ hidden @ second + second_bias


def dense_attention(states, source, target, joined):
    """One head over all nodes, self-loops included."""
    logits = functional.leaky_relu((states @ source)[None, :] + (states @ target)[:, None], 0.2)
    return logits.masked_fill(~joined, -torch.inf).softmax(dim=1) @ states


def dense_gat(network, data, features):
    joined = torch.from_numpy(edge_matrix(data).toarray() > 0) | torch.eye(data.num_nodes, dtype=torch.bool)
    p = {name: value.double() for name, value in network.named_parameters()}
    heads = (features @ p["first"]).view(len(features), network.heads, -1)
    heard = [
        dense_attention(heads[:, head], p["first_source"][head], p["first_target"][head], joined)
        for head in range(network.heads)
    ]
    hidden = functional.elu(torch.cat(heard, dim=1) + p["first_bias"])
    return (
        dense_attention(hidden @ p["second"], p["second_source"][:, 0], p["second_target"][:, 0], joined)
        + p["second_bias"]
    )


DENSE = {"GCN": dense_gcn, "GAT": dense_gat}


@pytest.fixture(scope="module")
def corpus(tiny_texts):
    """Graph, tokens and labels of a corpus of 40 documents, the first 20 with a label."""
    texts = texts_of(tiny_texts)[50:90]
    labels = np.array([*tiny_texts["train"]["label"], *tiny_texts["validation"]["label"]])[50:90]
    labels[20:] = -1
    tokenizer = load_tokenizer("random-tiny")
    data = CorpusGraph(min_count=1).build(texts)
    tokens = list(tokenize(texts, tokenizer, 32))
    task = JointTask(DocumentGraph(data), tokens, labels, np.arange(20, 40), labels[20:], DataCollator(tokenizer))
    return data, task


@pytest.fixture(params=["GCN", "GAT"])
def kind(request):
    return request.param


def make_model(kind, seed=0, dropout=0.0):
    torch.manual_seed(seed)
    encoder = TextEncoder.from_encoder("random-tiny", ["a", "b", "c"])
    for module in encoder.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    encoder.body.config._attn_implementation = "eager"
    width = encoder.classifier.in_features
    network = GCN(width, 16, CLASSES, dropout) if kind == "GCN" else GAT(width, 8, CLASSES, dropout, heads=4)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            torch.nn.init.normal_(parameter)  # biases of zero would hide where they are added
    return JointModel(encoder, network, MIX)


def batch_of(task, rows):
    return task.collate([task.documents[row] for row in rows])


def random_bank(task, model, seed=1):
    width = model.encoder.classifier.in_features
    return torch.randn(len(task.documents), width, generator=torch.Generator().manual_seed(seed))


def dense_step(kind, model, data, task, rows, bank):
    """Probabilities of the batch in float64, over all nodes; the bank with the batch's rows, with their gradient."""
    output = model.encoder(**batch_of(task, rows))
    features = torch.zeros(data.num_nodes, bank.size(1), dtype=torch.float64)
    features[data.document_nodes] = bank.double()
    features = features.index_put((data.document_nodes[torch.from_numpy(rows)],), output.embeddings.double())
    scores = DENSE[kind](model.network, data, features)[data.document_nodes[torch.from_numpy(rows)]]
    return MIX * scores.softmax(dim=1) + (1 - MIX) * output.logits.double().softmax(dim=1)


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def test_a_step_is_that_of_dense_matrices_over_the_whole_graph(kind, corpus):
    data, task = corpus
    model = make_model(kind).eval()
    rows = np.array([3, 17, 0, 25, 39, 8])
    bank = random_bank(task, model)
    labels = torch.from_numpy(task.labels[rows])
    expected = dense_step(kind, model, data, task, rows, bank.clone())
    mean_loss(expected, labels).backward()
    wanted = gradients(model)
    model.zero_grad()
    before = bank.clone()
    found = model(batch_of(task, rows), rows, task.graph, bank)
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)
    mean_loss(found, labels).backward()
    taken = gradients(model)
    assert taken.keys() == wanted.keys()
    for name, value in taken.items():
        torch.testing.assert_close(value, wanted[name].float(), rtol=2e-3, atol=2e-6, msg=lambda m, n=name: f"{n}: {m}")
    for part in ("encoder.bert.", "encoder.classifier", "network.first", "network.second"):
        assert any(value.abs().max() > 1e-6 for name, value in taken.items() if name.startswith(part)), part
    changed = (bank != before).any(dim=1).nonzero().squeeze(1)
    assert changed.tolist() == sorted(rows.tolist())
    torch.testing.assert_close(bank[torch.from_numpy(rows)], model.encoder(**batch_of(task, rows)).embeddings.detach())
    assert not bank.requires_grad


def test_the_gradient_reaches_the_encoder_through_the_graph_alone(kind, corpus):
    """Documents without a label get a gradient too, from those that share a word with them."""
    _, task = corpus
    model = make_model(kind).eval()
    shared = (task.graph.block[[1]] @ task.graph.block[20:].T).toarray()[0]
    rows = np.array([1, 20 + int(shared.argmax())])  # the second has no label
    assert shared.max() > 0, "no document shares a word with the first"
    output = model.encoder(**batch_of(task, rows))
    features = output.embeddings.detach().requires_grad_()
    bank = random_bank(task, model)
    bank[torch.from_numpy(rows)] = features.detach()
    own = model.network.project(features)
    passed_on = model.network.pass_on(
        model.network.project(bank).index_copy(0, torch.from_numpy(rows), own), task.graph
    )
    scores = model.network.score(own, task.graph.neighbours(rows), passed_on)
    scores[0].square().sum().backward()
    assert features.grad.abs().amax(dim=1).min() > 1e-9


def test_all_documents_are_scored_as_in_dense_matrices(kind, corpus):
    data, task = corpus
    model = make_model(kind)
    bank = random_bank(task, model)
    features = torch.zeros(data.num_nodes, bank.size(1), dtype=torch.float64)
    features[data.document_nodes] = bank.double()
    with torch.no_grad():
        scores = DENSE[kind](model.network, data, features)[data.document_nodes]
        expected = MIX * scores.softmax(dim=1) + (1 - MIX) * model.encoder.classifier(bank).double().softmax(dim=1)
    found = model.predict_all(bank, task.graph, model.pass_on(bank, task.graph))
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-6)


def test_large_attention_stays_finite(corpus):
    _, task = corpus
    model = make_model("GAT")
    bank = 1e3 * random_bank(task, model)
    found = model.predict_all(bank, task.graph, model.pass_on(bank, task.graph))
    assert found.isfinite().all()


def test_a_batch_without_labels_has_the_loss_zero_and_gradients_of_zero(kind, corpus):
    _, task = corpus
    model = make_model(kind).eval()
    rows = np.arange(20, 30)
    loss = mean_loss(model(batch_of(task, rows), rows, task.graph, random_bank(task, model)), torch.full((10,), -1))
    assert loss.item() == 0
    loss.backward()
    found = gradients(model)
    assert any(name.startswith("encoder") for name in found)
    assert all(not value.any() for value in found.values())


def test_a_training_step_moves_encoder_and_network(kind, corpus):
    _, task = corpus
    model = make_model(kind)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    bank = random_bank(task, model)
    losses = [training_step(model, task, np.arange(20), bank, optimizer) for _ in range(15)]
    assert losses[-1] < losses[0] - 0.05


def test_dropout_of_the_network_acts_in_training_alone(kind, corpus):
    _, task = corpus
    model = make_model(kind, dropout=0.5)
    bank = random_bank(task, model)
    model.eval()
    projected = model.network.project(bank)
    still = [model.network.pass_on(projected, task.graph) for _ in range(2)]
    assert torch.equal(*still)
    model.train()
    noisy = torch.stack([model.network.pass_on(model.network.project(bank), task.graph) for _ in range(2)])
    assert not torch.allclose(noisy[0], noisy[1])


def test_attention_that_is_dropped_keeps_its_mean(corpus):
    """The thinned product differs at each draw, and its mean is the whole one; so it is backward."""
    _, task = corpus
    pattern = task.graph.pattern
    x = torch.rand(len(task.documents), 3, requires_grad=True)
    torch.manual_seed(0)
    draws = torch.stack([pattern.thinned(x, 0.5) for _ in range(3000)])
    whole = pattern(x)
    dense = torch.from_numpy((task.graph.block.toarray() > 0).astype(np.float32)).T @ x
    torch.testing.assert_close(whole, dense)
    spread = draws.std(dim=0) / 3000**0.5
    assert ((draws.mean(dim=0) - whole).abs() < 5 * spread + 1e-6).all()
    weight, direction = torch.rand_like(whole), torch.rand_like(x)
    torch.manual_seed(1)
    (gradient,) = torch.autograd.grad((pattern.thinned(x, 0.5) * weight).sum(), x)
    torch.manual_seed(1)
    moved = (pattern.thinned(direction, 0.5) * weight).sum()  # the product is linear
    torch.testing.assert_close((gradient * direction).sum(), moved, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", [BertGCN, BertGAT])
def test_an_attached_text_hears_of_its_words_as_a_node_would(method, tiny_bert, tiny_texts):
    """Degrees and states of the words hold a document of the graph already, so attaching it again gives the same."""
    arguments = {"hidden": 8, "max_epochs": 1, "graph_learning_rate": 0.01}
    fitted = method(fine_tuning=start(tiny_bert), **arguments)
    fit(fitted, tiny_texts)
    text = tiny_texts["test"]["text"][3]
    as_node = fitted.predict_proba([text])
    attached = fitted._parts().predict([text], 32)
    np.testing.assert_allclose(attached, as_node, atol=2e-4)
    assert np.isfinite(fitted.predict_proba(["zzz", ""])).all()
