"""Runs from several machines as one comparison."""

import json
import shutil

import pytest
from result_cells import cell_files, make_cell, write_results

from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.report.merge import merge
from gloss_pyg.compare.report.runs import read_results
from gloss_pyg.compare.results import Results

SPEC = DataSpec("some/texts")
DATA = {"texts": (SPEC, ["a", "b"], 20)}


def add(folder, method="one", seed=0, rate=1.0, spec=SPEC, **fields):
    cell = make_cell(method, "texts", seed, spec, {"learning_rate": rate})
    results = Results(folder)
    with results.claim(cell):
        results.write(cell, cell_files(cell, ["a", "b"], 20, 1.0, validations=2, **fields))
    return cell


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "first", tmp_path / "second"


def plan(folder, *cells):
    results = Results(folder)
    results.plan(cells)
    results.merge(cells)


def merged(*folders):
    return merge([read_results(folder) for folder in folders])


def test_a_cell_twice_counts_once_and_seeds_add_up(folders):
    write_results(folders[0], DATA, {"one": 1.0, "two": 0.5}, [0, 1], validations=2)
    write_results(folders[1], DATA, {"one": 1.0, "two": 0.5}, [1, 2], validations=2)
    found = merged(*folders)
    assert [cell.name for cell in found.cells] == [("texts", m, s) for m in ("one", "two") for s in (0, 1, 2)]
    assert not found.notes
    assert not found.missing


def test_two_outcomes_of_one_cell_are_told(folders):
    add(folders[0], accuracy=0.5)
    add(folders[1], accuracy=0.75)
    found = merged(*folders)
    assert [cell.record["accuracy"] for cell in found.cells] == [0.5]
    assert "computed twice with the same settings and came out differently: accuracy 50.00" in found.notes[0]


def test_one_name_with_two_settings_is_shown_apart(folders):
    add(folders[0], rate=1.0)
    add(folders[0], seed=1, rate=1.0)
    add(folders[1], seed=2, rate=0.5)
    found = merged(*folders)
    assert found.methods == ["one", "one-2"]
    assert "they are shown as 'one-2' (method.init_args.learning_rate: 1.0 and 0.5)" in found.notes[0]


def test_cells_of_an_earlier_configuration_make_room(folders):
    old = add(folders[0], seed=1, rate=0.5)
    new = add(folders[0], rate=1.0)
    Results(folders[0]).merge([new])
    found = merged(folders[0])
    assert [cell.digest for cell in found.cells] == [new.digest] != [old.digest]
    assert "1 results of an earlier configuration" in found.notes[0]


def test_one_data_set_with_other_documents_is_shown_apart(folders):
    add(folders[0])
    add(folders[1], method="two", spec=DataSpec("some/texts", test_size=10))
    assert merged(*folders).data == ["texts", "texts-2"]
    for path in folders[1].glob("cells/*/settings.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"content": "other documents"}))
    for path in folders[1].glob("cells/*/record.json"):
        path.write_text(json.dumps(json.loads(path.read_text()) | {"test_size": None}))
    found = merged(*folders)
    assert found.data == ["texts", "texts-2"]
    assert "the documents differ" in found.notes[0]


def test_what_failed_here_and_was_finished_there_is_finished(folders):
    cell = add(folders[0])
    other = add(folders[0], seed=1)
    shutil.copytree(folders[0] / "cells" / cell.digest, folders[1] / "cells" / cell.digest)
    for one in (cell, other):
        shutil.rmtree(folders[0] / "cells" / one.digest)
        Results(folders[0]).fail(one, RuntimeError("out of memory"))
    Results(folders[0]).merge([cell, other])
    found = merged(*folders)
    assert [one.name for one in found.cells] == [("texts", "one", 0)]
    assert [(one["seed"], one["error"]) for one in found.failed] == [(1, "RuntimeError: out of memory")]
    assert not found.missing


def test_missing_and_begun_cells(folders):
    cells = write_results(folders[0], DATA, {"one": 1.0, "two": 0.5}, [0, 1], validations=2)
    shutil.rmtree(folders[0] / "cells" / cells[0].digest)
    found = merged(folders[0])
    assert found.missing == (("texts", "one", 0),)
    assert found.claimed == 1


def test_what_cannot_be_read_is_a_note(folders):
    cell = add(folders[0])
    add(folders[0], seed=1)
    record = folders[0] / "cells" / cell.digest / "record.json"
    for content, said in (("{", "cannot be read"), ("[]", "cannot be read"), ('{"method": "one"}', "its record lacks")):
        record.write_text(content)
        found = merged(folders[0])
        assert len(found.cells) == 1
        assert said in found.notes[0]


def test_a_folder_of_cells_alone_gives_budgets_by_size(folders):
    budgets = {f"texts-{number}": (DataSpec("some/texts", train_size=number), ["a", "b"], 20) for number in (20, 5)}
    write_results(folders[0], budgets, {"one": 1.0}, [10, 2], validations=2)
    (folders[0] / "results.jsonl").unlink()
    assert [cell.name for cell in read_results(folders[0]).cells] == [
        (f"texts-{number}", "one", seed) for number in (5, 20) for seed in (2, 10)
    ]


def test_what_was_planned_and_is_not_there_is_missing(folders):
    cells = [
        make_cell(method, "texts", seed, SPEC, {"learning_rate": 1.0 + (method == "two")})
        for seed in (0, 1)
        for method in ("one", "two")
    ]
    results = Results(folders[0])
    results.plan(cells)
    with results.claim(cells[1]):
        results.write(cells[1], cell_files(cells[1], ["a", "b"], 20, 1.0, validations=2))
    found = merged(folders[0])
    assert found.missing == (("texts", "one", 0), ("texts", "one", 1), ("texts", "two", 1))
    add(folders[1])  # the first of them, on another machine
    assert merged(*folders).missing == (("texts", "one", 1), ("texts", "two", 1))


def test_what_another_run_has_under_another_name_is_not_missing(folders):
    for folder, name in zip(folders, ("ce", "cross-entropy"), strict=True):
        cell = add(folder, method=name)
        Results(folder).plan([cell])
        Results(folder).merge([cell])
    assert merged(*folders).missing == ()


def test_results_that_the_last_configuration_replaces_are_not_shown_before_its_own_are_there(folders):
    for seed in (0, 1, 2):
        add(folders[0], seed=seed, rate=0.5)
    kept = add(folders[0], method="two", rate=2.0)
    asked = [make_cell("one", "texts", seed, SPEC, {"learning_rate": 1.0}) for seed in (0, 1)]
    plan(folders[0], *asked, kept)
    found = merged(folders[0])
    assert [cell.name for cell in found.cells] == [("texts", "two", 0)]
    assert found.missing == (("texts", "one", 0), ("texts", "one", 1))
    assert found.notes == (f"one on texts: 3 results of an earlier configuration of {folders[0]} are left out.",)
    add(folders[0], seed=1)
    found = merged(folders[0])
    assert [cell.name for cell in found.cells] == [("texts", "one", 1), ("texts", "two", 0)]
    assert found.missing == (("texts", "one", 0),)
    assert "are left out (method.init_args.learning_rate: 1.0 and 0.5)" in found.notes[0]


def test_seeds_that_the_last_configuration_does_not_name_stay(folders):
    add(folders[0], seed=0)
    plan(folders[0], add(folders[0], seed=1))
    found = merged(folders[0])
    assert [cell.name for cell in found.cells] == [("texts", "one", 0), ("texts", "one", 1)]
    assert found.missing == found.notes == ()


def test_documents_that_changed_between_two_seeds_are_not_averaged(folders):
    add(folders[0], seed=0, held_out_content="before")
    plan(folders[0], add(folders[0], seed=1, held_out_content="after"))
    found = merged(folders[0])
    assert [cell.name for cell in found.cells] == [("texts", "one", 1)]
    assert "1 results of an earlier configuration" in found.notes[0]
    assert "the documents differ" in found.notes[0]
    add(folders[1], seed=2, held_out_content="before")
    assert merged(*folders).data == ["texts", "texts-2"]


def test_settings_have_one_name_on_all_data_sets(folders):
    for folder, rate, data in ((folders[0], 0.1, "a"), (folders[1], 5.0, "b"), (folders[1], 5.0, "a")):
        cell = make_cell("one", data, 0, DataSpec(data), {"learning_rate": rate})
        with Results(folder).claim(cell):
            Results(folder).write(cell, cell_files(cell, ["a", "b"], 20, 1.0, validations=2))
    found = merged(*folders)
    assert {cell.name[:2]: json.loads(cell.record["method_arguments"])["learning_rate"] for cell in found.cells} == {
        ("a", "one"): 0.1,
        ("a", "one-2"): 5.0,
        ("b", "one-2"): 5.0,
    }


def test_what_failed_or_was_begun_for_an_earlier_configuration_is_no_failure(folders):
    old, begun = (make_cell("one", "texts", seed, SPEC, {"learning_rate": 0.5}) for seed in (0, 1))
    results = Results(folders[0])
    with results.claim(old):
        results.fail(old, RuntimeError("too fast"))
    with results.claim(begun):
        pass
    plan(folders[0], add(folders[0]))
    found = merged(folders[0])
    assert found.failed == ()
    assert found.claimed == 0
