"""Node classification on a corpus graph, made ready for training: matrices, labelled nodes, validation documents."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import functional
from torch_geometric.data import Data

from baselines.attachment import normalised_rows, word_nodes
from baselines.corpus_graph import CorpusGraph, document_weights
from baselines.propagation_matrix import RowProduct, SymmetricProduct, normalise
from gloss_pyg.errors import DataError
from gloss_pyg.metrics import accuracy, macro_f1


@dataclass(frozen=True)
class GraphTask:
    """A graph whose nodes are sorted by falling degree, and what is to be learnt on it.

    Attributes:
        words: Words of the graph.
        idf: Their inverse document frequencies.
        word_degree: Their degrees, self-loops included.
        word_nodes: Their nodes.
        num_nodes: Nodes of the graph.
        num_classes: Classes.
        product: The normalised adjacency.
        training: Its rows of the labelled training documents.
        training_labels: Their labels.
        validation: Rows of the labelled validation documents, over all nodes.
        validation_own: What each weighs itself in `validation` where it is attached; `None` where it is a node.
        validation_labels: Their labels.
        documents: Rows of all documents of the graph, in order; empty where none is to be predicted as a node.
        prior: Share of each class among the labelled training documents.
        graph_seconds: Time that making the graph took, when it was made.
    """

    words: list[str]
    idf: Tensor
    word_degree: Tensor
    word_nodes: Tensor
    num_nodes: int
    num_classes: int
    product: SymmetricProduct
    training: RowProduct
    training_labels: Tensor
    validation: RowProduct
    validation_own: Tensor | None
    validation_labels: Tensor
    documents: sp.csr_array[Any, Any]
    prior: Tensor
    graph_seconds: float

    def validation_scores(self, first: Tensor, second: Tensor, last: Callable[[Tensor], Tensor]) -> Tensor:
        """Scores of the validation documents after two propagations.

        Args:
            first: Inputs of all nodes to the first propagation.
            second: What all nodes pass on in the second.
            last: From a document's state after the first propagation to what it passes on in the second.
        """
        scores = self.validation(second)
        if self.validation_own is not None:
            scores = scores + self.validation_own[:, None] * last(self.validation(first))
        return scores

    def evaluate(self, scores: Tensor) -> tuple[float, dict[str, float]]:
        """Cross-entropy of the validation documents, and macro-F1 and accuracy as `FitReport.history` has them."""
        loss = float(functional.cross_entropy(scores, self.validation_labels))
        labels, predictions = self.validation_labels.cpu().numpy(), scores.argmax(dim=1).cpu().numpy()
        return loss, {"macro_f1": macro_f1(labels, predictions), "accuracy": accuracy(labels, predictions)}


def make_task(
    rule: CorpusGraph,
    train: Dataset,
    validation: Dataset,
    test_texts: Sequence[str] | None,
    device: torch.device,
) -> GraphTask:
    """Build the graph and everything that training on it needs.

    A transductive graph holds the documents of all splits; else it holds the training documents, and the validation
    documents are attached to it.

    Raises:
        DataError: if no document of a split is labelled, or the graph has no words.
    """
    training_labels, validation_labels = labels_of(train, "training"), labels_of(validation, "validation")
    train_texts, validation_texts = train["text"][:], validation["text"][:]
    if rule.transductive:
        data = rule.build([*train_texts, *validation_texts, *(test_texts or ())])
    else:
        data = rule.build(train_texts)
    unsorted, degree = normalise(data)
    data.edge_index = data.edge_weight = None  # half a gigabyte on 20NG
    order = np.argsort(-np.diff(unsorted.indptr), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    matrix = unsorted[order][:, order]
    matrix.sort_indices()
    words, documents = rank[word_nodes(data)], rank[data.document_nodes.numpy()]
    word_degree = degree[word_nodes(data)]
    own: Tensor | None = None
    if rule.transductive:
        rows = matrix[documents[len(train_texts) : len(train_texts) + len(validation_texts)]]
    else:
        rows, weight = _attached(data, validation_texts, word_degree, words, len(order))
        own = torch.from_numpy(weight[validation_labels >= 0]).to(device)
    counts = np.bincount(training_labels[training_labels >= 0], minlength=train.features["label"].num_classes)
    return GraphTask(
        words=data.words,
        idf=data.idf,
        word_degree=torch.from_numpy(word_degree),
        word_nodes=torch.from_numpy(words),
        num_nodes=len(order),
        num_classes=len(counts),
        product=SymmetricProduct(matrix).to(device),
        training=RowProduct(matrix[documents[: len(train_texts)][training_labels >= 0]], device),
        training_labels=torch.from_numpy(training_labels[training_labels >= 0]).to(device),
        validation=RowProduct(rows[validation_labels >= 0], device),
        validation_own=own,
        validation_labels=torch.from_numpy(validation_labels[validation_labels >= 0]).to(device),
        documents=matrix[documents] if rule.transductive else sp.csr_array((0, len(order)), dtype=np.float32),
        prior=torch.from_numpy(counts / counts.sum()).float(),
        graph_seconds=data.build_seconds,
    )


def labels_of(split: Dataset, name: str) -> np.ndarray:
    """Class ids of a split, negative where there is none.

    Raises:
        DataError: if no document is labelled.
    """
    labels = np.asarray(split["label"][:])
    if not (labels >= 0).any():
        raise DataError(f"None of {len(labels)} {name} documents has a label; a graph method needs at least one.")
    return labels


def _attached(
    data: Data, texts: Sequence[str], degree: np.ndarray, words: np.ndarray, num_nodes: int
) -> tuple[sp.csr_array[Any, Any], np.ndarray]:
    """Normalised rows of attached documents over all nodes, and what each weighs itself."""
    rows, own = normalised_rows(document_weights(data, texts), degree)
    spread = sp.csr_array((rows.data, words[rows.indices].astype(np.int32), rows.indptr), shape=(len(own), num_nodes))
    spread.sort_indices()
    return spread, own
