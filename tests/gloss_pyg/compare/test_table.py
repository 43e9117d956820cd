import csv
import io
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from gloss_pyg.compare import table
from gloss_pyg.compare.cell import Cell


@pytest.fixture
def records(make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        make_record(make_cell("ce", "b", 0), accuracy=0.70, macro_f1=0.6, fit_seconds=10, best_step=8, steps=20),
        make_record(make_cell("gcn", "b", 0, transductive=True), accuracy=0.9, steps=0, best_step=0),
        make_record(make_cell("ce", "a", 0), accuracy=0.5, macro_silhouette=0.25, peak_memory_bytes=2000),
        make_record(make_cell("ce", "b", 1), accuracy=0.80, macro_f1=0.7, fit_seconds=14, best_step=10, steps=22),
        make_record(make_cell("ce", "b", 2), accuracy=0.75, macro_f1=0.5, fit_seconds=12, best_step=18, steps=30),
        make_cell("gcn", "b", 1, transductive=True).keys() | {"error": "no"},
        make_cell("gcn", "a", 0, transductive=True).keys() | {"error": "no"},
    ]


def test_rows_hold_mean_sample_sd_and_n_grouped_by_data_set(records: list[dict[str, Any]]) -> None:
    rows = table.make_rows(records)
    assert [(row.data, row.method, row.n, row.failed) for row in rows] == [
        ("b", "ce", 3, 0),
        ("b", "gcn", 1, 1),
        ("a", "ce", 1, 0),
        ("a", "gcn", 0, 1),
    ]
    first = rows[0]
    assert first.accuracy == pytest.approx(0.75)
    assert first.accuracy_sd == pytest.approx(math.sqrt((0.05**2 + 0.05**2 + 0) / 2))
    assert first.macro_f1 == pytest.approx(0.6)
    assert first.macro_f1_sd == pytest.approx(0.1)
    assert (first.fit_seconds, first.fit_seconds_sd) == (pytest.approx(12), pytest.approx(2))
    assert (first.best_step, first.steps) == (pytest.approx(12), pytest.approx(24))
    assert math.isnan(first.macro_silhouette)
    assert math.isnan(rows[1].accuracy_sd)
    assert (rows[2].macro_silhouette, rows[2].peak_memory_bytes) == (0.25, 2000)
    assert math.isnan(rows[3].accuracy)


def test_markdown_shows_percent_sd_n_and_marks_transductive_rows(records: list[dict[str, Any]]) -> None:
    text = table.markdown(table.make_rows(records))
    lines = text.splitlines()
    assert lines[2] == "| b | ce | 75.00 ± 5.00 | 60.00 ± 10.00 | - | 12.0 ± 2.0 | 12 ± 5 of 24 | 3 |"
    assert lines[3] == "| b | gcn (transductive) | 90.00 | 40.00 | - | 1.0 | - | 1 (1 failed) |"
    assert lines[4].startswith("| a | ce | 50.00 | 40.00 | 0.250 |")
    assert lines[5] == "| a | gcn (transductive) | - | - | - | - | - | 0 (1 failed) |"
    assert len({line.count("|") for line in lines[:6]}) == 1
    assert "has seen the test texts" in text


def test_the_note_on_transductive_methods_stands_only_where_there_is_one(records: list[dict[str, Any]]) -> None:
    assert "test texts" not in table.markdown(table.make_rows(records[:1]))


def test_rows_with_a_fit_that_ended_at_the_limit_are_marked_and_counted(
    make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    ended = {"ce": ["patience"] * 3, "g": ["limit", "patience", "limit"], "svm": [None] * 3}
    records = [
        make_record(make_cell(method, "mr", seed), stopped_by=how)
        for method, ways in ended.items()
        for seed, how in enumerate(ways)
    ]
    rows = table.make_rows(records)
    assert [row.at_limit for row in rows] == [0, 2, 0]
    lines = table.markdown(rows).splitlines()
    assert ["of 30* |" in line for line in lines[2:5]] == [False, True, False]
    assert "* 2 of 3 (g on mr) ended at the limit of steps, not by their validation score" in table.notes(rows)
    assert "limit of steps" not in table.notes(rows[:1] + rows[2:])


def test_times_are_shown_apart_where_there_is_a_graph_or_a_fine_tuning(
    make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    plain = make_record(make_cell("ce"), setup_seconds=2.0, graph_seconds=0.0, training_seconds=8.0)
    assert "set-up +" not in table.markdown(table.make_rows([plain]))
    joint = {"setup_seconds": 30.0, "checkpoint_seconds": 25.0, "graph_seconds": 1.5, "training_seconds": 60.0}
    other = {"setup_seconds": 40.0, "checkpoint_seconds": 31.0, "graph_seconds": 2.5, "training_seconds": 80.0}
    cells = [make_cell("gcn", seed=seed, transductive=True) for seed in (0, 1)]
    rows = table.make_rows([plain, make_record(cells[0], **joint), make_record(cells[1], **other)])
    text = table.markdown(rows)
    assert "- texts, ce: 2.0 + 0.0 + 0.0 + 8.0\n" in text
    assert "- texts, gcn (transductive): 7.0 + 28.0 + 2.0 + 70.0\n" in text
    assert json.loads(table.table_json(rows))[1]["checkpoint_seconds"] == 28.0


def test_csv_and_json_hold_the_numbers_unrounded(records: list[dict[str, Any]]) -> None:
    rows = table.make_rows(records)
    from_csv = list(csv.DictReader(io.StringIO(table.to_csv(rows))))
    from_json = json.loads(table.table_json(rows))
    assert len(from_csv) == len(from_json) == 4
    assert set(from_csv[0]) == set(from_json[0])
    assert float(from_csv[0]["accuracy_sd"]) == rows[0].accuracy_sd == from_json[0]["accuracy_sd"]
    assert from_csv[1]["accuracy_sd"] == ""
    assert from_json[1]["accuracy_sd"] is None
    assert from_json[1]["transductive"] is True


def test_the_terminal_shows_the_same_cells_as_markdown(records: list[dict[str, Any]]) -> None:
    console = Console(width=200, file=io.StringIO(), record=True)
    console.print(table.rich_table(table.make_rows(records)))
    shown = console.export_text()
    for cell in ("75.00 ± 5.00", "12 ± 5 of 24", "gcn (transductive)", "1 (1 failed)"):
        assert cell in shown


def test_names_with_a_bar_do_not_break_markdown(
    make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    assert "| a\\|b |" in table.markdown(table.make_rows([make_record(make_cell("a|b"))]))


def test_the_footnote_says_by_which_score_steps_were_chosen(
    make_cell: Callable[..., Cell], make_record: Callable[..., dict[str, Any]]
) -> None:
    record = make_record(make_cell("ce", "a", 0))
    record.pop("chosen_by", None)  # as older versions wrote it
    assert "silhouette." not in table.notes(table.make_rows([record]))
    alone = [make_record(make_cell("alone", data, 0), chosen_by="macro_silhouette") for data in "ab"]
    rows = table.make_rows([record, *alone])
    assert [row.chosen_by for row in rows] == ["macro_f1", "macro_silhouette", "macro_silhouette"]
    assert "best validation macro-F1, whose" in table.notes(rows)
    assert "Of alone it is the one with the best validation macro silhouette." in table.notes(rows)
