"""Make the pictures of these pages again, offline: `python docs/make_pictures.py`, about three minutes on two cores.

BBC News and MiniLM (extra `offline`): a batch as the pretrained encoder sees it, where a label came from, distances
with the bandwidth over them, and the same documents before and after fine-tuning with G-Loss on 20 labels a class.
"""

import sys
import tempfile
import time
from pathlib import Path

from gloss_pyg import DenseGaussian, FineTuning, GLoss, HybridLoss, load_text_dataset
from gloss_pyg.viz import __main__ as command
from gloss_pyg.viz import animate, draw_moments, save_page, save_picture
from gloss_pyg.viz.command import make_batch

FOLDER = Path(__file__).parent / "pictures"
DOCUMENTS = 96


def main() -> None:
    """Write every picture into `docs/pictures`."""
    bbc = ["offline", "--data", "bbc", "--output"]
    command.main([*bbc, str(FOLDER / "batch.png")])
    command.main([*bbc, str(FOLDER / "flow.png"), "--what", "flow", "--graph=KNNGaussian", "--graph.k=8"])
    command.main([*bbc, str(FOLDER / "distances.png"), "--what", "distances"])
    before_and_after()


def before_and_after() -> None:
    """Fine-tune, and draw documents that were not trained on with the embeddings of both encoders."""
    splits = load_text_dataset("bbc", labels_per_class=20)
    method = FineTuning(
        model="offline",
        loss=HybridLoss(GLoss(DenseGaussian(sigma="sqrt"))),
        max_length=64, batch_size=50, learning_rate=1e-4, max_epochs=12, evaluate_every=6,
    )  # fmt: skip
    method.fit(splits["train"], splits["validation"].select(range(100)), seed=0)
    # One bandwidth for both, so that only the embeddings change.
    graph_loss = GLoss(DenseGaussian(sigma=0.5))
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "model"
        method.save(saved)
        batches = [make_batch(name, splits["test"], DOCUMENTS, graph_loss, 0) for name in ("offline", str(saved))]
    moments = [batch.propagated for batch in batches]
    names = ["before: MiniLM as it comes", "after G-Loss on 100 labels"]
    labels, classes = batches[0].labels, batches[0].class_names
    panels = draw_moments(moments, names=names, labels=labels, class_names=classes)
    save_picture(panels[0], FOLDER / "before-after.png")
    animate(moments, FOLDER / "before-after.gif", names=names, labels=labels, class_names=classes)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        save_page(moments, page, names=names, labels=labels, class_names=classes, texts=batches[0].texts)
        photograph(page, "goal")


def photograph(page: Path, words: str) -> None:
    """The page in a browser, with a search; without Chromium it is left out, and said."""
    sys.path.insert(0, str(FOLDER.parents[1] / "tests"))
    from headless_chromium import Chromium, why_not

    if reason := why_not():
        print(f"page.png is left as it is: {reason}")
        return
    with Chromium() as browser:
        browser.show(page, width=1100, height=960)
        time.sleep(2)
        browser.evaluate(
            "const parts = Bokeh.documents[0].roots()[0].children, of = name => parts.find(part => part.type === name);"
            f"of('TextInput').value_input = {words!r}; of('Slider').value = 1"
        )
        time.sleep(1)
        browser.picture(FOLDER / "page.png")


if __name__ == "__main__":
    main()
