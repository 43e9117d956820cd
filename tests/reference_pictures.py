"""Pictures compared with the ones that were looked at: `DRAW=1 pytest tests/gloss_pyg/viz` draws those anew."""

import io
import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image

from gloss_pyg.viz.looks import whole_figure

FOLDER = Path(__file__).parent / "data" / "pictures"
# Fonts are hinted differently by other builds of FreeType: text moves by a pixel, lines and colours do not.
TOLERANCE = 12.0
DPI = 50


def picture(ax):
    """The pixels of a figure, small, as [height, width, 3]."""
    stream = io.BytesIO()
    whole_figure(ax).savefig(stream, dpi=DPI, format="png")
    return np.asarray(Image.open(stream).convert("RGB"))


def rms(first, second):
    return float(np.sqrt(np.square(first.astype(float) - second.astype(float)).mean()))


def check_picture(ax, name):
    """Compare with tests/data/pictures/NAME.png, to a root mean square of `TOLERANCE` of 255."""
    path = FOLDER / f"{name}.png"
    drawn = picture(ax)
    if os.environ.get("DRAW"):
        Image.fromarray(drawn).quantize(64).save(path, optimize=True)
    reference = np.asarray(Image.open(path).convert("RGB"))
    assert drawn.shape == reference.shape
    distance = rms(drawn, reference)
    assert distance < TOLERANCE, f"{name}: {distance:.1f} from the reference picture"
    assert path.stat().st_size < 60_000


mpl.use("Agg")
