"""The paper's data sets: from a folder, and downloaded from a server on the loopback interface."""

import csv
import io
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import datasets
import pytest

from gloss_pyg.data import describe, load_text_dataset, named
from gloss_pyg.data.checks import Table
from gloss_pyg.data.named import content_digest, read_named
from gloss_pyg.data.named_contents import NAMED_SETS, NamedSet
from gloss_pyg.errors import DataError

CLASSES = ("C01", "C02")
ROWS = {
    "train": [("plain", 0), ('quoted "a", b\r\nnext', 1), ("  blanks   within", 0), ("x" * 200_000, 1)],
    "val": [("held out", 1), ("é 中", 0)],
    "test": [("null", 0), ("last", 1)],
}
SPLITS = {"train": "train", "validation": "val", "test": "test"}


def as_csv(rows: list[tuple[str, object]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["Unnamed: 0", "text", "label"])  # as the paper's repository has it
    writer.writerows([(index, text, label) for index, (text, label) in enumerate(rows)])
    return stream.getvalue().encode()


@pytest.fixture(autouse=True)
def small_set(monkeypatch: pytest.MonkeyPatch) -> NamedSet:
    """`Ohsumed`, whose folder in the repository is `ohsumed`, with eight documents."""
    small = NamedSet(
        folder="ohsumed",
        class_names=" ".join(CLASSES),
        documents={split: len(ROWS[file]) for split, file in SPLITS.items()},
        digests={
            split: content_digest(Table("", [text for text, _ in ROWS[file]], [y for _, y in ROWS[file]]), CLASSES)
            for split, file in SPLITS.items()
        },
    )
    monkeypatch.setitem(NAMED_SETS, "Ohsumed", small)
    monkeypatch.delenv("GLOSS_PYG_DATA", raising=False)
    return small


class Handler(BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    cut: ClassVar[int | None] = None
    declare_length: ClassVar[bool] = True
    status: ClassVar[int] = 200
    requests: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.requests.append(f"{self.command} {self.path}")
        content = self.files.get(self.path)
        if content is None or self.status != 200:
            self.send_error(404 if content is None else self.status)
            return
        self.send_response(200)
        if self.declare_length:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(content[: self.cut])

    do_HEAD = do_GET

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[type[Handler]]:
    Handler.files = {f"/data/ohsumed/{file}.csv": as_csv(rows) for file, rows in ROWS.items()}
    Handler.cut, Handler.declare_length, Handler.status = None, True, 200
    Handler.requests = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    monkeypatch.setattr(named, "BASE_URL", f"http://127.0.0.1:{running.server_port}/data")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(datasets.config, "DOWNLOADED_DATASETS_PATH", tmp_path / "cache")
    yield Handler
    running.shutdown()
    running.server_close()


def read(**options: Any) -> Any:
    return read_named("Ohsumed", options.pop("data_dir", None), "text", "label")


def test_the_right_files_are_downloaded_once(server: type[Handler]) -> None:
    tables, notes = read()
    assert notes == []
    assert list(tables["train"].texts) == [text for text, _ in ROWS["train"]]
    assert list(tables["train"].labels) == ["C01", "C02", "C01", "C02"]
    asked = len(server.requests)
    assert asked >= 3
    again, _ = read()
    assert again == tables
    assert len(server.requests) == asked  # the cached files need no network


def test_the_whole_way_through_load(server: type[Handler]) -> None:
    splits = load_text_dataset("Ohsumed")
    assert {name: len(split) for name, split in splits.items()} == {"train": 4, "validation": 2, "test": 2}
    assert splits["test"].features["label"].names == list(CLASSES)
    assert splits["test"]["text"][0] == "null"


def test_the_other_spelling_of_the_folder_is_tried(server: type[Handler]) -> None:
    server.files = {path.replace("ohsumed", "Ohsumed"): content for path, content in server.files.items()}
    tables, _ = read()
    assert len(tables["test"].texts) == 2


def test_a_wrong_checksum_is_refused_and_not_kept(server: type[Handler], tmp_path: Path) -> None:
    right = server.files["/data/ohsumed/val.csv"]
    server.files["/data/ohsumed/val.csv"] = right.replace(b"held out", b"held  in")
    with pytest.raises(DataError, match=r"'Ohsumed', split 'validation'.*wrong checksum, 2 documents.*data_dir"):
        read()
    server.files["/data/ohsumed/val.csv"] = right
    assert len(read()[0]["validation"].texts) == 2


def test_a_transfer_that_is_cut_off_is_refused_and_not_kept(server: type[Handler]) -> None:
    server.cut = 100_000
    with pytest.raises(DataError, match=r"'Ohsumed' cannot be downloaded .*train.csv.*Try again.*data_dir"):
        read()
    server.cut = None
    assert len(read()[0]["train"].texts) == 4


@pytest.mark.parametrize("cut", [100_000, 60])
def test_a_transfer_that_is_cut_off_unnoticed_is_refused_and_not_kept(server: type[Handler], cut: int) -> None:
    # Without a length the client cannot tell; 100000 bytes end within quotes, 60 after a whole row.
    server.declare_length, server.cut = False, cut
    with pytest.raises(DataError, match="'Ohsumed'"):
        read()
    server.cut = None
    assert len(read()[0]["train"].texts) == 4


def test_a_missing_file(server: type[Handler]) -> None:
    server.files = {}
    with pytest.raises(DataError, match=r"cannot be downloaded .*404.*put them into a folder as Ohsumed/train.csv"):
        read()


def test_a_server_in_trouble(server: type[Handler]) -> None:
    server.status = 503
    with pytest.raises(DataError, match=r"cannot be downloaded .*503"):
        read()


def test_no_network_says_how_to_give_data_dir(server: type[Handler], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "BASE_URL", "http://127.0.0.1:9/data")  # a port where nobody listens
    with pytest.raises(DataError, match=r"cannot be downloaded .*Try again, or .*as data_dir or .*GLOSS_PYG_DATA"):
        read()


def test_offline_mode_says_so(server: type[Handler], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    with pytest.raises(DataError, match=r"Unset HF_HUB_OFFLINE, or .*data_dir"):
        read()


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_folder_of_ones_own(by_variable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Ohsumed").mkdir()
    for file, rows in ROWS.items():
        (tmp_path / "Ohsumed" / f"{file}.csv").write_bytes(as_csv(rows))
    if by_variable:
        monkeypatch.setenv("GLOSS_PYG_DATA", str(tmp_path))
    tables, notes = read(data_dir=None if by_variable else tmp_path)
    assert list(tables["validation"].labels) == ["C02", "C01"]
    assert notes == []


def test_a_folder_with_other_documents_is_used_and_told(tmp_path: Path) -> None:
    (tmp_path / "ohsumed").mkdir()  # as a clone of the paper's repository has it
    for file, rows in ROWS.items():
        (tmp_path / "ohsumed" / f"{file}.csv").write_bytes(as_csv(rows + [("one more", 1)] * (file == "test")))
    splits = load_text_dataset("Ohsumed", data_dir=tmp_path)
    assert len(splits["test"]) == 3
    assert "documents of test in" in describe(splits).notes[0]


def test_the_digest_sees_words_and_classes_only() -> None:
    table = Table("", ["a b", "c"], ["C01", "C02"])
    digest = content_digest(table, CLASSES)
    assert content_digest(Table("", ["c", "a \n b "], [1, 0]), CLASSES) == digest
    for other in (
        Table("", ["a b", "c"], ["C02", "C01"]),
        Table("", ["a  c", "b"], ["C01", "C02"]),
        Table("", ["a b", "c", "c"], ["C01", "C02", "C02"]),
        Table("", ["a b"], ["C01"]),
    ):
        assert content_digest(other, CLASSES) != digest


@pytest.mark.parametrize("name", ["MR", "R8", "R52", "Ohsumed", "20NG"])
def test_the_registry_is_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    known = NAMED_SETS[name]
    assert list(known.classes) == sorted(set(known.classes))
    assert set(known.digests) == set(known.documents) == set(SPLITS)
    assert len(set(known.digests.values())) == 3
    if folder := os.environ.get("GLOSS_PYG_DATA"):  # where the real files are at hand
        splits = load_text_dataset(name, data_dir=folder)
        assert {split: len(part) for split, part in splits.items()} == known.documents
        assert not any("not those of the paper" in note for note in describe(splits).notes)
