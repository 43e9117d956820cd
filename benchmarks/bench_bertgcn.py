"""A step of BertGCN against its parts: `python benchmarks/bench_bertgcn.py` (MiniLM, MR and R8; GLOSS_PYG_DATA).

The parts are a step of the encoder alone (forward, cross-entropy, backward, Adam) on the same 64 documents, and one
pass of the graph network over the whole graph, forward and backward: as ours computes it, from the block between
documents and words, and with the whole normalised adjacency, words' own edges included. All in alternation on the
same batches; a row shows medians, and the median of the ratios. The first batch is left out.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from bars import Bars
from torch import Tensor
from torch.nn import functional

from baselines.attachment import word_nodes
from baselines.corpus_graph import CorpusGraph
from baselines.document_graph import DocumentGraph
from baselines.graph_attention import GAT
from baselines.graph_network import GCN, GraphNetwork
from baselines.joint_model import JointModel
from baselines.joint_training import JointTask, training_step
from baselines.propagation_matrix import SymmetricProduct, normalise
from gloss_pyg.data import DataCollator, load_text_dataset, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer

BAR = 1.3


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class WholeGraph:
    """Two graph convolutions with the whole adjacency, nodes sorted by degree, as `SymmetricProduct` likes them."""

    def __init__(self, data) -> None:
        matrix, _ = normalise(data)
        order = np.argsort(-np.diff(matrix.indptr), kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        self.documents = torch.from_numpy(rank[data.document_nodes.numpy()])
        self.nodes = len(order)
        sorted_matrix = matrix[order][:, order]
        sorted_matrix.sort_indices()
        self.product = SymmetricProduct(sorted_matrix)

    def scores(self, network: GCN, features: Tensor) -> Tensor:
        """Scores of all documents."""
        projected = features.new_zeros(self.nodes, network.first.size(1))
        projected = projected.index_copy(0, self.documents, network.project(features))
        hidden = functional.elu(self.product(projected) + network.first_bias)
        return (self.product(network.dropout(hidden) @ network.second) + network.second_bias)[self.documents]


def graph_pass(network: GraphNetwork, graph: DocumentGraph, bank: Tensor) -> None:
    """Scores of all documents, forward and backward."""
    network.train()
    projected = network.project(bank)
    every = graph.neighbours(np.arange(len(bank)))
    network.score(projected, every, network.pass_on(projected, graph)).square().mean().backward()
    network.zero_grad()


def measure(name: str, kind: str, rounds: int, max_length: int, batch_size: int) -> float:
    """Print a row; gives the ratio of a step to its parts."""
    torch.manual_seed(0)
    splits = load_text_dataset(name)
    texts = [text for split in splits.values() for text in split["text"]]
    labels = np.array([*splits["train"]["label"], *[-1] * (len(texts) - len(splits["train"]))])
    names = splits["train"].features["label"].names
    data = CorpusGraph().build(texts)
    graph, whole = DocumentGraph(data), WholeGraph(data)
    words = len(word_nodes(data))
    tokenizer = load_tokenizer("offline")
    order = np.random.default_rng(0).permutation(len(texts))
    batches = [order[start : start + batch_size] for start in range(0, (rounds + 1) * batch_size, batch_size)]
    tokens: list = [None] * len(texts)
    drawn = np.concatenate(batches)
    for row, document in zip(drawn, tokenize([texts[row] for row in drawn], tokenizer, max_length), strict=True):
        tokens[row] = document
    task = JointTask(graph, tokens, labels, np.zeros(1, dtype=np.int64), np.zeros(1), DataCollator(tokenizer))
    encoder = TextEncoder.from_encoder("offline", names)
    width = encoder.classifier.in_features
    network: GraphNetwork = (
        GCN(width, 200, len(names), 0.5) if kind == "BertGCN" else GAT(width, 200, len(names), 0.5, heads=8)
    )
    model = JointModel(encoder, network, 0.7)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-5)
    alone = torch.optim.Adam([p for p in encoder.parameters() if p.requires_grad], lr=1e-5)
    bank = torch.randn(len(texts), width)

    def encoder_step(batch: np.ndarray) -> None:
        encoder.train()
        inputs = task.collate([tokens[row] for row in batch])
        logits = encoder(**{key: value for key, value in inputs.items() if key != "labels"}).logits
        functional.cross_entropy(logits, torch.from_numpy(labels[batch]).clamp(min=0)).backward()
        alone.step()
        alone.zero_grad()

    def whole_pass() -> None:
        if isinstance(network, GCN):
            whole.scores(network, bank).square().mean().backward()
            network.zero_grad()

    taken: dict[str, list[float]] = {"step": [], "encoder": [], "graph": [], "whole": []}
    for batch in batches:
        taken["step"].append(seconds(lambda batch=batch: training_step(model, task, batch, bank, optimizer)))
        taken["encoder"].append(seconds(lambda batch=batch: encoder_step(batch)))
        taken["graph"].append(seconds(lambda: graph_pass(network, graph, bank)))
        taken["whole"].append(seconds(whole_pass))
    rows = {key: np.array(values[1:]) for key, values in taken.items()}
    median = {key: statistics.median(values) for key, values in rows.items()}
    strict = statistics.median(rows["step"] / (rows["encoder"] + rows["graph"]))
    loose = statistics.median(rows["step"] / (rows["encoder"] + rows["whole"]))
    against_whole = f"{median['whole']:>7.3f}s {loose:>6.2f}" if kind == "BertGCN" else f"{'':>8} {'':>6}"
    print(
        f"{name:>8} {kind:>8} {len(texts):>6} {words:>6} {graph.block.nnz:>8} {median['step']:>6.3f}s "
        f"{median['encoder']:>6.3f}s {median['graph']:>6.3f}s {strict:>6.2f} {against_whole} {BAR:>5}",
        flush=True,
    )
    return strict


def main() -> int:
    """Print a row for each data set and method."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["MR", "R8"])
    parser.add_argument("--methods", nargs="+", default=["BertGCN", "BertGAT"])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--max-length", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=64)
    args = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, at most {args.max_length} tokens")
    print(
        f"{'data':>8} {'method':>8} {'docs':>6} {'words':>6} {'entries':>8} {'step':>7} {'encoder':>7} {'graph':>7} "
        f"{'ratio':>6} {'whole':>8} {'ratio':>6} {'bar':>5}"
    )
    bars, ratios = Bars(), {}
    for name in args.data:
        for kind in args.methods:
            ratios[f"{kind}, {name}"] = measure(name, kind, args.rounds, args.max_length, args.batch_size)
    for what, ratio in ratios.items():
        bars.at_most(f"a step against encoder step + graph, {what}", ratio, BAR)
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
