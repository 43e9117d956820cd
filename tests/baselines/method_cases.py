"""Small data sets and the methods that are tried on them."""

import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from baselines.bertgcn import BertGAT, BertGCN
from baselines.corpus_graph import CorpusGraph
from baselines.edges import edge_matrix
from baselines.frozen_propagation import FrozenPropagation
from baselines.probe import LinearProbe, NearestNeighbours
from baselines.sgc import SGC
from baselines.textgcn import TextGCN
from baselines.tfidf import TfidfLinear
from gloss_pyg.methods import FineTuning

INDUCTIVE = CorpusGraph(transductive=False)


def start(folder):
    """The fine-tuning that a joint method begins with."""
    return FineTuning(model=str(folder), max_length=16, learning_rate=3e-3, max_epochs=4, batch_size=16, patience=9)


# Of the methods that train encoder and graph network together.
JOINT = {"hidden": 8, "max_epochs": 2, "batch_size": 32, "graph_learning_rate": 0.01}

# Each takes the folder of a tiny encoder.
METHODS = {
    "TextGCN": lambda _: TextGCN(hidden=8, max_epochs=12, learning_rate=0.1),
    "TextGCN inductive": lambda _: TextGCN(graph=INDUCTIVE, hidden=8, max_epochs=12, learning_rate=0.1),
    "SGC": lambda _: SGC(),
    "SGC inductive": lambda _: SGC(graph=INDUCTIVE),
    "logistic regression": lambda _: TfidfLinear(),
    "linear SVM": lambda _: TfidfLinear(classifier="linear_svm", max_ngram=2),
    "linear probe": lambda folder: LinearProbe(model=str(folder), max_length=16),
    "nearest neighbours": lambda folder: NearestNeighbours(model=str(folder), max_length=16),
    "label propagation": lambda folder: FrozenPropagation(model=str(folder), max_length=16, neighbours=(3, 10)),
    "BertGCN": lambda folder: BertGCN(fine_tuning=start(folder), **JOINT),
    "BertGCN inductive": lambda folder: BertGCN(
        graph=INDUCTIVE, fine_tuning=start(folder), batches="labelled", **JOINT
    ),
    "BertGAT": lambda folder: BertGAT(fine_tuning=start(folder), heads=2, **JOINT),
}
GRAPH_METHODS = [name for name in METHODS if name.startswith(("TextGCN", "SGC"))]
JOINT_METHODS = [name for name in METHODS if name.startswith("Bert")]
LINEAR_METHODS = [name for name in METHODS if name not in (*GRAPH_METHODS, *JOINT_METHODS)]
ENCODER_METHODS = [*JOINT_METHODS, "linear probe", "nearest neighbours", "label propagation"]


def split(texts, labels, names=("no", "yes", "perhaps")):
    features = Features({"text": Value("string"), "label": ClassLabel(names=list(names))})
    return Dataset.from_dict({"text": list(texts), "label": list(labels)}, features=features)


def splits(train, validation, test, names=("no", "yes", "perhaps")):
    """Splits from pairs of a text and a label."""
    parts = {"train": train, "validation": validation, "test": test}
    return DatasetDict({name: split(*zip(*rows, strict=True), names) for name, rows in parts.items()})


def fit(method, documents, seed=0):
    texts = list(documents["test"]["text"]) if method.transductive else None
    return method.fit(documents["train"], documents["validation"], texts, seed=seed)


def dense_adjacency(data):
    weights = torch.from_numpy(edge_matrix(data).toarray()) + torch.eye(data.num_nodes, dtype=torch.float64)
    scale = weights.sum(dim=1).rsqrt()
    return scale[:, None] * weights * scale


def texts_of(documents):
    return [text for part in documents.values() for text in part["text"]]
