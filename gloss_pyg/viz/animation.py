"""Frames as a GIF (pillow) or an MP4 (ffmpeg)."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gloss_pyg.errors import ConfigError
from gloss_pyg.files import whole_file

Frame = tuple[NDArray[np.uint8], float]
"""Pixels `[height, width, 3]` and the seconds that they are shown."""

_COLOURS = 128


def check_animation_name(path: Path) -> None:
    """Refuse a name whose suffix is no format of animations, or a format that cannot be written here.

    Raises:
        ConfigError: for both, and for a folder that is not there.
    """
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise ConfigError(f"{path}: '{path.suffix}' is no format of animations; give .gif or .mp4.")
    if not path.absolute().parent.is_dir():
        raise ConfigError(f"{path}: there is no folder {path.absolute().parent}.")
    if path.suffix.lower() == ".mp4" and find_ffmpeg() is None:
        raise ConfigError(
            f"{path}: an MP4 needs ffmpeg, which is neither on the path nor in the package 'imageio-ffmpeg'. Run: pip "
            'install "gloss-pyg[viz]", or give a name that ends in .gif.'
        )


def write_animation(path: Path, frames: Iterable[Frame], frames_a_second: int) -> None:
    """Write frames of one size, whole or not at all.

    Args:
        path: `.gif` or `.mp4`.
        frames: Pixels and seconds.
        frames_a_second: Of an MP4, in which a frame is repeated as long as it is shown.

    Raises:
        ConfigError: see `check_animation_name`.
    """
    check_animation_name(path)
    if path.suffix.lower() == ".gif":
        _write_gif(path, frames)
    else:
        _write_mp4(path, frames, frames_a_second)


def find_ffmpeg() -> str | None:
    """The program ffmpeg: on the path, or the one inside the package `imageio-ffmpeg`."""
    found = shutil.which("ffmpeg")
    if found is not None:
        return found
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):  # the package brings a program for usual machines only
        return None


def _write_gif(path: Path, frames: Iterable[Frame]) -> None:
    shown = list(frames)
    images = [Image.fromarray(pixels) for pixels, _ in shown]
    # One palette for all: colours that change from frame to frame would flicker.
    palette = images[-1].quantize(_COLOURS)
    first, *rest = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in images]
    duration = [round(1000 * seconds) for _, seconds in shown]
    with whole_file(path) as stream:
        first.save(stream, format="GIF", save_all=True, append_images=rest, duration=duration, loop=0)


def _write_mp4(path: Path, frames: Iterable[Frame], frames_a_second: int) -> None:
    program = find_ffmpeg()
    assert program is not None
    shown = list(frames)
    height, width = (side - side % 2 for side in shown[0][0].shape[:2])  # which the encoder wants even
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.mp4"
        command = [
            program, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
            "-r", str(frames_a_second), "-i", "-", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(made),
        ]  # fmt: skip
        pixels = b"".join(
            np.ascontiguousarray(frame[:height, :width]).tobytes() * max(1, round(seconds * frames_a_second))
            for frame, seconds in shown
        )
        done = subprocess.run(command, input=pixels, capture_output=True, check=False)  # noqa: S603 - ours throughout
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise ConfigError(
                f"{path}: ffmpeg could not write it ({said[-1] if said else 'no reason given'}); try .gif."
            )
        with whole_file(path) as stream:
            stream.write(made.read_bytes())
