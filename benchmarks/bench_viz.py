"""Pictures of batch graphs, drawn and written: `python benchmarks/bench_viz.py`, under a minute.

128 documents with every pair joined, 2,048 with their ten nearest; label flow and suspicious labels beside them, which
have no bar. Seconds are the best of three, imports and the first picture's fonts not counted.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from bars import Bars

from gloss_pyg import DenseGaussian, GLoss, KNNGaussian, LabelPropagation
from gloss_pyg.viz import draw_batch_graph, label_flow, save_picture, suspicious_labels

SMALL_BAR, LARGE_BAR = 2.0, 15.0


def best(call: Callable[[], object], times: int = 3) -> float:
    """Seconds of the fastest of some calls."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def main() -> int:
    """Print the seconds of each picture."""
    bars, generator = Bars(), torch.Generator().manual_seed(0)
    folder = Path(tempfile.mkdtemp())
    for number, rule, classes, bar in (
        (128, DenseGaussian(sigma=0.35), 5, SMALL_BAR),
        (2048, KNNGaussian(k=10, sigma=0.4), 12, LARGE_BAR),
    ):
        y = torch.randint(classes, (number,), generator=generator)
        centres = torch.randn(classes, 64, generator=generator)
        x = centres[y] + 1.5 * torch.randn(number, 64, generator=generator)
        batch = GLoss(rule).eval().propagate(x, y)
        save_picture(draw_batch_graph(batch, labels=y), folder / "warm.png")

        def draw(batch: object = batch, y: torch.Tensor = y, number: int = number) -> None:
            save_picture(draw_batch_graph(batch, labels=y), folder / f"{number}.png")  # type: ignore[arg-type]

        bars.at_most(f"a batch graph of {number} documents, drawn", best(draw), bar, " s")
        document = int(batch.hidden.nonzero()[0])
        flow = best(lambda batch=batch, document=document: label_flow(batch, LabelPropagation(), document), 1)
        print(f"label flow of one of {number} documents, hiding ten: {flow:.2f} s")
        if number < 1000:
            found = best(lambda batch=batch, y=y: suspicious_labels(batch, LabelPropagation(), labels=y), 1)
            print(f"suspicious labels of {number} documents, one by one: {found:.2f} s")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
