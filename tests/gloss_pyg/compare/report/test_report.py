"""The whole report of a made-up comparison: what it says, in all formats, whatever the documents hold."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise

import pytest
import yaml
from headless_chromium import Chromium, why_not
from markdown_it import MarkdownIt
from result_cells import budgets, cell_files, make_cell, write_corpus, write_results

from gloss_pyg.compare.command_line import read_arguments
from gloss_pyg.compare.configuration import DataSpec
from gloss_pyg.compare.report.__main__ import main
from gloss_pyg.compare.results import Results

HOSTILE = (
    "<script>alert(1)</script><img src=http://example.org/x.png onerror=alert(2)>",
    "\u202eturned around \u2067 and \x00 NUL \x1b[31m",
    "x" * 10**6,
    "emoji \U0001f469\u200d\U0001f469\u200d\U0001f467 and 漢字 \u0644",
    "]]> --> </style></textarea> ${7*7} {{7*7}} \\input{/etc/passwd} $x^2$ % _ # ~ ^ \\end{document}",
    "a" + "\u0301" * 200,
    "| a | b |\n|---|---|\n[link](javascript:alert(1)) `code` ![i](http://example.org/z.png) <!-- www.example.org",
)
CLASSES = ["<b>posi|tive</b> $_{", "negative"]  # sorted, as the loader has them
METHODS = {"cross-entropy": 0.4, "g-loss": 1.6, "tf-idf": 0.3}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two data sets, one with two budgets, three methods, three seeds; one cell failed, one is missing."""
    folder = tmp_path_factory.mktemp("report")
    corpus = write_corpus(folder / "reviews", CLASSES, {"train": 20, "val": 10, "test": 60}, HOSTILE)
    topics = write_corpus(folder / "topics", ["a", "b", "c"], {"train": 30, "val": 12, "test": 60})
    data = {"reviews": (DataSpec(str(corpus)), CLASSES, 60)}
    data |= {name: (spec, ["a", "b", "c"], 60) for name, spec in budgets(topics, [5, None]).items()}
    cells = write_results(folder / "run", data, METHODS, [0, 1, 2], validations=4)
    results = Results(folder / "run")
    lost = [cell for cell in cells if cell.method == "tf-idf" and cell.data == "reviews"]
    for cell in lost[1:]:
        shutil.rmtree(results.cell_folder(cell))
    results.fail(lost[1], ValueError("<i>not</i> a number & more"))
    results.merge(cells)
    assert main([str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def page(made):
    return (made / "report" / "report.html").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """The elements of a page, checked to be closed in order."""

    VOID = ("meta", "link", "br", "img", "input")

    def __init__(self, text):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def test_the_answer_comes_first(page):
    text = " ".join(Tags(page).texts)
    assert (
        text.index("Of 9 differences in accuracy") < text.index("What was compared") < text.index("Scores on reviews")
    )
    assert "g-loss has the highest accuracy" in text
    assert "1 fit failed and 1 fit of the grid is missing" in text
    assert "ValueError: <i>not</i> a number & more" in text


def test_the_page_is_sound_and_asks_for_nothing(page):
    tags = Tags(page).found
    names = {tag for tag, _ in tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "b", "i", "textarea", "base", "form"}
    links = [attrs[key] for tag, attrs in tags for key in ("href", "src", "xlink:href") if key in attrs]
    identities = [attrs["id"] for _, attrs in tags if "id" in attrs]
    assert len(identities) == len(set(identities))
    for link in links:
        assert link == "data:," or (link[0] == "#" and link[1:] in identities), link
    assert not re.findall(r"url\((?!#)", page)
    for reference in re.findall(r"url\(#([^)]+)\)", page):
        assert reference in identities
    assert not [key for _, attrs in tags for key in attrs if key.startswith("on")]


def test_tables_and_charts_can_be_heard(page):
    tags = Tags(page).found
    identities = {attrs["id"] for _, attrs in tags if "id" in attrs}
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in tags if tag == "th")
    for tag, attrs in tags:
        if tag in ("table", "svg"):
            assert set(attrs["aria-labelledby"].split()) <= identities
        if tag == "svg":
            assert attrs["role"] == "img"
    count = [tag for tag, _ in tags].count
    assert count("svg") == count("desc") == count("figcaption") > 5
    levels = [int(tag[1]) for tag, _ in tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later <= before + 1 for before, later in pairwise(levels))


def test_documents_are_shown_harmlessly_on_the_page(page):
    text = "".join(Tags(page).texts)
    shown = [
        hostile for hostile in ("<script>alert(1)</script>", "{{7*7}}", "(1,000,000 characters)") if hostile in text
    ]
    assert shown, "none of the hostile documents was wrong: choose worse methods"
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f]", page)
    assert "x" * 1000 not in page


def test_markdown_says_the_same_and_holds_no_markup_of_documents(made):
    text = (made / "report" / "report.md").read_text(encoding="utf-8")
    html = MarkdownIt("commonmark").enable("table").render(text)
    tags = Tags(html).found
    assert {tag for tag, _ in tags} <= {
        *("h1", "h2", "h3", "h4", "p", "ul", "li", "a", "strong", "em", "details", "summary", "blockquote"),
        *("table", "thead", "tbody", "tr", "th", "td", "pre", "code"),
    }
    assert all(attrs["href"].startswith("#") for tag, attrs in tags if tag == "a")
    assert "alert(1)" in html
    rows = re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)
    assert any("posi|tive" in row for row in rows)
    assert "Of 9 differences in accuracy" in html


def test_latex_escapes_everything(made):
    text = (made / "report" / "report.tex").read_text(encoding="utf-8")
    body = text[text.index(r"\begin{document}") : text.rindex(r"\end{document}")]
    assert r"\input" not in body
    assert r"\end{document}" not in body
    assert re.fullmatch("[\x0a\x20-\x7e\u00a0-\u00ff]*", body)
    assert "Of 9 differences in accuracy" in body


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles(made, tmp_path):
    source = made / "report" / "report.tex"
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", f"-output-directory={tmp_path}", str(source)]
    found = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=120)
    assert found.returncode == 0, found.stdout[-2000:]


@pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a browser")
def test_a_browser_shows_it_without_errors_and_without_asking_for_more(made):
    page = made / "report" / "report.html"
    with Chromium() as browser:
        for width in (390, 1280):
            browser.show(page, width=width)
            assert browser.evaluate("return document.documentElement.scrollWidth") <= width
        assert browser.console() == []
        assert set(browser.requests()) == {page.resolve().as_uri()}
        dark = "return getComputedStyle(document.body).backgroundColor"
        light = browser.evaluate(dark)
        browser.show(page, dark=True)
        assert browser.evaluate(dark) != light


def test_no_texts_of_documents_where_they_are_not_wanted(made, tmp_path):
    assert main([str(made), "--output", str(tmp_path), "--no-texts", "--reference", "cross-entropy"]) == 0
    for name in ("report.html", "report.md", "report.tex"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "alert" not in text
        assert "test document" not in re.sub("test documents", "", text)
        assert "All methods are compared with cross" in text


def test_a_data_set_that_is_gone_or_changed_is_told(made, tmp_path):
    corpus = made.parent / "reviews"
    moved = corpus.rename(made.parent / "elsewhere")
    try:
        assert main([str(made), "--output", str(tmp_path / "gone")]) == 0
        write_corpus(corpus, ["other", "classes"], {"train": 20, "val": 10, "test": 60})
        assert main([str(made), "--output", str(tmp_path / "changed")]) == 0
    finally:
        shutil.rmtree(corpus)
        moved.rename(corpus)
    assert "a report downloads nothing" in (tmp_path / "gone" / "report.html").read_text()
    assert "is not the one that the results are from" in (tmp_path / "changed" / "report.html").read_text()


def test_the_configuration_is_one_that_compare_reads(made):
    path = made / "report" / "configuration.yaml"
    assert list(yaml.safe_load(path.read_text())["methods"]) == list(METHODS)
    read = read_arguments(["--config", str(path)]).check()
    assert read.data["reviews"] == DataSpec(str(made.parent / "reviews"))
    assert read.data["topics-5"].labels_per_class == 5
    assert read.methods["g-loss"]["init_args"]["learning_rate"] == 2e-5
    assert read.seeds == (0, 1, 2)


def test_statistics_are_written_beside(made):
    found = json.loads((made / "report" / "statistics.json").read_text())
    assert {one["verdict"] for one in found["comparisons"]} <= {"holds", "is noise", "cannot be told"}


def test_one_method_alone_is_reported_without_a_comparison(tmp_path):
    spec = DataSpec(str(write_corpus(tmp_path / "alone", ["a", "b"], {"train": 8, "val": 6, "test": 20})))
    write_results(tmp_path / "run", {"alone": (spec, ["a", "b"], 20)}, {"only": 1.0}, [0], validations=2)
    assert main([str(tmp_path / "run")]) == 0
    text = (tmp_path / "run" / "report" / "report.html").read_text()
    assert "Nothing could be compared" in text
    assert "only reaches an accuracy of" in text


def test_a_record_of_an_older_version_and_spoilt_predictions_are_no_reason_to_fail(tmp_path):
    spec = DataSpec(str(write_corpus(tmp_path / "old", ["a", "b"], {"train": 8, "val": 6, "test": 30})))
    results = Results(tmp_path / "run")
    for seed, method in enumerate(("one", "two", "three")):
        cell = make_cell(method, "old", 0, spec, {"batch_size": seed})
        files = cell_files(cell, ["a", "b"], 30, 1.0)
        record = json.loads(files["record.json"])
        kept = ("method", "data", "seed", "accuracy", "macro_f1", "digest", "name_or_path", "method_class")
        files["record.json"] = json.dumps({key: record[key] for key in kept}).encode()
        files["history.json"] = b"[]"
        if method == "three":
            files["predictions.parquet"] = b"PAR1 spoilt"
            del files["settings.json"]
        with results.claim(cell):
            results.write(cell, files)
    assert main([str(tmp_path / "run")]) == 0
    text = (tmp_path / "run" / "report" / "report.html").read_text()
    assert "three on old, seed 0 has no part in the statistics" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["{tmp}/nowhere"], "There is no folder"),
        (["{tmp}"], "holds no results of a comparison"),
        (["{run}/cells"], "Did you mean"),
        (["{run}", "{run}/../run"], "are the same folder"),
        (["{run}", "--reference", "cross-entropie"], "Did you mean 'cross-entropy'"),
        (["{run}", "--output", "{run}/results.jsonl"], "is a file"),
    ],
)
def test_what_cannot_work_is_said_in_a_sentence(made, tmp_path, capsys, given, said):
    assert main([text.format(tmp=tmp_path, run=made) for text in given]) == 2
    assert said in capsys.readouterr().err


def test_results_without_a_finished_cell(tmp_path, capsys):
    (tmp_path / "cells").mkdir()
    assert main([str(tmp_path)]) == 2
    assert "There are no finished cells" in capsys.readouterr().err


def test_the_extra_is_named_where_it_is_missing(made, capsys, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main([str(made)]) == 2
    assert "gloss-pyg[stats]" in capsys.readouterr().err
