import numpy as np
import pytest
import torch
from reference_pictures import check_picture
from torch_geometric.data import Data

from gloss_pyg import CorrectAndSmooth, DenseGaussian, HarmonicFunction, LabelPropagation
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import draw_suspicious, suspicious_labels

FLIPPED = [4, 13, 27]


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(36) % 3
    x = 1.5 * torch.randn(3, 8, generator=generator)[y] + 0.5 * torch.randn(36, 8, generator=generator)
    y[FLIPPED] = (y[FLIPPED] + 1) % 3
    y[35] = -1
    return DenseGaussian(sigma=0.4)(Data(x=x, y=y))


@pytest.mark.parametrize("folds", [None, 5])
def test_wrong_labels_are_found(data, folds):
    found = suspicious_labels(data, LabelPropagation(), folds=folds)
    assert {suspect.document for suspect in found.suspects} == set(FLIPPED)
    assert (found.checked, found.unreached) == (35, 0)
    gaps = [suspect.probability - suspect.own_probability for suspect in found.suspects]
    assert gaps == sorted(gaps, reverse=True)


def test_each_label_is_hidden_alone(data):
    """Against the plain loop."""
    layer = HarmonicFunction()
    found = suspicious_labels(data, layer)
    y = torch.nn.functional.one_hot(data.y.clamp(min=0), 3).double()
    for suspect in found.suspects:
        mask = data.y >= 0
        mask[suspect.document] = False
        row = layer(y, data.edge_index, mask, data.edge_weight.double())[suspect.document]
        assert suspect.probability == pytest.approx(float(row.max()), abs=1e-9)
        assert suspect.own_probability == pytest.approx(float(row[data.y[suspect.document]]), abs=1e-9)
        assert suspect.inferred == int(row.argmax())


def test_the_evidence_is_its_strongest_labelled_neighbours(data):
    texts = [f"text {number}" for number in range(36)]
    found = suspicious_labels(data, LabelPropagation(), texts=texts, class_names=["a", "b", "c"], neighbours=3)
    suspect = found.suspects[0]
    weights = torch.zeros(36, 36).index_put(tuple(data.edge_index), data.edge_weight)[:, suspect.document]
    weights[data.y < 0] = 0
    assert [one.document for one in suspect.neighbours] == weights.topk(3).indices.tolist()
    assert all(one.text == f"text {one.document}" for one in suspect.neighbours)
    assert str(suspect).startswith(f"[{suspect.document}] ")
    assert found.table()["neighbours"].str.count(";").tolist() == [2, 2, 2]


def test_the_picture_is_the_one_that_was_looked_at(data):
    texts = [f"text {number}, $\\beta$ " + "and more " * 9 for number in range(36)]
    found = suspicious_labels(data, LabelPropagation(), texts=texts, class_names=["$port$", "_trade", "music"])
    check_picture(draw_suspicious(found), "suspicious")
    with pytest.raises(ConfigError, match="most=0"):
        draw_suspicious(found, most=0)


def test_a_document_that_nobody_reaches_is_counted_and_nothing_to_draw_is_drawn():
    data = Data(edge_index=torch.tensor([[0, 1], [1, 0]]), y=torch.tensor([0, 0, 1]), num_nodes=3)
    found = suspicious_labels(data, LabelPropagation())
    assert (found.suspects, found.checked, found.unreached) == ([], 3, 1)
    assert "0 of 3 labels" in draw_suspicious(found).figure.get_suptitle()


def test_what_cannot_be_checked_is_said(data):
    for arguments, error, message in (
        ({"labels": np.full(36, -1)}, DataError, "0 documents have a label"),
        ({"texts": ["a"]}, DataError, "1 texts for 36"),
        ({"folds": 1}, ConfigError, "folds=1"),
    ):
        with pytest.raises(error, match=message):
            suspicious_labels(data, LabelPropagation(), **arguments)
    with pytest.raises(ConfigError, match="works on another model's prediction"):
        suspicious_labels(data, CorrectAndSmooth())
