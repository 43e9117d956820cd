"""The report of 210 made-up cells: `python benchmarks/bench_report.py`.

Seven methods on six data sets (one corpus with three label budgets; 2 to 23 classes, 600 to 1,500 test documents), five
seeds. Bars: made in 20 seconds, imports included; 5 MB; opened and drawn in Chromium in 2 seconds (best of three, on
two cores with nothing else running), without an error in the console and without a request for anything but the file.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bars import Bars

from gloss_pyg.compare.configuration import DataSpec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from headless_chromium import Chromium, why_not
from result_cells import budgets, write_corpus, write_results

CORPORA = {"reviews": (2, 1000), "topics": (5, 600), "medical": (23, 1500), "news": (20, 1200)}
METHODS = {
    "cross-entropy": 1.0,
    "self-training": 1.02,
    "g-loss": 1.12,
    "agreement": 1.3,
    "contrastive": 1.01,
    "triplet": 0.95,
}
SEEDS = range(5)


def make_run(folder: Path) -> int:
    """Write the cells; gives their number."""
    data = {}
    for name, (classes, documents) in CORPORA.items():
        names = [f"class {number}" for number in range(classes)]
        corpus = write_corpus(folder / name, names, {"train": 60, "val": 50, "test": documents})
        specs = budgets(corpus, [5, 20, None]) if name == "topics" else {name: DataSpec(str(corpus))}
        data |= {key: (spec, names, documents) for key, spec in specs.items()}
    return len(write_results(folder / "run", data, METHODS | {"tf-idf": 0.6}, list(SEEDS)))


def main() -> int:
    """Make the report and look at it."""
    bars = Bars()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"{make_run(folder)} cells")
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "gloss_pyg.compare.report", str(folder / "run")], check=True)
        bars.at_most("report made", time.perf_counter() - start, 20, " s")
        page = folder / "run" / "report" / "report.html"
        bars.at_most("size of the page", page.stat().st_size / 1e6, 5, " MB")
        if reason := why_not():
            print(f"not opened: {reason}")
            return bars.status()
        with Chromium() as browser:
            bars.at_most("opened and drawn", min(browser.show(page) for _ in range(3)), 2, " s")
            bars.at_most("lines in the console", len(browser.console()), 0, "")
            others = [address for address in browser.requests() if address != page.as_uri()]
            bars.at_most("requests for anything else", len(others), 0, "")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
