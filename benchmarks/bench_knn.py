"""Exact neighbours of 100,000 embeddings: `OMP_NUM_THREADS=2 python benchmarks/bench_knn.py`, about a minute.

Wall time, and memory above the data as the process's peak less what was resident before. A sample of rows is compared
with a search in float64; with `--faiss` the same search through the extra "knn" follows.
"""

import argparse
import resource
import time
from pathlib import Path

import torch
from bars import Bars

from gloss_pyg.graph.distances import unit_rows
from gloss_pyg.graph.neighbours import nearest_neighbours

TIME_BAR, MEMORY_BAR = 120.0, 0.5


def peak() -> float:
    """Largest resident memory so far, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def resident() -> float:
    """Resident memory now, in GB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1e9


def main() -> int:
    """Print time, memory and agreement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--classes", type=int, default=20)
    parser.add_argument("--neighbours", type=int, default=10)
    parser.add_argument("--faiss", action="store_true")
    args, bars = parser.parse_args(), Bars()
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(args.classes, (args.documents,), generator=generator)
    centres = torch.randn(args.classes, args.dim, generator=generator) * 0.6
    rows = torch.empty(args.documents, args.dim)
    for part, label in zip(rows.split(10_000), labels.split(10_000), strict=True):
        part.copy_(unit_rows(torch.randn(len(label), args.dim, generator=generator) + centres[label])[0])
    nearest_neighbours(rows[:2000], 5)  # libraries load before memory is read
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {args.documents} x {args.dim}")
    found = None
    for search in ("blocks", "faiss") if args.faiss else ("blocks",):
        before, start = resident(), time.perf_counter()
        pairs = nearest_neighbours(rows, args.neighbours, search=search)
        seconds, memory = time.perf_counter() - start, peak() - before
        bars.at_most(f"neighbours of {args.documents} documents, {search}", seconds, TIME_BAR, " s")
        bars.at_most(f"memory above the data, {search}", memory, MEMORY_BAR, " GB")
        found = pairs if found is None else found
        if not torch.equal(found, pairs):
            raise SystemExit("the two searches differ")
    some = torch.randperm(args.documents, generator=generator)[:200].sort().values
    ours = found[1].view(args.documents, -1)[some]
    distances = torch.cdist(rows[some].double(), rows.double())
    distances[torch.arange(200), some] = torch.inf
    theirs = distances.topk(args.neighbours, largest=False).indices.sort(dim=1).values
    print(f"rows that a float64 search finds the same: {int((ours == theirs).all(dim=1).sum())} of 200")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
