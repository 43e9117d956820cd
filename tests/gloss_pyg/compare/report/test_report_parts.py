"""Parts of the report by themselves: texts made fit, formats' escapes, published figures, colours, per-class scores."""

import json
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from sklearn.metrics import f1_score

from gloss_pyg.compare.report import latex, markdown, published
from gloss_pyg.compare.report.charts import _steps
from gloss_pyg.compare.report.drawing import chart, look, to_svg
from gloss_pyg.compare.report.outcomes import class_f1
from gloss_pyg.compare.report.texts import LONGEST, fit_to_show

ANY = st.text(st.characters(), max_size=60)


@given(ANY)
def test_texts_hold_nothing_that_acts(text):
    shown = fit_to_show(text)
    assert not [
        x for x in shown if unicodedata.category(x) in ("Cc", "Cs") or unicodedata.bidirectional(x) in ("RLO", "LRO")
    ]
    shown.encode("utf-8")
    assert shown == fit_to_show(shown) or len(shown) > LONGEST


def test_texts_are_cut():
    shown = fit_to_show("ab " * 10**6)
    assert len(shown) < LONGEST + 40
    assert shown.endswith("… (3,000,000 characters)")
    assert fit_to_show("e" + "\u0301" * 100) == "e" + "\u0301" * 4


@given(ANY)
def test_markdown_gives_the_text_back(text):
    plain = " ".join(fit_to_show(text).split())
    html = MarkdownIt("commonmark").enable("table").render(f"| x |\n|---|\n| {markdown.escape(plain)}. |")
    cell = re.search(r"<td>(.*?)</td>", html, re.DOTALL)[1]
    assert "<" not in cell
    back = cell.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
    assert back == f"{plain}."


@given(ANY)
def test_latex_holds_no_command_of_the_text(text):
    shown = latex.escape(text)
    assert re.fullmatch("[\x20-\x7e\u00a0-\u00ff]*", shown)
    known = {found.strip("\\{}") for found in latex._WRITTEN.values() if found.startswith("\\")}
    assert set(re.findall(r"\\([A-Za-z]+|.)", shown)) <= known | set("{}$&#%_")
    assert len(re.findall(r"(?<!\\)\{", shown)) == len(re.findall(r"(?<!\\)\}", shown))


def test_f1_of_classes_equals_scikit_learn():
    generator = np.random.default_rng(0)
    labels, predicted = generator.integers(0, 5, 200), generator.integers(0, 4, 200)
    confusion = np.zeros((6, 6), np.int64)
    np.add.at(confusion, (labels, predicted), 1)
    ours = class_f1(confusion)
    assert np.isnan(ours[5])
    np.testing.assert_allclose(ours[:5], f1_score(labels, predicted, average=None, labels=range(5), zero_division=0))


def record(**fields):
    base = {"name_or_path": "R8", "encoder": "bert-base-uncased", "method_class": "gloss_pyg.FineTuning"}
    return base | {"method_arguments": "{}"} | fields


SQRT = {"class_path": "gloss_pyg.DenseGaussian", "init_args": {"sigma": "sqrt"}}


def loss(name, **arguments):
    return {"class_path": name, "init_args": arguments}


@pytest.mark.parametrize(
    ("fields", "figures"),
    [
        ({}, "97.57 / 93.90"),
        ({"encoder": "/models/distilbert-base-uncased/"}, "97.48 / 93.02"),
        ({"encoder": "roberta-large"}, "97.80"),
        ({"loss": loss("gloss_pyg.HybridLoss", graph_loss=loss("gloss_pyg.GLoss", graph=SQRT))}, "97.67 / 94.34"),
        ({"loss": loss("HybridLoss", graph_loss=loss("GLoss"))}, "97.67 / 94.34"),  # by default the sqrt rule
        ({"loss": loss("HybridLoss", graph_loss=loss("GLoss", graph=loss("DenseGaussian", sigma=2)))}, "97.91 / 94.53"),
        ({"loss": loss("HybridLoss", graph_loss=loss("SupervisedContrastive"))}, "97.88 / 93.96"),
        ({"method_class": "gloss_pyg.Standalone", "loss": loss("BatchAllTriplet")}, "97.30"),
        ({"method_class": "baselines.textgcn.TextGCN", "encoder": ""}, "97.07"),
        ({"method_class": "baselines.bertgcn.BertGCN"}, "98.10"),
    ],
)
def test_published_figures_of_published_settings(fields, figures):
    arguments = {"loss": fields.pop("loss")} if "loss" in fields else {}
    found = published.published_for([record(**fields, method_arguments=json.dumps(arguments))] * 3)
    assert found.text == figures


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"name_or_path": "bbc"}, "none of the published ones"),
        ({"labels_per_class": 5}, "label budget"),
        ({"test_size": 100}, "all test documents"),
        ({"encoder": "offline"}, "nothing was published for the encoder offline"),
        ({"method_class": "baselines.tfidf.TfIdf"}, "methods of this kind"),
        ({"prediction": loss("PropagationHead")}, "methods of this kind"),
        ({"loss": loss("HybridLoss", graph_loss=loss("GLoss", graph=loss("KNNGaussian")))}, "methods of this kind"),
        ({"loss": loss("HybridLoss", graph_loss=loss("GLoss", propagation=loss("HeatKernel")))}, "of this kind"),
        ({"loss": loss("HybridLoss", graph_loss=loss("GLoss"), unlabelled_loss=loss("AgreementLoss"))}, "of this kind"),
    ],
)
def test_no_published_figures_for_other_settings(fields, reason):
    arguments = {key: fields.pop(key) for key in ("loss", "prediction") if key in fields}
    found = published.published_for([record(**fields, method_arguments=json.dumps(arguments))])
    assert found.entry is None
    assert reason in found.reason


def test_what_differs_from_the_published_setting_is_said():
    arguments = json.dumps({"batch_size": 64, "max_length": 128, "pooling": "mean"})
    found = published.published_for([record(method_arguments=arguments, validation_size=100)])
    assert found.differs == (
        "batch_size 64, published 128",
        "pooling mean, published cls",
        "100 validation documents, published all",
        "1 seeds, published 3",
    )


@pytest.mark.parametrize(
    ("method_class", "arguments", "said"),
    [
        (
            "FineTuning",
            {"loss": loss("ClassificationLoss", label_smoothing=0.1)},
            ["label smoothing 0.1, published none"],
        ),
        ("FineTuning", {"learning_rate": 1e-3}, ["learning_rate 0.001, published 1e-05 to 5e-05"]),
        (
            "FineTuning",
            {"loss": loss("HybridLoss", weight=0.01, graph_loss=loss("SupervisedContrastive", temperature=5))},
            ["weight (lambda) 0.01, published 0.1 to 0.9", "temperature 5, published 0.01 to 1"],
        ),
        ("Standalone", {"loss": loss("BatchAllTriplet", margin=1)}, ["margin 1, published 5"]),
        ("Standalone", {"loss": loss("BatchAllTriplet", margin=5)}, []),
        (
            "Standalone",
            {
                "loss": loss(
                    "GLoss", labelled_fraction=0.95, objective="PublishedCode", graph=loss("DenseGaussian", sigma=1)
                )
            },
            ["labelled_fraction (gamma) 0.95, published 0.1 to 0.9", "sigma, gamma and lambda were searched for there"],
        ),
    ],
)
def test_arguments_of_a_loss_that_are_not_the_published_ones_are_said(method_class, arguments, said):
    fields = {"method_class": f"gloss_pyg.{method_class}", "method_arguments": json.dumps(arguments)}
    assert list(published.published_for([record(**fields)] * 3).differs) == said


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_colours_are_told_from_the_paper_in_both_schemes():
    """WCAG 2.2: 4.5 for text, 3 for parts of charts."""
    css = Path(published.__file__).with_name("report.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        pairs = [(text, back, 4.5) for text in ("ink", "link") for back in ("paper", "wash", "answer", "warning")]
        pairs += [("quiet", "paper", 4.5), ("quiet", "wash", 4.5)]
        pairs += [(f"series-{number}", "paper", 3) for number in range(7)]
        for text, back, least in pairs:
            light, dark = sorted((luminance(colours[text]), luminance(colours[back])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= least, (text, back, colours)


def test_methods_are_told_apart_by_their_lines():
    assert len({(colour, str(style)) for colour, style, _ in map(look, range(28))}) == 28
    assert len({look(number)[::2] for number in range(28)}) == 28


def test_a_chart_takes_its_colours_from_the_page_and_keeps_texts_as_texts():
    with chart(2.0, [("<a> $x$", 0)]) as (figure, axis):
        axis.plot([1, 2], [1, 2], color=look(0)[0])
        axis.set_xlabel("5 < 6 & $7$")
        svg = to_svg(figure, "name", "A <title>", "what & why")
    assert "var(--series-0)" in svg
    assert "currentColor" in svg
    assert "#0102" not in svg
    assert "5 &lt; 6 &amp; $7$" in svg
    assert "<!--" not in svg
    assert '<title id="name-t">A &lt;title&gt;</title><desc id="name-d">what &amp; why</desc>' in svg


@pytest.mark.parametrize(("low", "high"), [(234.0, 741.0), (5.0, 4000.0), (1.2, 4.1), (0.01, 100.0)])
def test_a_logarithmic_axis_has_enough_numbers(low, high):
    assert 3 <= len(_steps(low, high)) <= 8


def test_a_report_needs_none_of_the_libraries_that_train():
    code = "import sys, gloss_pyg.compare.report.build; print({'torch', 'transformers', 'datasets'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
