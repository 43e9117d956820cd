"""`python -m gloss_pyg.viz MODEL --data NAME`: draw documents of a data set as a saved model sees them."""

import argparse
import sys
from collections.abc import Sequence
from inspect import signature
from pathlib import Path
from typing import Any

from gloss_pyg.command import run_command
from gloss_pyg.data.request import check_source
from gloss_pyg.errors import ConfigError, did_you_mean, package_folder

_OPTIONS = (
    "data", "what", "output", "document", "documents", "split", "graph", "propagation", "labelled_fraction", "seed",
)  # fmt: skip
_WHAT = ("graph", "flow", "weights", "spectrum", "distances", "embeddings", "tsne", "umap", "suspicious")
_SUFFIXES = (".png", ".svg", ".pdf", ".html", ".graphml", ".gexf", ".json")
_SPLITS = ("train", "validation", "test")
_DATA_NAME = "name_or_path"

_HELP = """usage: python -m gloss_pyg.viz MODEL --data NAME_OR_PATH [--OPTION VALUE ...]

Encodes documents of a data set with a model, makes their graph, propagates some of their labels, and draws it.

  MODEL                      folder that python -m gloss_pyg.train saved, or the name of an encoder, such as offline
  --data NAME_OR_PATH        {names}, a local file or folder, or a Hub id
  --data.FIELD=VALUE         of the data set: {fields}
  --what WHAT                graph (default), or one of
                             flow         where a document's label came from
                             weights      the edge weights, ordered by class
                             spectrum     of the graph's Laplacian
                             distances    within and between classes
                             embeddings   by principal components; also tsne, umap
                             suspicious   labels that contradict their neighbours
  --document NUMBER          of flow: a number in the picture; default one that was inferred wrongly
  --output FILE              default WHAT.png; .png, .svg, .pdf, .html to explore, or .graphml, .gexf, .json
  --documents NUMBER         how many are drawn at random; default 128
  --split SPLIT              train, validation or test (default)
  --graph=RULE               default DenseGaussian; also --graph.k=10 and the like
  --propagation=LAYER        default LabelPropagation
  --labelled_fraction=SHARE  of the labels that propagation sees; default 0.6
  --seed=NUMBER              of what is drawn at random; default 0

Example: python -m gloss_pyg.viz offline --data bbc --graph=KNNGaussian --graph.k=8 --output batch.png

Exit status: 0 written, 2 something given cannot work, 130 stopped by Ctrl-C.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status (see `--help`)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if not given or {"-h", "--help"} & set(given):
        print(_help(), end="")
        return 0 if given else 2
    return run_command("viz", lambda: _run(given))


def _run(given: list[str]) -> None:
    options = _rewrite(given)
    parser, parsed = _parse(options)
    output = Path(parsed.output or f"{parsed.what}.png")
    _check(parsed, output)
    source = {name: value for name, value in vars(parsed.data).items() if name in signature(check_source).parameters}
    check_source(**source)
    _say("loading the model and the documents ...")

    from gloss_pyg.compare.explain import refused
    from gloss_pyg.data import load_text_dataset
    from gloss_pyg.losses import GLoss
    from gloss_pyg.viz.command import draw, make_batch

    try:
        made = parser.instantiate(parsed)
    except Exception as error:
        raise refused("viz", error) from error
    loss = GLoss(made.graph, made.propagation, labelled_fraction=parsed.labelled_fraction)
    split = load_text_dataset(**vars(parsed.data), seed=parsed.seed)[parsed.split]
    batch = make_batch(parsed.model, split, parsed.documents, loss, parsed.seed)
    _say(draw(batch, parsed.what, output, parsed.document))


def _rewrite(given: Sequence[str]) -> list[str]:
    """Refuse unknown options with the nearest right one, and let `--data NAME` stand for its field `name_or_path`."""
    rewritten = []
    for argument in given:
        key, equals, value = argument.partition("=")
        if key.startswith("--"):
            head, dot, rest = key[2:].partition(".")
            head = head.replace("-", "_")
            if head not in _OPTIONS:
                raise ConfigError(f"There is no option '--{head}'.{did_you_mean(head, _OPTIONS, prefix='--')}")
            key = f"--data.{_DATA_NAME}" if key == "--data" else f"--{head}{dot}{rest}"
        rewritten.append(key + equals + value)
    return rewritten


def _parse(options: list[str]) -> tuple[Any, Any]:
    """The jsonargparse parser and what it made of the options."""
    from jsonargparse import ArgumentParser

    from gloss_pyg import graph, propagation
    from gloss_pyg.compare.explain import explain
    from gloss_pyg.data import load_text_dataset

    parser = ArgumentParser(prog="python -m gloss_pyg.viz", exit_on_error=False, allow_abbrev=False)
    parser.add_argument("model", type=str)
    parser.add_function_arguments(load_text_dataset, "data", skip={"seed"}, sub_configs=False)
    parser.add_subclass_arguments(graph.GraphRule, "graph", default={"class_path": "gloss_pyg.graph.DenseGaussian"})
    parser.add_subclass_arguments(
        propagation.Propagation, "propagation", default={"class_path": "gloss_pyg.propagation.LabelPropagation"}
    )
    parser.add_argument("--what", type=str, default="graph")
    parser.add_argument("--split", type=str, default="test")
    parser.add_argument("--output", type=str)
    parser.add_argument("--document", type=int)
    parser.add_argument("--documents", type=int, default=128)
    parser.add_argument("--labelled_fraction", type=float, default=0.6)
    parser.add_argument("--seed", type=int, default=0)
    try:
        parsed = parser.parse_args(options)
    except argparse.ArgumentError as error:
        message = explain(str(error), [])
        if f"data.{_DATA_NAME}" in message and "required" in message:
            message = "Give the data set: --data NAME_OR_PATH."
        elif "model" in message and "required" in message:
            message = "Give the model first: a folder that python -m gloss_pyg.train saved, or offline."
        raise ConfigError(message) from error
    return parser, parsed


def _check(parsed: Any, output: Path) -> None:
    """Refuse what cannot work before anything is loaded."""
    if parsed.what not in _WHAT:
        raise ConfigError(f"--what {parsed.what}: there is no such picture.{did_you_mean(parsed.what, _WHAT)}")
    if parsed.split not in _SPLITS:
        raise ConfigError(f"--split {parsed.split}: expected one of {', '.join(_SPLITS)}.")
    if parsed.documents < 2:
        raise ConfigError(f"--documents {parsed.documents}: expected at least 2; one document makes no graph.")
    if parsed.document is not None and parsed.what != "flow":
        raise ConfigError(f"--document is of --what flow; {parsed.what} draws all documents. Leave it out.")
    if output.suffix.lower() not in _SUFFIXES:
        raise ConfigError(f"--output {output}: '{output.suffix}' is no format; give one of {', '.join(_SUFFIXES)}.")
    if output.suffix.lower() in _SUFFIXES[3:] and parsed.what != "graph":
        raise ConfigError(f"--output {output}: only --what graph can be written as {output.suffix}.")
    if output.suffix.lower() == ".html":
        package_folder("bokeh", extra="viz", purpose="A page")
    if output.is_dir():
        raise ConfigError(f"--output {output} is a folder; give the name of a file.")
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"--output {output}: there is no folder {output.absolute().parent}.")


def _help() -> str:
    from gloss_pyg.data import DATASET_NAMES, load_text_dataset

    fields = [name for name in signature(load_text_dataset).parameters if name not in (_DATA_NAME, "seed")]
    return _HELP.format(names=", ".join(DATASET_NAMES), fields=", ".join(fields))


def _say(text: str) -> None:
    sys.stderr.write(f"viz: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
