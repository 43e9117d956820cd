"""`python -m gloss_pyg.train --data NAME --output FOLDER`: fit one method on one data set, test it and save it.

Beside what the method saves for predicting, the folder gets `training.json`: the test scores with the seed, the
times, the configuration, the versions and the commit that they were obtained with; and that of an encoder the model
card, `README.md`. The model is saved before it is tested; should the test go wrong, the scores are missing there.
"""

import argparse
import dataclasses
import json
import logging
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import isabstract, isclass, signature
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gloss_pyg.command import run_command
from gloss_pyg.data.request import check_source
from gloss_pyg.errors import ConfigError, did_you_mean
from gloss_pyg.model_folder import RECORD_FILE, check_output, new_folder

_OPTIONS = ("config", "data", "method", "seed", "output", "overwrite")
_DATA_NAME = "name_or_path"

_HELP = """usage: python -m gloss_pyg.train --data NAME_OR_PATH --output FOLDER [--OPTION VALUE ...]

Fits a method on a data set, prints its scores on the test split, and saves it for python -m gloss_pyg.predict.

  --data NAME_OR_PATH        {names}, a local file or folder, or a Hub id
  --data.FIELD=VALUE         of the data set: {fields}
  --method=CLASS             default FineTuning; a class of gloss_pyg.methods, or a class path
  --method.ARGUMENT=VALUE    as in --method.loss=HybridLoss --method.loss.graph_loss=GLoss --method.loss.weight=0.5
  --method.help=CLASS        the arguments of a class
  --seed=NUMBER              of everything that is drawn; default 0
  --config FILE              a YAML file with these options; what stands on the command line goes before it
  --output FOLDER            where the model is saved; it must be new or empty
  --overwrite                replace a model that was saved there before

Example: python -m gloss_pyg.train --data reviews.csv --output my-model --method.loss=HybridLoss \\
             --method.loss.graph_loss=GLoss

Exit status: 0 saved, 2 something given cannot work, 130 stopped by Ctrl-C.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status (see `--help`)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given or {"-h", "--help"} & set(given):
        sys.stdout.write(_help())
        return 0 if given else 2
    return run_command("train", lambda: _train(_rewrite(given)))


def _train(options: list[str]) -> None:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    _check_data_name(options)
    parser, parsed = _parse(options)
    output = Path(parsed.output).expanduser().resolve()  # a link to a larger disk is filled, not replaced
    check_output(output, overwrite=parsed.overwrite)

    from gloss_pyg.compare.files import write_whole
    from gloss_pyg.data import describe, load_text_dataset
    from gloss_pyg.encoder.quiet import quiet_transformers
    from gloss_pyg.methods import Method
    from gloss_pyg.model_card import CARD_FILE, model_card

    method = _made(parser, parsed)
    assert isinstance(method, Method)
    with _progress(console), quiet_transformers():
        splits = load_text_dataset(**vars(parsed.data), seed=parsed.seed)
        console.print(str(describe(splits)), style="dim", markup=False)
        test_texts = splits["test"]["text"][:]
        clock = time.perf_counter()
        report = method.fit(
            splits["train"], splits["validation"], test_texts if method.transductive else None, seed=parsed.seed
        )
        seconds = time.perf_counter() - clock
        record = {
            "method": method.name,
            "data": str(parsed.data.name_or_path),
            "seed": parsed.seed,
            "fit_seconds": seconds,
            **dataclasses.asdict(report),
            "arguments": json.loads(parser.dump(parsed, format="json")),
        }
        with new_folder(output) as folder:  # before the test, so that a fit is not lost when that goes wrong
            method.save(folder)
            _write_record(folder, record)
        console.print(_saved(method, output, parsed.output), markup=False)
        record = _scores(method, splits) | record
        whole = _write_record(output, record)
        if _has_encoder(output):  # the card says how transformers loads it
            card = model_card(whole, splits["train"].features["label"].names, output.name)
            write_whole(output / CARD_FILE, card.encode())
    _print_scores(record)


def _made(parser: Any, parsed: Any) -> Any:
    """The method; what a constructor refuses is answered in a sentence."""
    from gloss_pyg.compare.explain import refused

    try:
        return parser.instantiate(parsed).method
    except Exception as error:
        raise refused("method", error) from error


def _has_encoder(output: Path) -> bool:
    return (output / "config.json").is_file()


def _saved(method: Any, output: Path, named: str) -> str:
    """Where the model lies, and what can be done with it."""
    if _has_encoder(output):
        return f"Saved in {output}. Classify with: python -m gloss_pyg.predict {shlex.quote(named)} INPUT"
    name = f"{type(method).__module__}.{type(method).__qualname__}"
    return f"Saved in {output}. Classify in Python with: {name}.load(Path({named!r})).predict_proba(texts)"


def _rewrite(given: Sequence[str]) -> list[str]:
    """Refuse unknown options with the nearest right one, and let `--data NAME` stand for its field `name_or_path`."""
    rewritten = []
    for argument in given:
        key, equals, value = argument.partition("=")
        if key.startswith("--"):
            head = key[2:].split(".")[0]
            if head not in _OPTIONS:
                raise ConfigError(f"There is no option '--{head}'.{did_you_mean(head, _OPTIONS, prefix='--')}")
            if key == "--data":
                key = f"--data.{_DATA_NAME}"
            if key == "--config":
                rewritten.append("--config" + equals + (_normalised(value) if equals else ""))
                continue
        rewritten.append(key + equals + value)
    for place, argument in enumerate(rewritten[:-1]):
        if argument == "--config":
            rewritten[place + 1] = _normalised(rewritten[place + 1])
    return rewritten


def _normalised(path: str) -> str:
    """Content of a configuration file as JSON, `data: NAME` written out; the parser takes it in place of the file."""
    if not Path(path).is_file():
        raise ConfigError(f"There is no configuration file {path}.")
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is no mapping; expected the options {', '.join(_OPTIONS[1:])}.")
    for key in content:
        if key not in _OPTIONS[1:]:
            raise ConfigError(f"{path}: there is no option '{key}'.{did_you_mean(str(key), _OPTIONS[1:])}")
    data = content.get("data", {})
    if not isinstance(data, str | dict):
        raise ConfigError(f"{path}: data is {data!r:.60}; expected the name of one data set, or its fields.")
    if isinstance(data, str):
        content["data"] = {_DATA_NAME: data}
    return json.dumps(content)


def _check_data_name(options: Sequence[str]) -> None:
    """Answer a data set that is not there at once, as far as the command line names it: torch takes seconds."""
    given: dict[str, str] = {}
    for option, following in zip(options, [*options[1:], ""], strict=True):
        key, equals, value = option.partition("=")
        if key in (f"--data.{_DATA_NAME}", "--data.data_dir"):
            given[key.removeprefix("--data.")] = value if equals else following
    if _DATA_NAME in given:
        check_source(**given)  # type: ignore[arg-type]


def _parse(options: list[str]) -> tuple[Any, Any]:
    """The jsonargparse parser and what it made of the options."""
    from jsonargparse import ArgumentParser

    from gloss_pyg import graph, losses, methods, propagation  # noqa: F401 - their classes are then known by short names
    from gloss_pyg.compare.explain import explain
    from gloss_pyg.data import load_text_dataset

    parser = ArgumentParser(prog="python -m gloss_pyg.train", exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--config", action="config")
    parser.add_function_arguments(load_text_dataset, "data", skip={"seed"}, sub_configs=False)
    parser.add_subclass_arguments(methods.Method, "method", default={"class_path": "gloss_pyg.methods.FineTuning"})
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=str)
    parser.add_argument("--overwrite", action="store_true")
    _check_names(options, list(signature(load_text_dataset).parameters), methods)
    try:
        parsed = parser.parse_args(options)
    except argparse.ArgumentError as error:
        message = explain(str(error), [])
        if message.startswith(f"'data.{_DATA_NAME}' is required"):
            message = "Give the data set: --data NAME_OR_PATH."
        raise ConfigError(message) from error
    if parsed.output is None:
        raise ConfigError("Give the folder that the model shall be saved in: --output FOLDER.")
    return parser, parsed


def _check_names(options: Sequence[str], fields: Sequence[str], methods: ModuleType) -> None:
    """Answer wrong fields of the data set and wrong short names of methods with the nearest right one."""
    classes = {name: getattr(methods, name) for name in methods.__all__}
    made = [name for name, value in classes.items() if isclass(value) and issubclass(value, methods.Method)]
    short = [name for name in made if not isabstract(classes[name])]
    for place, option in enumerate(options):
        key, equals, value = option.partition("=")
        if key.startswith("--data.") and (field := key.removeprefix("--data.")) not in fields:
            raise ConfigError(f"A data set has no field '{field}'.{did_you_mean(field, fields)}")
        if key == "--method":
            name = value if equals else "".join(options[place + 1 : place + 2])
            if name.isidentifier() and name not in short:
                raise ConfigError(f"There is no method '{name}'.{did_you_mean(name, short)}")


def _scores(method: Any, splits: Any) -> dict[str, Any]:
    from gloss_pyg.metrics import accuracy, macro_f1, macro_silhouette

    labels, texts = splits["test"]["label"][:], splits["test"]["text"][:]
    probabilities = method.predict_proba(texts)
    scores: dict[str, Any] = {
        "test_documents": len(texts),
        "accuracy": accuracy(labels, probabilities),
        "macro_f1": macro_f1(labels, probabilities),
    }
    embeddings = method.embed(texts)
    return scores if embeddings is None else scores | {"macro_silhouette": macro_silhouette(embeddings, labels)}


def _write_record(folder: Path, record: dict[str, Any]) -> dict[str, Any]:
    """Write the record with what it was obtained by; gives all of it."""
    from gloss_pyg.compare import hardware
    from gloss_pyg.compare.files import to_json, write_whole

    whole = record | {"commit": hardware.commit(), **hardware.versions(), **hardware.machine()}
    write_whole(folder / RECORD_FILE, to_json(whole))
    return whole


def _print_scores(record: dict[str, Any]) -> None:
    documents = record["test_documents"]
    title = f"{record['method']} on {documents} test documents of {record['data']}, seed {record['seed']}"
    table = Table(title=escape(title))
    columns = (
        ("accuracy", "accuracy", ".2%"),
        ("macro-F1", "macro_f1", ".2%"),
        ("silhouette", "macro_silhouette", ".3f"),
        ("best step", "best_step", "d"),
        ("steps", "steps", "d"),
        ("fit (s)", "fit_seconds", ".1f"),
    )
    shown = [(title, format(record[name], form)) for title, name, form in columns if name in record]
    for title, _ in shown:
        table.add_column(title, justify="right")
    table.add_row(*(value for _, value in shown))
    Console().print(table)


@contextmanager
def _progress(console: Console) -> Iterator[None]:
    """Show what the method says it is doing, and the package's warnings, as lines."""

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING or record.name == "gloss_pyg.progress":
                console.print(record.getMessage(), markup=False)

    package, doing = logging.getLogger("gloss_pyg"), logging.getLogger("gloss_pyg.progress")
    before, handler = (package.propagate, doing.level), Lines()
    package.addHandler(handler)
    package.propagate = False
    doing.setLevel(logging.INFO)
    try:
        yield
    finally:
        package.removeHandler(handler)
        package.propagate, level = before
        doing.setLevel(level)


def _help() -> str:
    from gloss_pyg.data import DATASET_NAMES, load_text_dataset

    fields = [name for name in signature(load_text_dataset).parameters if name not in (_DATA_NAME, "seed")]
    return _HELP.format(names=", ".join(DATASET_NAMES), fields=", ".join(fields))


if __name__ == "__main__":
    sys.exit(main())
