"""What the report must not keep to itself: fits that were cut off, who saw the test texts, what each test says."""

import dataclasses
import re

import pytest
from result_cells import cell_files, make_cell, write_corpus

from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.report import answer
from gloss_pyg.compare.report.__main__ import main
from gloss_pyg.compare.results import Results

SKILLS = {"plain": 1.0, "seer": 2.5, "short": 1.02}


@pytest.fixture(scope="module")
def markdown(tmp_path_factory):
    """A report of three methods: one sees the test texts, one was cut off in one of three fits."""
    folder = tmp_path_factory.mktemp("said")
    spec = DataSpec(str(write_corpus(folder / "texts", ["a", "b"], {"train": 8, "val": 6, "test": 300})))
    results = Results(folder / "run")
    for seed in range(3):
        for place, (method, skill) in enumerate(SKILLS.items()):
            cell = make_cell(method, "texts", seed, spec, {"learning_rate": 1e-5 * (place + 1)})
            cell = dataclasses.replace(cell, transductive=method == "seer")
            how = "limit" if (method, seed) == ("short", 1) else "patience"
            best = {"best_step": 0} if method == "plain" else {}
            with results.claim(cell):
                results.write(cell, cell_files(cell, ["a", "b"], 300, skill, stopped_by=how, **best))
    assert main([str(folder / "run")]) == 0
    return (folder / "run" / "report" / "report.md").read_text().replace("\\", "")


def rows(markdown, caption):
    """The rows of a table, as lists of entries."""
    table = markdown.split(f"**{caption}")[1].split("\n\n")[1]
    return [[entry.replace("**", "").strip() for entry in line.strip("|").split("|")] for line in table.splitlines()]


def test_fits_that_were_cut_off_are_named_at_the_top_and_marked_in_the_table(markdown):
    summary = markdown.split("## Scores")[0]
    assert "ended at the limit of steps, not by their validation score: 1 of 3 of short on texts." in summary
    head, _, *methods = rows(markdown, "Scores on texts")
    steps = {row[0]: row[head.index("best step, of all")] for row in methods}
    assert [name for name, entry in steps.items() if entry.endswith("*")] == ["short"]
    assert steps["plain"] == "0, of 300"  # the start was the best: that is a step too


def test_methods_that_saw_the_test_texts_are_marked_wherever_they_are_compared(markdown):
    assert "seer (transductive) has the highest accuracy" in markdown
    for caption in ("Differences in accuracy on texts", "Differences in macro-F1 on texts", "These fits on texts"):
        named = [entry for row in rows(markdown, caption) for entry in row[:2] if entry.startswith("seer")]
        assert set(named) == {"seer (transductive)"}


def test_mcnemar_speaks_of_each_fit_and_wilcoxon_says_why_it_does_not_speak(markdown):
    head, _, *pairs = rows(markdown, "These fits on texts: McNemar's test")
    assert len(pairs) == 3
    for pair in pairs:
        assert re.fullmatch(r"0: \d+, \d+, \S.*; 1: \d+, \d+, \S.*; 2: \d+, \d+, \S.*", pair[2])
        assert pair[head.index("p (Wilcoxon)")] == "-"
    assert "Wilcoxon's test was not made: 3 seeds can give no p below 0.25." in markdown


def test_cohens_h_stands_beside_accuracy_alone_of_which_it_is(markdown):
    assert "Cohen's h" in rows(markdown, "Differences in accuracy on texts")[0]
    assert "Cohen's h" not in rows(markdown, "Differences in macro-F1 on texts")[0]


@pytest.mark.parametrize(
    ("needed", "never", "said"),
    [
        ([7], 2, "7 seeds would tell it, on these test documents. For 2 more no number up to 1,000 would do."),
        ([7, 30], 0, "7 seeds would tell the first of 2 and 30 all of these, on these test documents."),
        ([5, 7, 30, 99], 0, "5 seeds would tell the first of 4, 7 half of them and 99 all of these"),
        ([5, 7, 30], 1, "7 half of them"),
    ],
)
def test_how_many_seeds_would_be_needed(needed, never, said):
    assert said in answer._seeds_needed(needed, never)


def write(folder, skills):
    """Cells of methods, each with a skill for each of its seeds, on data sets of 300 documents."""
    results = Results(folder)
    for place, ((data, method), of_seeds) in enumerate(skills.items()):
        for seed, skill in of_seeds.items():
            cell = make_cell(method, data, seed, DataSpec(f"some/{data}"), {"learning_rate": 1e-5 * (place + 1)})
            with results.claim(cell):
                results.write(cell, cell_files(cell, ["a", "b"], 300, skill))


def report_of(folder, *arguments):
    assert main([str(folder), "--no-texts", *arguments]) == 0
    return (folder / "report" / "report.md").read_text()


def test_a_mean_over_more_seeds_is_not_said_to_be_better_where_the_seeds_of_both_say_otherwise(tmp_path):
    few, more = {0: 1.0, 1: 1.0, 2: 1.0}, {0: 0.3, 1: 0.3, 2: 0.3} | dict.fromkeys(range(3, 9), 9.0)
    write(tmp_path, {("texts", "more"): more, ("texts", "few"): few})
    said = report_of(tmp_path)
    assert "more has the highest accuracy" in said
    assert "on the seeds of both few is better." in said
    assert "it is better than few" not in said


def test_methods_that_were_not_compared_are_not_among_those_that_cannot_be_told_apart(tmp_path):
    skills = {"one": 1.0, "two": 1.0, "three": 1.2}
    write(tmp_path, {("texts", name): dict.fromkeys(range(3), skill) for name, skill in skills.items()})
    assert "it cannot be told from any other method." in report_of(tmp_path)
    said = report_of(tmp_path, "--reference", "one")
    assert "three has the highest accuracy" in said
    assert "it cannot be told from one." in said


@pytest.mark.parametrize(
    ("skills", "said"),
    [
        (
            {("texts", "one"): {0: 1.0}, ("texts", "two"): {0: 0.5}},
            "Every method was fitted once.",
        ),
        (
            {("texts", "one"): {0: 1.0, 1: 1.0}, ("texts", "two"): {1: 0.5, 2: 0.5}},
            "No two methods have more than one seed in common.",
        ),
        (
            {("texts", "one"): {0: 1.0}, ("others", "two"): {0: 0.5}},
            "No two methods have a seed of one data set in common",
        ),
    ],
)
def test_why_nothing_can_be_told_is_said_as_it_is(tmp_path, skills, said):
    write(tmp_path, skills)
    markdown = report_of(tmp_path)
    assert said in markdown
    assert "0 tests" not in markdown


def test_folded_headings_are_html_not_markdown(tmp_path):
    write(tmp_path, {("texts_5 <b>&", name): {0: 1.0, 1: 1.0} for name in ("one", "two")})
    assert "<summary>1 difference in accuracy on texts_5 &lt;b&gt;&amp;</summary>" in report_of(tmp_path)


def test_tables_say_how_their_intervals_were_made(markdown):
    below = markdown.split("**Scores on texts**")[1].split("*texts: accuracy")[0]
    assert "95 % intervals are over documents and seeds: t interval" in below
    below = markdown.split("**Differences in macro-F1 on texts")[1].split("</details>")[0]
    assert "95 % intervals are over documents and seeds: t interval" in below


def test_data_with_other_classes_have_no_part_in_the_statistics(tmp_path):
    write(tmp_path, {("texts", name): {0: 1.0, 1: 1.0} for name in ("one", "two")})
    cell = make_cell("two", "texts", 2, DataSpec("some/texts"), {"learning_rate": 2e-5})
    with Results(tmp_path).claim(cell):
        Results(tmp_path).write(cell, cell_files(cell, ["a", "b", "c"], 300, 1.0))
    said = report_of(tmp_path).replace("\\", "")
    assert "two on texts, seed 2 has no part in the statistics: its classes are a, b, c, those of one on texts" in said
