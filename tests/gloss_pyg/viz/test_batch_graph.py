import numpy as np
import pytest
import torch
from reference_pictures import check_picture, picture, rms
from torch_geometric.data import Data
from torch_geometric.datasets import KarateClub

from gloss_pyg import DenseGaussian, GLoss, KNNGaussian
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import draw_batch_graph, node_positions, positions_of, save_picture
from gloss_pyg.viz.looks import class_colour, class_shape


def embeddings(n=36, classes=3, noise=1.1):
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(n) % classes
    centres = torch.randn(classes, 8, generator=generator)
    return centres[y] + noise * torch.randn(n, 8, generator=generator), y


def batch():
    x, y = embeddings()
    y[::9] = -100
    return GLoss(DenseGaussian(sigma=0.4)).eval().propagate(x, y), y


def test_a_batch_is_the_picture_that_was_looked_at():
    propagated, y = batch()
    names = ["$port$", "_trade", "music\n& arts"]
    ax = draw_batch_graph(propagated, labels=y, class_names=names)
    check_picture(ax, "batch_graph")
    said = ax.get_title(loc="left")
    hidden = propagated.hidden
    wrong = int((propagated.probabilities.argmax(1) != y)[hidden].sum())
    assert wrong > 0
    assert f"36 documents, 3 classes; {int(hidden.sum())} labels hidden, {wrong} inferred wrongly" in said
    assert "between-class weight" in said
    assert "the 3 strongest edges of each document" in ax.get_xlabel()
    assert "of 630" in ax.get_xlabel()
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown[:3] == ["$port$", "_trade", "music & arts"]


def test_a_data_set_of_pyg_without_weights_or_embeddings_of_use():
    ax = draw_batch_graph(KarateClub()[0], strongest=None)
    check_picture(ax, "karate_club")
    assert ax.get_xlabel() == ""


def test_places_do_not_hang_on_rounding_where_no_direction_stands_out():
    data = KarateClub()[0]  # one-hot rows
    places = node_positions(data)
    generator = torch.Generator().manual_seed(0)
    data.x = data.x + 1e-9 * torch.rand(data.x.shape, generator=generator, dtype=torch.float64)
    np.testing.assert_allclose(node_positions(data), places, atol=1e-3)


def test_many_classes_have_pairs_of_colour_and_shape_of_their_own():
    assert len({(class_colour(number), class_shape(number)) for number in range(64)}) == 64
    assert len({class_shape(number) for number in range(8)}) == 8
    x, y = embeddings(120, 20, 0.3)
    ax = draw_batch_graph(KNNGaussian(k=4, sigma=0.5)(Data(x=x, y=y)))
    check_picture(ax, "twenty_classes")
    assert "and 6 more classes" in [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_same_data_is_the_same_picture_and_the_same_file(tmp_path):
    propagated, y = batch()
    axes = [draw_batch_graph(propagated, labels=y) for _ in range(2)]
    assert rms(*map(picture, axes)) == 0
    for suffix in (".svg", ".png", ".pdf"):
        files = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for ax, file in zip(axes, files, strict=True):
            save_picture(ax, file, dpi=40)
        assert files[0].read_bytes() == files[1].read_bytes()


def test_nodes_keep_their_places():
    propagated, y = batch()
    first = draw_batch_graph(propagated, labels=y)
    later = draw_batch_graph(propagated, labels=y, pos=positions_of(first), strongest=1)
    np.testing.assert_array_equal(positions_of(first), positions_of(later))
    np.testing.assert_allclose(positions_of(first), node_positions(propagated))


@pytest.mark.parametrize("n", [1, 2, 3, 40, 450])
def test_positions_are_finite_and_apart(n):
    x, y = embeddings(n)
    graph = KNNGaussian(k=3, sigma=0.5)(Data(x=x, y=y))
    places = node_positions(graph)
    assert places.shape == (n, 2)
    assert np.isfinite(places).all()
    assert len(np.unique(places.round(9), axis=0)) == n
    np.testing.assert_array_equal(places, node_positions(graph))


def test_documents_that_are_all_alike_and_graphs_without_edges_are_drawn():
    alike = KNNGaussian(k=2, sigma=1.0)(Data(x=torch.ones(7, 3), y=torch.arange(7) % 2))
    assert len(np.unique(node_positions(alike).round(6), axis=0)) == 7
    bare = Data(x=torch.randn(5, 1), edge_index=torch.zeros(2, 0, dtype=torch.long))
    ax = draw_batch_graph(bare)
    assert "no edges between labelled documents" in ax.get_title(loc="left")


def test_turned_embeddings_are_laid_out_alike():
    x, y = embeddings()
    rule = KNNGaussian(k=4, sigma=0.5)
    before = node_positions(rule(Data(x=x, y=y)))
    turned = x @ torch.linalg.qr(torch.randn(8, 8, generator=torch.Generator().manual_seed(1)))[0]
    after = node_positions(rule(Data(x=turned, y=y)), like=before)
    assert np.abs(after - before).max() < 0.05


def test_neighbours_are_placed_nearer_than_others():
    x, y = embeddings(90, 3, 0.4)
    places = node_positions(KNNGaussian(k=5, sigma=0.5)(Data(x=x, y=y)))
    gaps = np.linalg.norm(places[:, None] - places, axis=2)
    same = (y[:, None] == y).numpy() & ~np.eye(90, dtype=bool)
    assert gaps[same].mean() < 0.5 * gaps[(y[:, None] != y).numpy()].mean()


def test_what_cannot_be_drawn_is_said(tmp_path):
    propagated, _ = batch()
    with pytest.raises(DataError, match=r"two finite numbers for each of the 36"):
        draw_batch_graph(propagated, pos=np.zeros((35, 2)))
    ax = draw_batch_graph(propagated)
    for name, message in (("a.gif", "no format of pictures"), ("no/a.png", "there is no folder"), ("a", "no format")):
        with pytest.raises(ConfigError, match=message):
            save_picture(ax, tmp_path / name)
    from gloss_pyg.viz.looks import new_axes

    with pytest.raises(DataError, match="hold no graph"):
        positions_of(new_axes())
