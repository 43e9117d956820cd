"""Corpus graphs on disk: `<digest>.safetensors` with the tensors beside `<digest>.json` with everything else.

The digest covers the texts, the settings and the version of this format. Of the two directions of an edge one is kept.
"""

import dataclasses
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes
from torch_geometric.data import Data

from baselines.edges import edges_of, set_edges
from baselines.vocabulary import Selection
from gloss_pyg.errors import ConfigError
from gloss_pyg.files import whole_file

progress = logging.getLogger("gloss_pyg.progress")

# Raised whenever the same texts and settings would give another graph or another file.
FORMAT = 1
_TENSORS = ("node_type", "document_nodes", "idf")


def digest(settings: Mapping[str, Any], texts: Sequence[str], other_texts: Sequence[str] = ()) -> str:
    """sha256 of everything that determines a graph.

    Example:
        >>> digest({"window": 20}, ["a b"]) == digest({"window": 5}, ["a b"])
        False
    """
    whole = hashlib.sha256(json.dumps([FORMAT, settings], sort_keys=True).encode())
    for part in (texts, other_texts):
        whole.update(len(part).to_bytes(8, "little"))
        for text in part:
            encoded = str(text).encode("utf-8", "surrogatepass")
            whole.update(len(encoded).to_bytes(8, "little"))
            whole.update(encoded)
    return whole.hexdigest()


def save(data: Data, settings: Mapping[str, Any], folder: Path, name: str) -> None:
    """Write a graph; each file is there whole or not at all, the header last.

    Raises:
        ConfigError: if the folder cannot be made or written to.
    """
    edge_index, edge_weight = edges_of(data)
    forward = edge_index[0] < edge_index[1]
    tensors = {key: data[key].numpy() for key in _TENSORS}
    tensors["edge_index"] = edge_index[:, forward].numpy().astype(np.int32)
    tensors["edge_weight"] = edge_weight[forward].numpy()
    header = {
        "format": FORMAT,
        "digest": name,
        "settings": settings,
        "num_documents": data.num_documents,
        "num_nodes": data.num_nodes,
        "windows": data.windows,
        "selection": dataclasses.asdict(data.selection),
        "build_seconds": data.build_seconds,
        "words": data.words,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / f"{name}.safetensors") as stream:
            stream.write(to_bytes(tensors))
        with whole_file(folder / f"{name}.json", text=True) as stream:
            json.dump(header, stream)
    except OSError as error:
        raise ConfigError(f"cache={folder}: the corpus graph cannot be written there ({error}).") from error


def load(folder: Path, name: str) -> Data | None:
    """The graph of that digest, or `None` where there is none, or none that can be read."""
    path = folder / f"{name}.json"
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        tensors = load_file(path.with_suffix(".safetensors"))
        size = int(header["num_nodes"])
        upper = sp.coo_array((tensors["edge_weight"], tuple(tensors["edge_index"])), shape=(size, size)).tocsr()
        data = Data(
            **{key: torch.from_numpy(tensors[key]) for key in _TENSORS},
            num_documents=header["num_documents"],
            num_nodes=size,
            words=header["words"],
            windows=header["windows"],
            selection=_selection(header["selection"]),
            build_seconds=header["build_seconds"],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, SafetensorError) as error:  # cut short, or from elsewhere: made again
        progress.info("corpus graph: %s cannot be read (%s) and is made again", path, error)
        return None
    progress.info("corpus graph: read from %s", path)
    matrix = sp.csr_array(upper + upper.T.tocsr())
    matrix.sort_indices()
    return set_edges(data, matrix)


def _selection(plain: dict[str, Any]) -> Selection:
    stop_words = plain["stop_words"]
    return Selection(plain["min_count"], stop_words if isinstance(stop_words, str) else tuple(stop_words))  # type: ignore[arg-type]
