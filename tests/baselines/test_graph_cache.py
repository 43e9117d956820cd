"""Graphs on disk: the same again, found by what determines them, and made again when the files are damaged."""

import dataclasses
import json

import pytest
import torch

from baselines.corpus_graph import CorpusGraph
from gloss_pyg.errors import ConfigError

TEXTS = ["red apple pie", "green apple", "", "red car and green car"]


def assert_same(one, other):
    assert set(one.keys()) == set(other.keys())
    for key in one.keys():  # noqa: SIM118 - iterating a Data gives pairs
        if isinstance(one[key], torch.Tensor):
            assert one[key].dtype == other[key].dtype
            assert torch.equal(one[key], other[key]), key
        else:
            assert one[key] == other[key], key


def forbid_building(monkeypatch):
    def build(*_):
        raise AssertionError("the graph was made again")

    monkeypatch.setattr(CorpusGraph, "_build", build)


@pytest.mark.parametrize("transductive", [True, False])
@pytest.mark.parametrize("stop_words", [None, ("red", "and")])
def test_what_is_read_is_what_was_made(tmp_path, monkeypatch, transductive, stop_words):
    rule = CorpusGraph(transductive=transductive, stop_words=stop_words, cache=tmp_path / "new" / "folder")
    made = rule.build(TEXTS, ["green pie", "unheard"])
    forbid_building(monkeypatch)
    assert_same(made, rule.build(TEXTS, ["green pie", "unheard"]))


def test_the_order_of_stop_words_makes_no_other_graph(tmp_path, monkeypatch):
    CorpusGraph(stop_words=["and", "red"], cache=tmp_path).build(TEXTS)
    forbid_building(monkeypatch)
    CorpusGraph(stop_words=["red", "and", "red"], cache=tmp_path).build(TEXTS)


@pytest.mark.parametrize(
    ("changes", "texts", "others"),
    [
        ({"window": 3}, TEXTS, ["x"]),
        ({"pmi_threshold": 0.5}, TEXTS, ["x"]),
        ({"min_count": 2}, TEXTS, ["x"]),
        ({"stop_words": "english"}, TEXTS, ["x"]),
        ({"transductive": False}, TEXTS, ["x"]),
        ({}, TEXTS[::-1], ["x"]),
        ({}, [*TEXTS, "x"], []),
        ({}, TEXTS, ["y"]),
        ({}, ["red apple piegreen apple", *TEXTS[2:]], ["x"]),
    ],
)
def test_whatever_matters_makes_another_graph(tmp_path, changes, texts, others):
    rule = CorpusGraph(cache=tmp_path)
    rule.build(TEXTS, ["x"])
    dataclasses.replace(rule, **changes).build(texts, others)
    assert len(list(tmp_path.glob("*.json"))) == len(list(tmp_path.glob("*.safetensors"))) == 2


@pytest.mark.parametrize("damage", ["cut tensors", "cut header", "no tensors", "header of another format"])
def test_damaged_files_are_made_again(tmp_path, damage):
    rule = CorpusGraph(cache=tmp_path)
    made = rule.build(TEXTS)
    header, tensors = next(tmp_path.glob("*.json")), next(tmp_path.glob("*.safetensors"))
    if damage == "cut tensors":
        tensors.write_bytes(tensors.read_bytes()[:-9])
    elif damage == "cut header":
        header.write_text(header.read_text()[:-9])
    elif damage == "no tensors":
        tensors.unlink()
    else:
        header.write_text(json.dumps({"format": 0}))
    again = rule.build(TEXTS)
    again.build_seconds = made.build_seconds
    assert_same(made, again)


def test_a_cache_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cache=.*cannot be written"):
        CorpusGraph(cache=tmp_path / "file").build(TEXTS)
