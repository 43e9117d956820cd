"""Time and memory of TextGCN on a large corpus: `python benchmarks/bench_textgcn.py` (20NG; needs GLOSS_PYG_DATA).

The graph is made and cached by another process first, so that the peak memory is that of training. The first epoch
is left out of the time: libraries and memory warm up in it.
"""

import argparse
import multiprocessing
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path

import torch
from bars import Bars

from baselines.corpus_graph import CorpusGraph
from baselines.textgcn import TextGCN
from gloss_pyg.compare.hardware import PeakMemory
from gloss_pyg.data import load_text_dataset

TIME_BAR, MEMORY_BAR = 11.0, 2.5


def build(name: str, cache: Path) -> float:
    """Make the graph; gives the seconds."""
    splits = load_text_dataset(name)
    data = CorpusGraph(cache=cache).build([text for split in splits.values() for text in split["text"]])
    return float(data.build_seconds)


def main() -> int:
    """Print the figures beside their bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="20NG")
    parser.add_argument("--epochs", type=int, default=6)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds = pool.apply(build, (args.data, Path(folder)))
        print(f"{args.data}: graph made in {seconds:.1f} s; {torch.get_num_threads()} threads", flush=True)
        splits = load_text_dataset(args.data)
        memory = PeakMemory()
        method = TextGCN(graph=CorpusGraph(cache=Path(folder)), max_epochs=args.epochs)
        report = method.fit(splits["train"], splits["validation"], list(splits["test"]["text"]), seed=0)
    epochs = [after["seconds"] - before["seconds"] for before, after in pairwise(report.history)]
    median, longest = statistics.median(epochs), max(epochs)
    print(f"longest epoch {longest:.2f} s")
    bars = Bars()
    bars.at_most(f"an epoch of TextGCN on {args.data}, validation included", median, TIME_BAR, " s")
    bars.at_most("peak memory of the process", memory.bytes() / 1e9, MEMORY_BAR, " GB")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
