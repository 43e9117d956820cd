"""What `python -m gloss_pyg.viz` does once its options are understood: encode some documents, propagate, draw."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.losses import GLoss
from gloss_pyg.losses.gloss import Propagated
from gloss_pyg.propagation import Propagation
from gloss_pyg.training.bandwidth import embed_documents
from gloss_pyg.viz.batch_graph import draw_batch_graph
from gloss_pyg.viz.distance_picture import draw_distances
from gloss_pyg.viz.embedding_picture import draw_embeddings
from gloss_pyg.viz.export import save_graph
from gloss_pyg.viz.flow import label_flow
from gloss_pyg.viz.flow_picture import draw_flow
from gloss_pyg.viz.looks import save_picture
from gloss_pyg.viz.matrix_pictures import draw_spectrum, draw_weights
from gloss_pyg.viz.page import save_page
from gloss_pyg.viz.suspicious import suspicious_labels
from gloss_pyg.viz.suspicious_picture import draw_suspicious
from gloss_pyg.viz.view import GraphView, view


@dataclass(frozen=True)
class Batch:
    """Documents that were encoded and propagated.

    Attributes:
        propagated: As `GLoss.propagate` returns it.
        labels: Their classes, -1 where they have none.
        texts: Their texts.
        class_names: Names of the classes.
        propagation: The layer.
        sigma: The bandwidth of the graph, where it is one number.
    """

    propagated: Propagated
    labels: torch.Tensor
    texts: list[str]
    class_names: list[str]
    propagation: Propagation
    sigma: float | None

    def view(self) -> GraphView:
        """As the pictures take it."""
        return view(self.propagated, labels=self.labels, class_names=self.class_names)


def make_batch(model: str, split: Any, documents: int, loss: GLoss, seed: int) -> Batch:
    """Encode documents of a split, drawn at random, and propagate their labels.

    Args:
        model: Folder of a saved `TextEncoder`, or the name of an encoder (`offline`, a folder, a Hub name).
        split: Documents with `text` and `label`, as `load_text_dataset` gives them.
        documents: How many at most.
        loss: Its graph, layer and share of seen labels are used; a bandwidth not fitted is fitted on the documents.
        seed: Of the draw of documents and of seen labels.

    Raises:
        ConfigError: if the model cannot be loaded.
        DataError: if there are fewer than two documents.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(split), generator=generator)[:documents].sort().values.tolist()
    if len(chosen) < 2:
        raise DataError(f"{len(chosen)} documents make no graph; expected at least 2.")
    rows = split.select(chosen)
    names = list(split.features["label"].names)
    with quiet_transformers():
        tokenizer = load_tokenizer(model)
        encoder = _encoder(model, names)
        tokens = tokenize(rows, tokenizer, _text_length(model, tokenizer))
        embeddings = embed_documents(encoder, tokens, DataCollator(tokenizer))
    if loss.needs_fit:
        loss.fit_sigma(embeddings)
    if not isinstance(loss.propagation, Propagation):
        raise ConfigError("The propagation must be a layer of gloss_pyg.propagation, or one that derives from it.")
    labels = torch.tensor(rows["label"][:])
    with torch.no_grad():
        propagated = loss.eval().propagate(embeddings, labels, generator=generator)
    return Batch(propagated, labels, rows["text"][:], names, loss.propagation, _sigma(loss.graph, embeddings))


def draw(batch: Batch, what: str, output: Path, document: int | None) -> str:
    """Draw or export a batch into a file; gives what is to be said of it.

    Args:
        batch: The documents.
        what: As the command names it.
        output: The file; its suffix says the format.
        document: Of `flow`; by default a hidden one that was inferred wrongly, else any hidden one.
    """
    if output.suffix.lower() in (".graphml", ".gexf", ".json"):
        save_graph(batch.view(), output, texts=batch.texts)
        return f"wrote the graph of {len(batch.texts)} documents to {output}"
    if output.suffix.lower() == ".html":
        save_page(
            batch.propagated, output, labels=batch.labels.numpy(), texts=batch.texts, class_names=batch.class_names
        )
        return f"wrote {output}"
    said = ""
    if what == "flow":
        document = _interesting(batch) if document is None else document
        flow = label_flow(
            batch.propagated, batch.propagation, document, labels=batch.labels, texts=batch.texts,
            class_names=batch.class_names,
        )  # fmt: skip
        ax = draw_flow(flow)
        said = f", document {document}"
    elif what == "suspicious":
        found = suspicious_labels(
            batch.propagated, batch.propagation, labels=batch.labels, texts=batch.texts, class_names=batch.class_names
        )
        ax = draw_suspicious(found)
        said = "".join(f"\n{suspect}" for suspect in found.suspects[:10])
    elif what == "distances":
        ax = draw_distances(batch.view(), sigma=batch.sigma)
    else:
        ax = _SIMPLE[what](batch.view())
    save_picture(ax, output)
    return f"wrote {output}{said}"


_SIMPLE: dict[str, Callable[[GraphView], Axes]] = {
    "graph": draw_batch_graph,
    "weights": draw_weights,
    "spectrum": draw_spectrum,
    "embeddings": draw_embeddings,
    "tsne": lambda graph: draw_embeddings(graph, by="tsne"),
    "umap": lambda graph: draw_embeddings(graph, by="umap"),
}


def _encoder(model: str, names: list[str]) -> TextEncoder:
    if (Path(model) / "head.safetensors").is_file():
        return TextEncoder.from_pretrained(model)
    return TextEncoder.from_encoder(model, names)


def _text_length(model: str, tokenizer: Any) -> int:
    """As in training, where that was saved; else what the tokenizer admits, 512 at most."""
    path = Path(model) / TEXT_SETTINGS
    found = json.loads(path.read_text(encoding="utf-8")).get("max_length") if path.is_file() else None
    return found if isinstance(found, int) else min(tokenizer.model_max_length, 512)


def _sigma(rule: Any, embeddings: torch.Tensor) -> float | None:
    """The bandwidth of a Gaussian rule, where it is one number: its precision is `1 / (sqrt(2) sigma)`."""
    bandwidth = rule.bandwidth if isinstance(rule, DenseGaussian | KNNGaussian) else None
    if bandwidth is None:
        return None
    with torch.no_grad():
        precision = bandwidth(embeddings)
    return 1 / (math.sqrt(2) * float(precision)) if precision.dim() == 0 else None


def _interesting(batch: Batch) -> int:
    graph = batch.view()
    for mask in (graph.wrong, graph.hidden, np.ones(graph.num_nodes, dtype=bool)):
        if mask.any():
            return int(np.flatnonzero(mask)[0])
    raise DataError("There is no document.")
