import time
from pathlib import Path

import pytest
import torch
from headless_chromium import Chromium, why_not

pytest.importorskip("bokeh", reason="bokeh is not installed")

from gloss_pyg import DenseGaussian, GLoss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import save_page

HOSTILE = (
    "<script>window.hacked = 1</script></script><img src=x onerror='window.hacked=2'> {{ 7*7 }} $$x^2$$ \u202eleft\x00"
)
NAMES = ["sport <b>", "trade $$y$$", "music"]


@pytest.fixture(scope="module")
def moments():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(30) % 3
    centres = torch.randn(3, 8, generator=generator)
    first = torch.randn(30, 8, generator=generator) + centres[labels]
    loss = GLoss(DenseGaussian(sigma=0.5)).eval()
    return [loss.propagate(rows, labels) for rows in (first, first + 2 * centres[labels])], labels


@pytest.fixture(scope="module")
def page(moments, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "batch.html"
    texts = [f"{HOSTILE} number {n}{' goal' if n % 10 == 0 else ''}" for n in range(29)] + ["long " * 200_000]
    save_page(moments[0], path, names=["before $$z$$", "after"], labels=moments[1], class_names=NAMES, texts=texts)
    return path


ROOT = "const root = Bokeh.documents[0].roots()[0], of = name => root.children.find(part => part.type.includes(name));"
DEEP = """
const below = node => [...node.children, ...(node.shadowRoot ? node.shadowRoot.children : [])];
const every = node => [node, ...below(node).flatMap(every)];
const all = every(document.body);
"""


@pytest.fixture(scope="module")
def browser():
    if reason := why_not():
        pytest.skip(reason)
    with Chromium() as chromium:
        yield chromium


@pytest.fixture
def opened(browser, page):
    browser.console(), browser.requests()
    browser.show(page, width=1200, height=1000)
    for _ in range(100):
        if browser.evaluate("return Bokeh.documents.length > 0 && Bokeh.documents[0].is_idle"):
            break
        time.sleep(0.1)
    return browser


def test_it_asks_for_nothing_and_complains_of_nothing(opened):
    asked = [address for address in opened.requests() if not address.startswith(("data:", "blob:"))]
    assert [Path(address).name for address in asked] == ["batch.html"]
    assert [line for line in opened.console() if "[bokeh" not in line] == []
    assert opened.evaluate("return typeof window.hacked") == "undefined"
    assert opened.evaluate("return typeof MathJax") == "undefined"


def test_typing_rings_the_documents_that_hold_the_words(opened):
    opened.evaluate(f"{DEEP} all.find(node => node.tagName === 'INPUT' && node.type === 'text').focus()")
    opened.command("Input.insertText", text="GOAL")
    time.sleep(0.5)
    found = opened.evaluate("return Bokeh.documents[0].get_model_by_name('found').data_source.data.x.length")
    assert found == 3
    words = opened.evaluate(f"{ROOT} return root.children.filter(part => part.type === 'Div').map(part => part.text)")
    assert "3 of 30 documents" in words


def test_pointing_at_a_document_shows_its_text_as_it_is(opened):
    x, y = opened.evaluate(
        f"""{ROOT} const plot = of('Figure'), view = Bokeh.index.get_by_id(root.id)
            .child_views.find(child => child.model === plot);
        const nodes = plot.renderers[1].data_source.data, box = view.canvas_view.el.getBoundingClientRect();
        return [box.x + view.frame.x_scale.compute(nodes.x[1]), box.y + view.frame.y_scale.compute(nodes.y[1])]"""
    )
    for step in (-3, 0):
        opened.command("Input.dispatchMouseEvent", type="mouseMoved", x=x + step, y=y)
        time.sleep(0.4)
    shown = opened.evaluate(
        f"{DEEP} return all.filter(node => node.className === 'bk-tooltip-content' || "
        "String(node.className).includes('Tooltip')).map(node => (node.shadowRoot || node).textContent).join(' ')"
    )
    assert "<script>window.hacked = 1</script>" in shown
    assert "number 1" in shown
    assert "trade $$y$$" in shown
    assert opened.evaluate("return typeof window.hacked") == "undefined"


def test_the_slider_moves_documents_and_keeps_the_search(opened):
    def where():
        return opened.evaluate(f"{ROOT} return of('Figure').renderers[1].data_source.data.x")

    before = where()
    opened.evaluate(f"{ROOT} of('TextInput').value_input = 'number 20'; of('Slider').value = 1;")
    time.sleep(0.3)
    after = where()
    assert before != after
    ringed = opened.evaluate("return Bokeh.documents[0].get_model_by_name('found').data_source.data.x")
    assert ringed == [after[20]]
    assert opened.evaluate(f"{ROOT} return of('Div').text").startswith("<b>after</b>")
    assert [line for line in opened.console() if "[bokeh" not in line] == []


def test_it_fits_a_telephone(opened, page):
    opened.show(page, width=390, height=800)
    time.sleep(1)
    assert opened.evaluate("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_texts_are_cut_and_the_page_stays_small(page):
    assert page.stat().st_size < 3_000_000


def test_one_moment_needs_no_slider(moments, tmp_path):
    save_page(moments[0][0], tmp_path / "one.html", labels=moments[1])
    text = (tmp_path / "one.html").read_text("utf-8")
    assert '"Slider"' not in text.partition('type="application/json"')[2]


@pytest.mark.parametrize(
    ("path", "more", "error", "match"),
    [
        ("page.png", {}, ConfigError, r"ends in \.html"),
        ("nowhere/page.html", {}, ConfigError, "folder that is there"),
        ("page.html", {"texts": ["one"]}, DataError, "1 texts for 30 documents"),
        ("page.html", {"names": ["one"]}, DataError, "1 names for 2 moments"),
    ],
)
def test_what_cannot_be_is_answered(moments, tmp_path, path, more, error, match):
    with pytest.raises(error, match=match):
        save_page(moments[0], tmp_path / path, labels=moments[1], **more)
    assert not list(tmp_path.iterdir())


def test_without_bokeh_the_extra_is_named_before_anything_is_loaded(monkeypatch, tmp_path, capsys):
    import importlib.util

    from gloss_pyg.viz.__main__ import main

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "bokeh" else find(name, *rest))
    assert main(["offline", "--data", "bbc", "--output", str(tmp_path / "page.html")]) == 2
    said = capsys.readouterr().err
    assert 'pip install "gloss-pyg[viz]"' in said
    assert "loading" not in said
