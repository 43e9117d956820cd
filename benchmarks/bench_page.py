"""The batch graph as a page: `python benchmarks/bench_page.py`, half a minute; needs Chromium and chromedriver.

1,000 documents with their ten nearest, two moments: seconds to write the page, its size, seconds until Chromium has
drawn it, and the time of a frame while it is dragged about, which decides whether it is usable.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from bars import Bars

from gloss_pyg import GLoss, KNNGaussian
from gloss_pyg.viz import save_page

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from headless_chromium import Chromium, why_not

DOCUMENTS, CLASSES, FRAMES = 1000, 10, 40
# Ten pictures a second: below, dragging is felt to stutter.
FRAME_BAR = 0.1

_DRAG = """
const done = arguments[0], times = [];
const plot = Bokeh.documents[0].roots()[0].children.find(part => part.type.includes('Figure'));
const width = plot.x_range.end - plot.x_range.start;
const step = left => {
  const start = performance.now();
  const to = plot.x_range.start + width / 100;
  plot.x_range.setv({start: to, end: to + width});
  requestAnimationFrame(() => setTimeout(() => {
    times.push(performance.now() - start);
    if (left > 1) step(left - 1); else done(times);
  }));
};
step(FRAMES);
""".replace("FRAMES", str(FRAMES))


def main() -> int:
    """Print what each takes."""
    if reason := why_not():
        print(reason)
        return 0
    bars, generator = Bars(), torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (DOCUMENTS,), generator=generator)
    rows = torch.randn(CLASSES, 64, generator=generator)[labels] + torch.randn(DOCUMENTS, 64, generator=generator)
    loss = GLoss(KNNGaussian(k=10, sigma=0.4)).eval()
    moments = [loss.propagate(rows * 1.0, labels), loss.propagate(rows + 0.2 * rows.roll(1, 0), labels)]
    texts = [f"document {number} " + "word " * 100 for number in range(DOCUMENTS)]
    path = Path(tempfile.mkdtemp()) / "page.html"
    start = time.perf_counter()
    save_page(moments, path, labels=labels, texts=texts)
    print(f"written in {time.perf_counter() - start:.1f} s, {path.stat().st_size / 1e6:.1f} MB")
    with Chromium() as browser:
        loaded = browser.show(path)
        while not browser.evaluate("return Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle"):
            time.sleep(0.05)
        times = browser.await_script(_DRAG)
    print(f"opened in {loaded:.2f} s")
    bars.at_most("a frame while it is dragged, median", statistics.median(times) / 1000, FRAME_BAR, " s")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
