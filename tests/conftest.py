"""Set-up of every test: no network, shapes checked at run time, and a tiny encoder made on the fly."""

import gc
import os

# Read by the Hugging Face libraries as they are imported, so they stand before every import.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
if "PYTEST_XDIST_WORKER" in os.environ:  # a worker for each core: more threads would only wait for each other
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch

# Before the packages are imported: users pay nothing for the shapes in the signatures, the tests check them.
jaxtyping.install_import_hook(["gloss_pyg", "baselines"], "beartype.beartype")

torch.set_num_threads(min(2, int(os.environ.get("OMP_NUM_THREADS", "2"))))

LOOPBACK = {"localhost", "127.0.0.1", "::1", "", "0.0.0.0", socket.gethostname()}
_calls_outside: list[str] = []


def _refuse_outside(host: object) -> None:
    """Note a call to another machine, for the test to fail at its end even where a library swallows the error."""
    if host is None or host in LOOPBACK or (isinstance(host, str) and host.startswith("127.")):
        return
    _calls_outside.append(str(host))
    raise OSError(f"the tests make no network calls, and this one asked for {host!r}")


def _guarded(method: str) -> Any:
    original = getattr(socket.socket, method)

    def call(self: socket.socket, *args: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            address = args[-1]
            _refuse_outside(address[0])
        return original(self, *args)

    return call


def _guard_sockets() -> None:
    for method in ("connect", "connect_ex", "sendto"):
        setattr(socket.socket, method, _guarded(method))
    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_outside(host.decode() if isinstance(host, bytes) else host)
        return look_up(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


_guard_sockets()


def pytest_collection_finish() -> None:
    """Each cell collects garbage before it begins: what was imported stays, and need not be looked through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def network_is_off() -> Iterator[list[str]]:
    """Fail a test that called another machine; the test may clear the list where the call is what it is about."""
    _calls_outside.clear()
    yield _calls_outside
    assert not _calls_outside, f"calls outside the loopback interface: {_calls_outside}"


WORDS = {
    "sport": ["match", "team", "goal", "player", "coach", "league", "season", "win", "striker", "stadium"],
    "trade": ["market", "shares", "profit", "bank", "price", "growth", "rates", "oil", "firm", "investor"],
    "music": ["album", "band", "song", "singer", "guitar", "chart", "concert", "tour", "record", "label"],
}
FILLERS = [
    "the",
    "a",
    "of",
    "in",
    "on",
    "and",
    "to",
    "was",
    "said",
    "by",
    "with",
    "new",
    "after",
    "over",
    "two",
    "more",
]


def _make_rows(per_class: int, seed: int, longest: int = 14) -> dict[str, list[Any]]:
    generator = torch.Generator().manual_seed(seed)

    def pick(words: list[str]) -> str:
        return words[int(torch.randint(len(words), (), generator=generator))]

    texts: list[str] = []
    labels: list[int] = []
    for _ in range(per_class):
        for label, words in enumerate(WORDS.values()):
            length = int(torch.randint(2, longest + 1, (), generator=generator))
            chosen = [pick(words if torch.rand((), generator=generator) < 0.6 else FILLERS) for _ in range(length)]
            texts.append(" ".join([pick(words), *chosen]))
            labels.append(label)
    return {"text": texts, "label": labels}


@pytest.fixture(scope="session")
def tiny_texts() -> Any:
    """A `DatasetDict` of made-up texts of three classes, told apart by their words: 60, 30 and 30 documents."""
    import datasets

    features = datasets.Features({"text": datasets.Value("string"), "label": datasets.ClassLabel(names=list(WORDS))})
    sizes = {"train": 20, "validation": 10, "test": 10}
    return datasets.DatasetDict(
        {
            split: datasets.Dataset.from_dict(_make_rows(per_class, seed), features=features)
            for seed, (split, per_class) in enumerate(sizes.items())
        }
    )


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random BERT (2 layers, hidden 32, 2 heads, 64 positions) and a tokenizer of the words above."""
    from transformers import BertConfig, BertModel, BertTokenizer

    folder = tmp_path_factory.mktemp("tiny-bert")
    words = [word for group in WORDS.values() for word in group] + FILLERS
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)]
    entries = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *dict.fromkeys(words + letters),
        *("##" + x for x in letters),
    ]
    tokenizer = BertTokenizer(vocab={entry: index for index, entry in enumerate(entries)}, model_max_length=64)
    tokenizer.save_pretrained(folder)
    config = BertConfig(
        vocab_size=len(entries),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = BertModel(config)
    model.save_pretrained(folder)
    return folder
