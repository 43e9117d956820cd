import subprocess

import numpy as np
import pytest
import torch
from PIL import Image
from reference_pictures import check_picture

from gloss_pyg import DenseGaussian, GLoss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import animate, animation, draw_moments, positions_of


@pytest.fixture(scope="module")
def training():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(30) % 3
    centres, noise = torch.randn(3, 8, generator=generator), torch.randn(30, 8, generator=generator)
    loss = GLoss(DenseGaussian(sigma=0.4)).eval()
    return [loss.propagate(size * centres[y] + noise, y) for size in (0.4, 1.5)], y


def test_side_by_side(training):
    moments, y = training
    axes = draw_moments(moments, names=["before", "after $100$"], labels=y)
    check_picture(axes[0], "moments")
    assert [ax.get_title(loc="left").splitlines()[0] for ax in axes] == ["before", "after $100$"]
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert "of 12 hidden inferred wrongly" in axes[0].get_title(loc="left")


def test_nodes_stay_where_they_are_told_to(training):
    moments, y = training
    pos = positions_of(draw_moments(moments, labels=y)[0])
    for ax in draw_moments(moments, labels=y, pos=pos):
        np.testing.assert_array_equal(positions_of(ax), pos)


def test_a_moment_that_is_the_same_stays_in_place(training):
    first, again = draw_moments([training[0][0]] * 2)
    np.testing.assert_allclose(positions_of(first), positions_of(again), atol=1e-9)


def test_a_gif_has_a_frame_for_each_step(training, tmp_path, monkeypatch):
    monkeypatch.setattr("gloss_pyg.viz.moments._STEPS_BETWEEN", 2)
    moments, y = training
    path = tmp_path / "training.gif"
    animate(moments, path, labels=y, dpi=30)
    with Image.open(path) as image:
        assert image.n_frames == 3
        frames = []
        for number in range(3):
            image.seek(number)
            frames.append(np.asarray(image.convert("RGB"), dtype=float))
    assert frames[0].shape == (150, 198, 3)
    assert all(np.abs(frames[number] - frames[number + 1]).mean() > 1 for number in range(2))


def test_an_mp4_where_ffmpeg_is(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    path = tmp_path / "two.mp4"
    frames = [(np.full((21, 33, 3), shade, dtype=np.uint8), 0.5) for shade in (0, 255)]
    animation.write_animation(path, frames, 10)
    told = subprocess.run([animation.find_ffmpeg(), "-i", str(path)], capture_output=True, text=True).stderr
    assert "32x20" in told
    assert "Duration: 00:00:01.00" in told


def test_without_ffmpeg_a_sentence(training, tmp_path, monkeypatch):
    monkeypatch.setattr(animation.shutil, "which", lambda _: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(ConfigError, match=r"an MP4 needs ffmpeg.*ends in \.gif"):
        animate(training[0], tmp_path / "training.mp4")


def test_what_cannot_be_drawn_is_said(training, tmp_path):
    moments, _ = training
    fewer = GLoss(DenseGaussian(sigma=0.4)).propagate(torch.randn(8, 3), torch.arange(8) % 2)
    for call, error, message in (
        (lambda: draw_moments([]), DataError, "no moments"),
        (lambda: draw_moments([moments[0], fewer]), DataError, r"have \[8, 30\] documents"),
        (lambda: draw_moments(moments, names=["one"]), DataError, "1 names for 2 moments"),
        (lambda: animate(moments, tmp_path / "a.avi"), ConfigError, "'.avi' is no format"),
        (lambda: animate(moments, tmp_path / "no" / "a.gif"), ConfigError, "there is no folder"),
    ):
        with pytest.raises(error, match=message):
            call()
