import csv
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from transformers import AutoTokenizer

from gloss_pyg import predict
from gloss_pyg.encoder import TextEncoder
from gloss_pyg.errors import ConfigError
from gloss_pyg.predict import Predictor, main

TEXTS = ["the team win", 'a "market", said\nthe bank', "", "song " * 80, "goal", "é 中 the album"]
NAMES = ["trade", "sport, games", "music"]


@pytest.fixture(scope="session")
def saved(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "model"
    torch.manual_seed(1)
    encoder = TextEncoder.from_encoder(tiny_bert, NAMES).eval()
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    with torch.no_grad():  # a random encoder tells texts apart by a hair only: magnify what differs
        embeddings = encoder(**tokenizer(TEXTS, truncation=True, padding=True, return_tensors="pt")).embeddings
        encoder.classifier.weight *= 500
        encoder.classifier.bias.copy_(-(embeddings @ encoder.classifier.weight.T).mean(dim=0))
    encoder.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "method.json").write_text('{"max_length": 16}')
    return folder


@pytest.fixture(scope="session")
def expected(saved: Path) -> np.ndarray:
    """The probabilities, one document at a time, without padding."""
    encoder = TextEncoder.from_pretrained(saved).eval()
    tokenizer = AutoTokenizer.from_pretrained(saved)
    rows = []
    with torch.no_grad():
        for text in TEXTS:
            tokens = tokenizer(text, truncation=True, max_length=16, return_tensors="pt")
            rows.append(encoder(**tokens).logits.softmax(dim=1)[0].numpy())
    return np.stack(rows)


def write(path: Path, texts: list[str]) -> Path:
    frame = pd.DataFrame({"id": range(len(texts)), "text": texts})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return path


def from_csv(text: str) -> tuple[list[str], np.ndarray]:
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == ["label", *(f"probability_{name}" for name in NAMES)]
    return [row["label"] for row in rows], np.array([[float(row[f"probability_{n}"]) for n in NAMES] for row in rows])


def feed(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


@pytest.mark.parametrize("batch_size", [1, 4, 64])
def test_probabilities_are_those_of_single_documents(saved: Path, expected: np.ndarray, batch_size: int) -> None:
    predictor = Predictor(saved, batch_size=batch_size, device="cpu")
    assert predictor.class_names == NAMES
    np.testing.assert_allclose(predictor(TEXTS), expected, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 0.2  # else any order would do


def test_texts_are_cut_as_in_training_unless_said_otherwise(saved: Path) -> None:
    text = "team " * 20 + "album " * 20
    cut = Predictor(saved)([text])
    np.testing.assert_allclose(cut, Predictor(saved, max_length=16)([text]))
    assert np.abs(cut - Predictor(saved, max_length=64)([text])).max() > 1e-6


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_files_to_standard_output_as_csv(
    suffix: str, saved: Path, expected: np.ndarray, tmp_path: Path, capsys: Any
) -> None:
    path = write(tmp_path / f"texts{suffix}", TEXTS)
    assert main([str(saved), str(path), "--batch-size", "1"]) == 0
    labels, probabilities = from_csv(capsys.readouterr().out)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert labels == [NAMES[index] for index in expected.argmax(axis=1)]


def test_lines_to_a_jsonl_file(saved: Path, expected: np.ndarray, tmp_path: Path, capsys: Any) -> None:
    lines = [text.replace("\n", " ") for text in TEXTS]
    output = tmp_path / "predictions.jsonl"
    output.write_text("an older one")
    assert main([str(saved), str(write(tmp_path / "texts.txt", lines)), "--output", str(output)]) == 0
    rows = [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == len(TEXTS)  # an empty line is a document too
    for row, values in zip(rows, expected, strict=True):
        assert list(row["probabilities"]) == NAMES
        np.testing.assert_allclose(list(row["probabilities"].values()), values, atol=1e-5)
        assert row["label"] == NAMES[int(values.argmax())]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "wrote 6 predictions" in captured.err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_standard_input(saved: Path, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    feed(monkeypatch, b"\xef\xbb\xbfthe team win\r\n\r\ngoal")
    assert main([str(saved), "-"]) == 0
    _, probabilities = from_csv(capsys.readouterr().out)
    np.testing.assert_allclose(probabilities, expected[[0, 2, 4]], atol=1e-5)


def test_standard_input_as_csv(saved: Path, expected: np.ndarray, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    feed(monkeypatch, b"body,id\nthe team win,1\n")
    assert main([str(saved), "-", "--input-format", "csv", "--text-column", "body"]) == 0
    np.testing.assert_allclose(from_csv(capsys.readouterr().out)[1], expected[:1], atol=1e-5)


def test_documents_are_written_as_they_come(saved: Path) -> None:
    """Nothing is read beyond the chunk that is being classified."""
    read: list[int] = []

    def endless() -> Any:
        for number in range(10**9):
            read.append(number)
            yield "the team win"

    class Full(io.StringIO):
        def write(self, text: str) -> int:
            if self.tell() > 2000:
                raise BrokenPipeError
            return super().write(text)

    with pytest.raises(BrokenPipeError):
        predict.write_predictions(endless(), Predictor(saved), Full(), "csv", chunk=10)
    assert len(read) < 200


def test_a_failure_in_between_leaves_the_old_file(saved: Path, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "goal"}\n' * 20 + '{"text": 5}\n')
    output = tmp_path / "old.csv"
    output.write_text("old")
    assert main([str(saved), str(path), "--output", str(output), "--batch-size", "1"]) == 2
    assert "the text of row 21 is a int (5)" in capsys.readouterr().err
    assert output.read_text() == "old"
    assert sorted(item.name for item in tmp_path.iterdir()) == ["old.csv", "texts.jsonl"]


def test_progress_goes_to_standard_error(saved: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(predict, "_SILENT_SECONDS", 0.0)
    predict.write_predictions(TEXTS, Predictor(saved), io.StringIO(), "csv", chunk=3)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines[:2]] == ["predict: 3 documents", "predict: 6 documents"]


def test_empty_documents_are_counted_at_the_end(saved: Path, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "texts.jsonl"
    path.write_text('{"text": "goal"}\n{"text": null}\n{"text": " "}\n{"text": ""}\n{"text": "team"}\n')
    assert main([str(saved), str(path), "--batch-size", "1"]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("\n") == 6
    assert captured.err.splitlines()[-1].startswith("predict: 3 of 5 documents were empty")
    path.write_text('{"text": "goal"}\n')
    assert main([str(saved), str(path)]) == 0
    assert "empty" not in capsys.readouterr().err


BAD = {
    "no folder": (["{tmp}/nothing", "{texts}"], "There is no folder .*nothing; expected one that"),
    "no model": (["{tmp}", "{texts}"], "holds no saved model .no config.json."),
    "another model": (["{bert}", "{texts}"], "holds a 'bert' model, no TextEncoder"),
    "no tokenizer": (["{bare}", "{texts}"], "tokenizer .*[Ss]ave it beside the model"),
    "no file": (["{model}", "{tmp}/text.csv"], "There is no file or folder .*text.csv. Did you mean 'texts.csv'"),
    "a folder": (["{model}", "{tmp}"], "is a folder; expected a file"),
    "no column": (
        ["{model}", "{texts}", "--text-column", "body"],
        "no column 'body'; its columns are 'id', 'text'. Say which one has the texts .*--text-column.\\.$",
    ),
    "no key": (["{model}", "{records}"], "line 1 has none of the keys text; it has txt. Did you mean 'txt'"),
    "semicolons": (["{model}", "{semicolons}"], "its columns are 'text;label'. Is it separated by semicolons"),
    "unknown suffix": (["{model}", "{tmp}/x.docx"], "suffix '.docx'; expected one of"),
    "no documents": (["{model}", "{empty}"], "empty.txt holds no documents"),
    "header only": (["{model}", "{header}"], "header.csv holds no documents"),
    "output folder": (["{model}", "{texts}", "--output", "{tmp}/no/x"], "there is no folder .*/no"),
    "output is a folder": (["{model}", "{texts}", "--output", "{tmp}"], "is a folder; give the name of a file"),
    "output is the input": (["{model}", "{texts}", "--output", "{texts}"], "is the input; give another name"),
    "batch size": (["{model}", "{texts}", "--batch-size", "0"], "batch_size=0; expected"),
    "length": (["{model}", "{texts}", "--max-length", "65"], "max_length=65, but the model reads at most 64"),
    "device": (["{model}", "{texts}", "--device", "abacus"], "device 'abacus' cannot be used"),
    "format": (["{model}", "{texts}", "--format", "xml"], "invalid choice: 'xml'.*See --help"),
    "option": (["{model}", "{texts}", "--fast"], "[Uu]nrecognized arguments: --fast"),
    "Parquet as a stream": (["{model}", "-", "--input-format", "parquet"], "Parquet cannot be read from standard"),
}


@pytest.mark.parametrize("name", BAD)
def test_wrong_input_is_one_sentence_and_status_2(
    name: str, saved: Path, tiny_bert: Path, tmp_path: Path, capsys: Any
) -> None:
    arguments, expected_message = BAD[name]
    (tmp_path / "empty.txt").touch()
    (tmp_path / "header.csv").write_text("text\n")
    (tmp_path / "semicolons.csv").write_text("text;label\nx;a\n")
    (tmp_path / "records.jsonl").write_text('{"txt": "goal"}\n')
    bare = tmp_path / "bare"
    if name == "no tokenizer":
        TextEncoder.from_pretrained(saved).save_pretrained(bare)
        capsys.readouterr()
    places = {
        "tmp": tmp_path,
        "texts": write(tmp_path / "texts.csv", TEXTS),
        "model": saved,
        "bert": tiny_bert,
        "bare": bare,
        "empty": tmp_path / "empty.txt",
        "header": tmp_path / "header.csv",
        "semicolons": tmp_path / "semicolons.csv",
        "records": tmp_path / "records.jsonl",
    }
    assert main([argument.format(**places) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("predict: ")
    assert captured.err.count("\n") == 1
    with pytest.raises(ConfigError, match=f"(?s){expected_message}"):
        raise ConfigError(captured.err)


def test_a_suffix_that_is_no_format_is_refused(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert predict.main([str(tmp_path / "model"), "-", f"--output={tmp_path / 'out.parquet'}"]) == 2
    assert "'.parquet' is no format of predictions" in capsys.readouterr().err


def test_a_method_without_an_encoder_is_told_how_to_be_used(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "training.json").write_text("{}")
    assert predict.main([str(tmp_path), "-"]) == 2
    assert "holds a method without an encoder of its own" in capsys.readouterr().err
