from pathlib import Path

import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from gloss_pyg.compare import curves
from gloss_pyg.compare.curves import COLOURS, Curve, draw_curves
from gloss_pyg.compare.files import Record


def history(*scores: float | None) -> list[Record]:
    return [
        {"step": 10.0 * row, "seconds": 2.5 * row, "macro_f1": score, "accuracy": 0.5}
        for row, score in enumerate(scores, start=1)
    ]


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    made: list[Figure] = []

    def figure(*args: object, **kwargs: object) -> Figure:
        made.append(Figure(*args, **kwargs))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(curves, "Figure", figure)
    return made


def test_each_seed_is_a_line_against_steps_and_against_seconds(tmp_path: Path, figures: list[Figure]) -> None:
    drawn = [
        Curve("ce", "bbc", 20, history(0.5, 0.7, 0.6)),
        Curve("gloss", "bbc", 10, history(0.6, 0.5)),
        Curve("ce", "bbc", 10, history(0.4)),
        Curve("ce", "MR", 10, history(0.9)),
    ]
    assert draw_curves(drawn, tmp_path / "curves.png")
    steps, seconds, *others = figures[0].axes
    assert len(others) == 2
    lines = [line for line in steps.get_lines() if line.get_linestyle() != "None"]
    assert [list(line.get_xdata()) for line in lines] == [[10, 20, 30], [10, 20], [10]]
    assert list(lines[0].get_ydata()) == pytest.approx([50, 70, 60])
    assert [line.get_color() for line in lines] == [COLOURS[0], COLOURS[1], COLOURS[0]]
    marks = [line for line in steps.get_lines() if line.get_linestyle() == "None"]
    assert [list(mark.get_xdata()) for mark in marks] == [[20], [10], [10]]
    assert list(marks[0].get_ydata()) == pytest.approx([70])
    assert list(seconds.get_lines()[0].get_xdata()) == [2.5, 5.0, 7.5]
    assert [axis.get_title(loc="left") for axis in figures[0].axes] == ["bbc", "", "MR", ""]
    assert [text.get_text() for text in figures[0].legends[0].get_texts()] == ["ce", "gloss"]


def test_a_method_that_was_stopped_by_the_silhouette_has_panels_of_its_own(
    tmp_path: Path, figures: list[Figure]
) -> None:
    alone = [
        {"step": 5.0, "seconds": 1.0, "macro_silhouette": 0.25},
        {"step": 9.0, "seconds": 2.0, "macro_silhouette": 0.5},
    ]
    draw_curves([Curve("alone", "bbc", 9, alone), Curve("ce", "bbc", 20, history(0.5, 0.7))], tmp_path / "curves.png")
    axes = figures[0].axes
    assert [axis.get_ylabel() for axis in axes[::2]] == ["validation macro-F1 (%)", "validation macro silhouette"]
    assert list(axes[2].get_lines()[0].get_ydata()) == [0.25, 0.5]
    assert list(axes[2].get_lines()[1].get_xdata()) == [9]
    assert axes[2].get_lines()[0].get_color() == COLOURS[0]


def test_the_file_is_a_picture_that_shows_something(tmp_path: Path) -> None:
    draw_curves([Curve("ce", "bbc", 20, history(0.5, 0.7))], tmp_path / "curves.png")
    pixels = imread(tmp_path / "curves.png")
    assert pixels.shape[0] > 400
    assert pixels.shape[1] == 1500
    assert pixels[..., :3].std() > 0.01
    assert [path.name for path in tmp_path.iterdir()] == ["curves.png"]


def test_more_methods_than_colours_are_drawn(tmp_path: Path) -> None:
    many = [Curve(f"m{number}", "bbc", 10, history(0.01 * number)) for number in range(20)]
    assert draw_curves(many, tmp_path / "curves.png")


def test_methods_without_a_curve_are_left_out(tmp_path: Path, figures: list[Figure]) -> None:
    assert not draw_curves([Curve("tfidf", "bbc", 0, [])], tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
    assert draw_curves([Curve("tfidf", "bbc", 0, []), Curve("ce", "bbc", 10, history(None, 0.5))], tmp_path / "c.png")
    assert list(figures[0].axes[0].get_lines()[0].get_xdata()) == [20]
