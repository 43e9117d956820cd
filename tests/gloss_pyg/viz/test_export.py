import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.data import Data

from gloss_pyg import GLoss, KNNGaussian
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import load_graph, save_graph, to_networkx
from gloss_pyg.viz.xml_text import escaped, restored

SUFFIXES = (".graphml", ".gexf", ".json")
HOSTILE = [
    "",
    " ",
    "\x00\x01\x08\x0b\x1f\x7f\x85",
    "\ud800 half a pair \udfff",
    "\ufffe\uffff\u2028",
    "tab\tand\nline\rends\r\n",
    "<script>alert('&amp;')</script>]]>",
    "\\u{0} \\\\ \\e",
    "\U0001f600 中 é",
    "None",
    "1.0",
    "[1, 2]",
]


def same(first, second):
    assert type(first) is type(second)
    assert dict(first.nodes(data=True)) == dict(second.nodes(data=True))
    assert {tuple(edge[:2]): edge[2] for edge in first.edges(data=True)} == {
        tuple(edge[:2]): edge[2] for edge in second.edges(data=True)
    }


def batch():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(len(HOSTILE)) % 3
    y[4] = -100
    x = torch.randn(len(HOSTILE), 4, generator=generator)
    return GLoss(KNNGaussian(k=3, sigma=0.7)).eval().propagate(x, y), y


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_batch_with_hostile_texts_and_names_is_read_back_equal(suffix, tmp_path):
    propagated, y = batch()
    names = ["id\x00", 'label "quoted" <&>', "\ud800"]
    arguments = {"labels": y, "texts": HOSTILE, "class_names": names}
    graph = to_networkx(propagated, **arguments)
    assert graph.number_of_nodes() == len(HOSTILE)
    assert [graph.nodes[node]["text"] for node in graph] == HOSTILE
    assert graph.nodes[4]["role"] == "unlabelled"
    assert {"role", "class_id", "class_name", "inferred", "text", "embedding", "probabilities"} == set(graph.nodes[0])
    path = tmp_path / f"graph{suffix}"
    save_graph(propagated, path, **arguments)
    same(load_graph(path), graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_way_edges_stay_one_way(suffix, tmp_path):
    data = Data(
        edge_index=torch.tensor([[0, 1, 1, 0], [1, 0, 2, 1]]),
        edge_weight=torch.tensor([0.1, 1e-300, 3.0, 0.2]).double(),
    )
    graph = to_networkx(data)
    assert isinstance(graph, nx.DiGraph)
    assert graph.edges[0, 1]["weight"] == pytest.approx(0.3)
    save_graph(graph, tmp_path / f"g{suffix}")
    same(load_graph(tmp_path / f"g{suffix}"), graph)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_single_document(suffix, tmp_path):
    data = Data(x=torch.ones(1, 2), edge_index=torch.zeros(2, 0, dtype=torch.long))
    save_graph(data, tmp_path / f"g{suffix}")
    same(load_graph(tmp_path / f"g{suffix}"), to_networkx(data))


def test_gexf_attributes_are_typed_and_never_named_as_the_format_does(tmp_path):
    propagated, y = batch()
    path = tmp_path / "graph.gexf"
    save_graph(propagated, path, labels=y, texts=HOSTILE)
    read = nx.read_gexf(path)
    content = path.read_text("utf-8")
    assert 'title="class_id" type="long"' in content
    assert 'title="text" type="string"' in content
    for forbidden in ('title="label"', 'title="id"'):
        assert forbidden not in content
    assert isinstance(read.nodes["0"]["class_id"], int)


def test_weights_are_those_of_the_graph():
    propagated, y = batch()
    graph = to_networkx(propagated, labels=y)
    for source, target, weight in zip(*propagated.graph.edge_index.tolist(), propagated.graph.edge_weight, strict=True):
        assert graph.edges[source, target]["weight"] == pytest.approx(float(weight))
    assert graph.number_of_edges() == propagated.graph.num_edges // 2
    np.testing.assert_allclose(graph.nodes[1]["embedding"], propagated.graph.x[1].tolist())


@given(st.text(st.characters(codec=None), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_text_is_restored_and_allowed(text):
    written = escaped(text)
    assert restored(written) == text
    assert all(ord(letter) >= 32 and not 0xD800 <= ord(letter) <= 0xDFFF for letter in written)


def test_what_cannot_be_written_or_read_is_said(tmp_path):
    propagated, _ = batch()
    with pytest.raises(ConfigError, match=r"'\.xml' is no format of graphs; give one of \.graphml"):
        save_graph(propagated, tmp_path / "a.xml")
    with pytest.raises(DataError, match="1 texts for 12 documents"):
        to_networkx(propagated, texts=["one"])
    with pytest.raises(DataError, match="no file"):
        load_graph(tmp_path / "a.json")
    for suffix in SUFFIXES:
        (tmp_path / f"b{suffix}").write_text("neither")
        with pytest.raises(DataError, match="cannot be read as what save_graph writes"):
            load_graph(tmp_path / f"b{suffix}")
