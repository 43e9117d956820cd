"""`python -m gloss_pyg.predict MODEL INPUT`: classify the documents of a file or of standard input.

Documents are read, classified and written a few hundred at a time, so that a file may be larger than memory. Options,
folder and the first document are checked before the model is loaded.
"""

import argparse
import csv
import io
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Literal, NoReturn, Protocol, runtime_checkable

import numpy as np
import torch

from gloss_pyg.command import run_command
from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.data.rows import SUFFIXES, Row, explained_encoding, read_rows, read_stream
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.encoder.quiet import quiet_transformers
from gloss_pyg.encoder.storage import TEXT_SETTINGS
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.files import whole_file
from gloss_pyg.methods.prediction import PropagationHead, encode, probabilities
from gloss_pyg.model_folder import RECORD_FILE, find_model

Format = Literal["csv", "jsonl"]

_CHUNK = 8  # batches that are read, sorted by length and written together
_SILENT_SECONDS = 10.0  # between lines of progress


@runtime_checkable
class Writable(Protocol):
    """What predictions are written to: any text stream."""

    def write(self, text: str, /) -> object: ...  # noqa: D102
    def flush(self) -> None: ...  # noqa: D102


class Predictor:
    """A saved `TextEncoder` with its tokenizer, as a function from texts to class probabilities.

    Args:
        folder: What `FineTuning.save`, `python -m gloss_pyg.train`, or `TextEncoder.save_pretrained` with the
            tokenizer's `save_pretrained` wrote.
        batch_size: Documents computed at once.
        max_length: Tokens after which a text is cut; by default as in training, where that was saved, else the
            tokenizer's own limit.
        device: Such as "cpu" or "cuda"; by default a GPU where there is one.

    Attributes:
        class_names: Names of the classes, in the order of the probabilities.

    Raises:
        ConfigError: if the folder holds no saved model or no tokenizer, or an argument cannot work.

    Example:
        >>> predictor = Predictor(Path("my-model"))  # doctest: +SKIP
        >>> predictor(["stocks fell", "a fine goal"]).argmax(axis=1)  # doctest: +SKIP
        array([0, 3])
    """

    def __init__(
        self, folder: Path, *, batch_size: int = 64, max_length: int | None = None, device: str | None = None
    ) -> None:
        check_folder(folder)
        if batch_size < 1:
            raise ConfigError(f"batch_size={batch_size}; expected a whole number from 1.")
        place = _device(device)
        self._tokenizer = load_tokenizer(folder)
        with quiet_transformers():
            self._encoder = TextEncoder.from_pretrained(folder).eval().to(place)
        self._collate = DataCollator(self._tokenizer)
        self._head = PropagationHead.load(folder)
        self._batch_size = batch_size
        self._max_length = max_length if max_length is not None else _trained_length(folder)
        tokenize([""], self._tokenizer, self._max_length)  # refuses a length that cannot be
        names = self._encoder.config.id2label or {}
        self.class_names: list[str] = [names[index] for index in sorted(names)]

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Class probabilities, `[len(texts), C]`, float32, by the linear classifier or what was saved beside it."""
        if not texts:
            return np.zeros((0, len(self.class_names)), dtype=np.float32)
        documents = tokenize(texts, self._tokenizer, self._max_length)
        return probabilities(*encode(self._encoder, documents, self._collate, self._batch_size), self._head)


def check_folder(folder: Path) -> None:
    """Refuse what cannot be the folder of a saved model, before anything is loaded."""
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {folder}; expected one that `python -m gloss_pyg.train --output {folder}` wrote."
        )
    if not (folder / "config.json").is_file() and (folder / RECORD_FILE).is_file():
        raise ConfigError(
            f"{folder} holds a method without an encoder of its own; classify with it in Python, by the `load` and "
            f"`predict_proba` of its class, which {RECORD_FILE} names under 'arguments'."
        )
    if not (folder / "config.json").is_file():
        raise ConfigError(
            f"{folder} holds no saved model (no config.json); expected a folder that `python -m gloss_pyg.train` or "
            f"save_pretrained wrote."
        )


def read_texts(source: str, kind: str | None, text_column: str) -> Iterator[str]:
    """Yield the documents of a file, or of standard input where `source` is "-".

    Args:
        source: A path; its suffix says the format, `.txt` and no suffix meaning a document a line.
        kind: The format where the name does not say it; standard input is a document a line by default.
        text_column: Column with the texts; lines have none.
    """
    if source == "-":
        if kind == "parquet":
            raise ConfigError("Parquet cannot be read from standard input; give the file's name.")
        with explained_encoding("standard input"):
            stream = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", newline="")
            try:
                yield from _texts(read_stream(stream, kind or "lines", [text_column], source="standard input"), source)
            finally:
                stream.detach()  # else closing it would close standard input
    else:
        path = Path(source)
        if kind is None and path.suffix.lower() in ("", ".txt"):
            kind = "lines"
        yield from _texts(read_rows(path, [text_column], kind), source)


def write_predictions(
    texts: Iterable[str], predictor: Predictor, stream: Writable, kind: Format, chunk: int = _CHUNK * 64
) -> int:
    """Classify texts and write a row for each, in their order; gives their number, and says how many were empty.

    CSV: `label`, then `probability_<class>` for each class. JSONL: `{"label": ..., "probabilities": {class: ...}}`.

    Args:
        texts: Documents; read as they are needed.
        predictor: A `Predictor`.
        stream: Where the rows go.
        kind: "csv" or "jsonl".
        chunk: Documents that are read, classified and written together.

    Example:
        >>> write_predictions(texts, Predictor(Path("my-model")), sys.stdout, "csv")  # doctest: +SKIP
        label,probability_bad,probability_good
        good,0.02,0.98
    """
    names = predictor.class_names
    writer = csv.writer(stream, lineterminator="\n")
    if kind == "csv":
        writer.writerow(["label", *(f"probability_{name}" for name in names)])
    count, empty, start = 0, 0, time.monotonic()
    said = start
    remaining = iter(texts)
    while batch := list(islice(remaining, chunk)):
        for row in predictor(batch):
            label, values = names[int(row.argmax())], [float(f"{value:.6g}") for value in row]
            if kind == "csv":
                writer.writerow([label, *values])
            else:
                record = {"label": label, "probabilities": dict(zip(names, values, strict=True))}
                stream.write(json.dumps(record, ensure_ascii=False) + "\n")
        stream.flush()
        count += len(batch)
        empty += sum(not text.strip() for text in batch)
        now = time.monotonic()
        if now - said >= _SILENT_SECONDS:
            _say(f"{count} documents, {count / (now - start):.0f} a second")
            said = now
    if empty:
        _say(f"{empty} of {count} documents were empty; their classes say nothing of them")
    return count


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status: 0, 2 for something that cannot work, 130 when stopped by Ctrl-C."""

    def work() -> None:
        try:
            _predict(_parser().parse_args(arguments))
        except BrokenPipeError:  # the reader, `head` for instance, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return run_command("predict", work, stopped="stopped; a file named by --output was left as it was.")


def _predict(options: argparse.Namespace) -> None:
    folder, output = find_model(options.model), None if options.output is None else Path(options.output)
    check_folder(folder)
    if output is not None:
        _check_output(output, options.input, options.format)
    kind: Format = options.format or ("jsonl" if output is not None and output.suffix in (".jsonl", ".json") else "csv")
    texts = read_texts(options.input, options.input_format, options.text_column)
    first = next(texts, None)  # so that wrong input is answered before the model is loaded
    if first is None:
        raise DataError(f"{_called(options.input)} holds no documents.")
    predictor = Predictor(folder, batch_size=options.batch_size, max_length=options.max_length, device=options.device)
    chunk = _CHUNK * options.batch_size
    if output is None:
        write_predictions(chain([first], texts), predictor, sys.stdout, kind, chunk)
        return
    with whole_file(output, text=True) as stream:
        count = write_predictions(chain([first], texts), predictor, stream, kind, chunk)
    _say(f"wrote {count} predictions to {output}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m gloss_pyg.predict",
        description="Classify the documents of a file.",
        epilog="Example: python -m gloss_pyg.predict my-model new.csv --output predictions.csv",
    )
    parser.add_argument(
        "model", metavar="MODEL", help="folder that python -m gloss_pyg.train saved, or its name on the Hub"
    )
    parser.add_argument(
        "input", metavar="INPUT", help=f"{', '.join(SUFFIXES)}, .txt with a document a line, or - for standard input"
    )
    parser.add_argument("--output", metavar="FILE", help="written whole at the end; default: standard output")
    parser.add_argument("--format", choices=("csv", "jsonl"), help="of the output; default by the name, else csv")
    parser.add_argument("--text-column", default="text", help="column with the texts (default: text)")
    parser.add_argument(
        "--input-format",
        choices=(*dict.fromkeys(SUFFIXES.values()), "lines"),
        help="where the name does not say it; default: lines",
    )
    parser.add_argument("--batch-size", type=int, default=64, help="documents computed at once (default: 64)")
    parser.add_argument("--max-length", type=int, help="tokens after which a text is cut (default: as in training)")
    parser.add_argument("--device", help="cpu, cuda, cuda:1, ... (default: a GPU where there is one)")
    return parser


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message[0].upper()}{message[1:]}. See --help.")


def _texts(rows: Iterator[Row], source: str) -> Iterator[str]:
    for number, (value,) in enumerate(rows, start=1):
        if value is None:
            yield ""  # an empty cell; every document gets its row of output
        elif isinstance(value, str):
            yield value.encode(errors="replace").decode()  # half a surrogate is no text to a tokenizer
        else:
            raise DataError(
                f"{_called(source)}: the text of row {number} is a {type(value).__name__} ({value!r:.60}); expected a "
                f"string. Is --text-column the right column?"
            )


def _called(source: str) -> str:
    return "Standard input" if source == "-" else source


def _check_output(output: Path, source: str, options_format: str | None) -> None:
    if output.is_dir():
        raise ConfigError(f"--output {output} is a folder; give the name of a file.")
    if options_format is None and output.suffix.lower() not in ("", ".csv", ".jsonl", ".json"):
        raise ConfigError(
            f"--output {output}: '{output.suffix}' is no format of predictions; give .csv or .jsonl, or --format."
        )
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"--output {output}: there is no folder {output.absolute().parent}.")
    if source != "-" and output.exists() and Path(source).exists() and output.samefile(source):
        raise ConfigError(f"--output {output} is the input; give another name.")


def _device(device: str | None) -> str:
    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise ConfigError(f"The device '{device}' cannot be used ({reason}). Leave it out, or give cpu.") from error
    return device


def _trained_length(folder: Path) -> int | None:
    """Tokens after which texts were cut in training, where `FineTuning.save` has noted it."""
    path = folder / TEXT_SETTINGS
    found = json.loads(path.read_text(encoding="utf-8")).get("max_length") if path.is_file() else None
    return found if isinstance(found, int) else None


def _say(text: str) -> None:
    sys.stderr.write(f"predict: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
