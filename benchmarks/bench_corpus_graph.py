"""The corpus graph against a plain counter in Python dictionaries: `python benchmarks/bench_corpus_graph.py`.

The plain counter is written as one would from the paper's text: it walks the windows and the pairs in each. Both make
the whole graph from the texts; the best of several runs of ours is compared with one of the counter, which takes a
minute on R8. Each data set runs in a process of its own, so that the peak memory is its own. Needs GLOSS_PYG_DATA.
"""

import argparse
import math
import multiprocessing
import re
import resource
import time

import numpy as np
from bars import Bars

from baselines.corpus_graph import CorpusGraph
from baselines.vocabulary import english_stop_words
from gloss_pyg.data import load_text_dataset

BARS = {"MR": 25.0, "R8": 60.0}
TIME_BAR, MEMORY_BAR, SLOPE_BAR = 30.0, 4.0, 1.2
WINDOW = 20


def plain_graph(texts: list[str], stop_words: set[str], min_count: int) -> dict[tuple[str | int, str | int], float]:
    """Weights of the edges between words, both directions, and from documents to words."""
    documents = []
    for text in texts:
        text = re.sub(r"[^A-Za-z0-9(),!?'`]", " ", text)
        for clitic in ("'s", "'ve", "n't", "'re", "'d", "'ll"):
            text = text.replace(clitic, f" {clitic}")
        for sign in ",!()?":
            text = text.replace(sign, f" {sign} ")
        documents.append(text.lower().split())
    frequency: dict[str, int] = {}
    for words in documents:
        for word in words:
            frequency[word] = frequency.get(word, 0) + 1
    kept = {word for word, count in frequency.items() if count >= min_count and word not in stop_words}
    documents = [[word for word in words if word in kept] for words in documents]

    windows = []
    for words in documents:
        if len(words) <= WINDOW:
            windows.append(words)
        else:
            windows.extend(words[start : start + WINDOW] for start in range(len(words) - WINDOW + 1))
    holding: dict[str, int] = {}
    pairs: dict[tuple[str, str], int] = {}
    for words in windows:
        for word in set(words):
            holding[word] = holding.get(word, 0) + 1
        for i in range(1, len(words)):
            first = words[i]
            for j in range(i):
                second = words[j]
                if first == second:
                    continue
                pairs[first, second] = pairs.get((first, second), 0) + 1
                pairs[second, first] = pairs.get((second, first), 0) + 1
    graph: dict[tuple[str | int, str | int], float] = {}
    for (first, second), count in pairs.items():
        pmi = math.log(count * len(windows) / (holding[first] * holding[second]))
        if pmi > 0:
            graph[first, second] = pmi

    containing: dict[str, int] = {}
    for words in documents:
        for word in set(words):
            containing[word] = containing.get(word, 0) + 1
    for row, words in enumerate(documents):
        counts: dict[str, int] = {}
        for word in words:
            counts[word] = counts.get(word, 0) + 1
        for word, count in counts.items():
            graph[row, word] = count * math.log(len(documents) / containing[word])
    return graph


def measure(name: str, runs: int, plain: bool) -> tuple[int, float, float, float]:
    """Tokens, best seconds of ours, peak memory in GB, and seconds of the plain counter (0 if not run)."""
    splits = load_text_dataset(name)
    texts = [text for split in splits.values() for text in split["text"]]
    best = math.inf
    for _ in range(runs):
        start = time.perf_counter()
        data = CorpusGraph().build(texts)
        best = min(best, time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    longer = CorpusGraph(window=2).build(texts).windows  # documents of n words have n - 1 windows of two
    tokens = longer + data.num_documents
    seconds = 0.0
    if plain:
        stop_words = set(english_stop_words()) if data.selection.stop_words == "english" else set()
        start = time.perf_counter()
        graph = plain_graph(texts, stop_words, data.selection.min_count)
        seconds = time.perf_counter() - start
        entries = int((data.edge_index[1] >= data.num_documents).sum())
        assert sum(value != 0 for value in graph.values()) == entries, "the two graphs are not the same"
    return tokens, best, memory, seconds


def main() -> int:
    """Print a row for each data set, then the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["MR", "R8", "R52", "Ohsumed", "20NG"])
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    print(f"{'data':>8} {'tokens':>9} {'gloss_pyg':>10} {'memory':>8} {'plain':>8} {'ratio':>7} {'bar':>8}", flush=True)
    sizes, times, ratios, memories = [], [], {}, {}
    context = multiprocessing.get_context("spawn")
    for name in args.data:
        with context.Pool(1) as pool:
            tokens, best, memory, plain = pool.apply(measure, (name, args.runs, name in BARS))
        sizes.append(tokens * WINDOW)
        times.append(best)
        memories[name] = memory
        if plain:
            ratios[name] = plain / best
        ratio = f"{plain:>7.1f}s {plain / best:>6.1f}x {BARS[name]:>7.0f}x" if plain else ""
        print(f"{name:>8} {tokens:>9} {best:>9.2f}s {memory:>6.2f}GB {ratio}", flush=True)
    bars = Bars()
    for name, faster in ratios.items():
        bars.at_least(f"corpus graph of {name} against a plain counter", faster, BARS[name])
    if "20NG" in memories:
        bars.at_most("corpus graph of 20NG", times[args.data.index("20NG")], TIME_BAR, " s")
        bars.at_most("its peak memory", memories["20NG"], MEMORY_BAR, " GB")
    if len(sizes) > 1:
        slope = np.polyfit(np.log(sizes), np.log(times), 1)[0]
        bars.at_most("log-log slope of time against tokens x window", slope, SLOPE_BAR, "")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
