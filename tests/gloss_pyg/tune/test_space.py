"""Ranges: how they are written, what is refused, and how values get into arguments."""

import math

import pytest

from gloss_pyg import FineTuning, GLoss, HybridLoss
from gloss_pyg.errors import ConfigError
from gloss_pyg.losses import AgreementLoss
from gloss_pyg.methods import Choice, Interval
from gloss_pyg.tune.space import bounds, put, read_space, spell_out


def test_ranges_are_read_as_they_are_written():
    given = {
        "rate": {"low": "1e-5", "high": 1e-3, "log": True},  # YAML takes 1e-5 for a text
        "k": {"low": 2, "high": 9},
        "loss.kind": {"choices": ["a", None, True, "2e-5"]},
    }
    assert read_space(given, "search.m") == {
        "rate": Interval(1e-5, 1e-3, log=True),
        "k": Interval(2, 9),
        "loss.kind": Choice(("a", None, True, 2e-5)),
    }


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([1], "expected a range for each argument"),
        ({"x": 3}, r"search.m.x is 3; expected \{low"),
        ({"x": {"low": 1}}, "expected {low"),
        ({"x": {"low": 1, "hihg": 2}}, "'hihg'.*Did you mean 'high'"),
        ({"x": {"choices": [1, 2], "low": 1}}, "has 'low'"),
        ({"x": {"low": 2, "high": 1}}, "expected low below high"),
        ({"x": {"low": 0, "high": 1, "log": True}}, "expected a number above 0"),
        ({"x": {"low": 0, "high": 1, "log": "yes"}}, "expected true or false"),
        ({"x": {"low": "a", "high": 1}}, "expected two numbers"),
        ({"x": {"low": True, "high": 2}}, "expected two numbers"),
        ({"x": {"low": 0, "high": math.inf}}, "expected two numbers"),
        ({"x": {"choices": "ab"}}, "expected a list"),
        ({"x": {"choices": [1]}}, "at least two different"),
        ({"x": {"choices": [1, 1]}}, "at least two different"),
        ({"x": {"choices": [[1], [2]]}}, "expected numbers, texts"),
    ],
)
def test_what_is_no_range_is_refused(given, message, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no such checks
    with pytest.raises(ConfigError, match=message):
        read_space(given, "search.m")


def test_the_ends_of_every_range_are_tried():
    space = {"x": Interval(1, 9), "kind": Choice(("a", "b", "c"))}
    assert bounds(space) == [
        {"x": 1, "kind": "a"},
        {"x": 9, "kind": "a"},
        {"x": 1, "kind": "b"},
        {"x": 1, "kind": "c"},
    ]


def test_values_go_where_their_path_leads_and_nowhere_else():
    part = {"class_path": "Part", "init_args": {"y": 0.0, "plain": {"deep": 1}}}
    arguments = {"class_path": "M", "init_args": {"x": 1.0, "part": part, "empty": None}}
    changed = put(arguments, {"x": 2.0, "part.y": 5.0, "part.plain.deep": 7}, "search.m")
    assert changed["init_args"]["x"] == 2.0
    assert changed["init_args"]["part"]["init_args"] == {"y": 5.0, "plain": {"deep": 7}}
    assert arguments["init_args"]["x"] == 1.0
    assert part["init_args"] == {"y": 0.0, "plain": {"deep": 1}}
    assert put(arguments, {"part": "OtherPart"}, "s")["init_args"]["part"] == "OtherPart"


def test_an_argument_that_is_null_by_default_can_be_searched():
    method = {"class_path": "gloss_pyg.FineTuning", "init_args": {}}
    assert put(method, {"decay_epoch": 3}, "s")["init_args"] == {"decay_epoch": 3}
    with pytest.raises(ConfigError, match="loss is not given, so it has no 'weight'"):
        put(method, {"loss.weight": 3}, "s")


def test_parts_that_are_null_by_default_are_written_out_as_they_were_made():
    method = {"class_path": "gloss_pyg.FineTuning", "init_args": {"loss": None}}
    loss = HybridLoss(GLoss(), unlabelled_loss=AgreementLoss())
    paths = ["loss.graph_loss.graph.sigma", "loss.unlabelled_loss.graph.sigma", "loss.weight", "loss.weigth"]
    written = spell_out(method, FineTuning(loss=loss), paths)["init_args"]["loss"]
    assert written is None  # its own parts are no plain values: nothing is guessed
    parts = {"graph_loss": {"class_path": "GLoss"}, "unlabelled_loss": {"class_path": "AgreementLoss", "init_args": {}}}
    method["init_args"]["loss"] = {"class_path": "gloss_pyg.HybridLoss", "init_args": parts}
    written = spell_out(method, FineTuning(loss=loss), paths)
    parts = put(written, {paths[0]: 2.0, paths[1]: 3.0}, "s")["init_args"]["loss"]["init_args"]
    graphs = [part["init_args"]["graph"] for part in parts.values()]
    assert graphs[0] == {"class_path": "gloss_pyg.DenseGaussian", "init_args": {"sigma": 2.0}}
    assert graphs[1]["init_args"] == {
        "k": 10,
        "sigma": 3.0,
        "search": "blocks",
    }  # AgreementLoss's own, not KNNGaussian's
    assert parts["graph_loss"] is not method["init_args"]["loss"]["init_args"]["graph_loss"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("xx", "search.m.xx: there is no argument 'xx'.*Did you mean 'x'"),
        ("part.yy", "search.m.part.yy: there is no argument 'yy'.*'y'"),
        ("empty.y", "empty is not given, so it has no 'y'; write out"),
        ("x.y", "x is 1.0, so it has no 'y'"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(path, message):
    arguments = {"class_path": "M", "init_args": {"x": 1.0, "part": {"class_path": "P", "init_args": {"y": 0.0}}}}
    arguments["init_args"]["empty"] = None
    with pytest.raises(ConfigError, match=message):
        put(arguments, {path: 1}, "search.m")
