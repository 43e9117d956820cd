"""A trained encoder with its graph network: embeddings, attached texts, files."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from baselines.document_graph import KnownWords
from baselines.graph_network import GraphNetwork
from baselines.joint_model import JointModel
from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.apply import apply_to_documents
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError

_WEIGHTS, _ENCODER, _PREFIX = "joint.safetensors", "encoder", "network."


@final
class Fitted:
    """What predicts: model and tokenizer, the words of the graph, and what they pass on.

    Args:
        model: Encoder, linear classifier and network.
        tokenizer: The encoder's.
        name: What the encoder was fine-tuned from.
        max_length: Tokens after which a text is cut.
        words: Of the graph.

    Attributes:
        passed_on: What the words pass on, `[words, C]`; set once trained.
    """

    def __init__(
        self, model: JointModel, tokenizer: PreTrainedTokenizerBase, name: str, max_length: int, words: KnownWords
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        self.max_length = max_length
        self.words = words
        self.passed_on = torch.zeros(0)

    def tokens(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """Tokenised texts."""
        return list(tokenize(list(texts), self.tokenizer, self.max_length)) if len(texts) else []

    def embed(self, texts: Sequence[str], batch_size: int) -> Tensor:
        """The encoder's embeddings, `[texts, d]`."""
        encoder = self.model.encoder
        if not len(texts):
            return torch.zeros(0, encoder.classifier.in_features, device=encoder.device)
        documents, collate = self.tokens(texts), DataCollator(self.tokenizer)
        rows = apply_to_documents(encoder, documents, collate, lambda outputs: outputs.embeddings, 2 * batch_size)
        return rows.to(encoder.device)

    def predict(self, texts: Sequence[str], batch_size: int) -> np.ndarray:
        """Class probabilities `[texts, C]`, each text attached to the graph for itself."""
        features = self.embed(texts, batch_size)
        neighbours = self.words.attach(texts, features.device)
        return self.model.predict(features, neighbours, self.passed_on).cpu().numpy()

    def save(self, folder: Path) -> None:
        """Write into a folder that is there."""
        self.model.encoder.save_pretrained(folder / _ENCODER)
        self.tokenizer.save_pretrained(folder / _ENCODER)
        settings = {"model": self.name, "max_length": self.max_length}
        (folder / _ENCODER / TEXT_SETTINGS).write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
        tensors = {_PREFIX + name: value for name, value in self.model.network.state_dict().items()}
        tensors |= {"passed_on": self.passed_on, "idf": self.words.idf, "degree": self.words.degree}
        arrays = {name: value.detach().cpu().contiguous().numpy() for name, value in tensors.items()}
        arrays["words"] = np.frombuffer(" ".join(self.words.words).encode("ascii"), dtype=np.uint8)
        save_file(arrays, folder / _WEIGHTS)

    @classmethod
    def load(cls, folder: Path, make_network: Callable[[int, int], GraphNetwork], mix: float) -> "Fitted":
        """Read what `save` wrote.

        Args:
            folder: Where it is.
            make_network: Makes the network from the numbers of features and classes.
            mix: The network's share.

        Raises:
            DataError: if the folder holds no such file.
        """
        if not (folder / _WEIGHTS).is_file():
            raise DataError(f"{folder} is no saved graph method: it has no {_WEIGHTS}.")
        settings = text_settings(folder / _ENCODER)
        with quiet_transformers():
            encoder = TextEncoder.from_pretrained(folder / _ENCODER)
        arrays = load_file(folder / _WEIGHTS)
        words = arrays.pop("words").tobytes().decode("ascii").split(" ")
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        network = make_network(encoder.classifier.in_features, encoder.classifier.out_features)
        of_network = [name for name in tensors if name.startswith(_PREFIX)]
        network.load_state_dict({name.removeprefix(_PREFIX): tensors[name] for name in of_network})
        model = JointModel(encoder, network, mix).eval()
        known = KnownWords(words, tensors["idf"], tensors["degree"])
        fitted = cls(model, load_tokenizer(folder / _ENCODER), settings["model"], settings["max_length"], known)
        fitted.passed_on = tensors["passed_on"]
        return fitted


def text_settings(folder: Path) -> dict[str, Any]:
    """How texts were cut for the encoder in a folder.

    Raises:
        ConfigError: if `FineTuning` did not write it.
    """
    path = folder / TEXT_SETTINGS
    if not path.is_file():
        raise ConfigError(
            f"checkpoint={folder}: there is no {TEXT_SETTINGS}; expected a folder that FineTuning.save or "
            "`python -m gloss_pyg.train` wrote."
        )
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if "max_length" not in settings or "model" not in settings:
        raise ConfigError(f"checkpoint={folder}: {TEXT_SETTINGS} is not that of a fine-tuned encoder.")
    return settings
