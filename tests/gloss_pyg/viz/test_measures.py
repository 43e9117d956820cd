"""Pictures of the graph's measures: weights, spectrum, distances, embeddings."""

import numpy as np
import pytest
import torch
from reference_pictures import check_picture
from torch_geometric.data import Data
from torch_geometric.utils import get_laplacian, to_dense_adj

from gloss_pyg import DenseGaussian, KNNGaussian
from gloss_pyg.errors import ConfigError, DataError, MissingExtraError
from gloss_pyg.viz import draw_distances, draw_embeddings, draw_spectrum, draw_weights, positions_of, view
from gloss_pyg.viz.distance_picture import class_distances
from gloss_pyg.viz.matrix_pictures import laplacian_spectrum


@pytest.fixture(scope="module")
def data():
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(45) % 3
    x = torch.randn(3, 8, generator=generator)[y] + 0.8 * torch.randn(45, 8, generator=generator)
    y[::11] = -1
    return KNNGaussian(k=6, sigma=0.5)(Data(x=x, y=y))


def test_the_pictures_are_those_that_were_looked_at(data):
    check_picture(draw_weights(data, class_names=["$port$", "_trade", "music"]), "weights")
    check_picture(draw_spectrum(data), "spectrum")
    check_picture(draw_distances(data, sigma=0.5), "distances")
    check_picture(draw_embeddings(data), "embeddings")


def test_weights_are_ordered_by_class_and_all_there(data):
    ax = draw_weights(data)
    shown = np.asarray(ax.images[0].get_array().filled(0))
    assert shown.sum() == pytest.approx(float(data.edge_weight.sum()), rel=1e-3)
    assert [text.get_text() for text in ax.get_yticklabels()] == ["class 0", "class 1", "class 2", "no label"]
    labels = data.y.numpy()
    sizes = [(labels == number).sum() for number in range(3)]
    block = view(data).weights.toarray()[np.ix_(labels == 0, labels == 0)]
    assert shown[: sizes[0], : sizes[0]].sum() == pytest.approx(block.sum(), rel=1e-3)


def test_the_spectrum_is_that_of_the_normalised_laplacian(data):
    edge_index, weight = get_laplacian(data.edge_index, data.edge_weight.double(), normalization="sym")
    expected = np.linalg.eigvalsh(to_dense_adj(edge_index, edge_attr=weight)[0].numpy())
    np.testing.assert_allclose(laplacian_spectrum(view(data)), np.maximum(expected, 0), atol=1e-9)


def test_zeros_of_the_spectrum_are_components():
    pairs = Data(edge_index=torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]]), num_nodes=5, y=torch.tensor([0, 0, 1, 1, 1]))
    assert "3 connected components" in draw_spectrum(pairs).get_title(loc="left")


def test_distances_are_those_of_the_unit_rows(data):
    within, between = class_distances(view(data))
    rows = torch.nn.functional.normalize(data.x.double()).numpy()
    plain = {True: [], False: []}
    for i in range(45):
        for j in range(i):
            if data.y[i] >= 0 and data.y[j] >= 0:
                plain[bool(data.y[i] == data.y[j])].append(np.linalg.norm(rows[i] - rows[j]))
    np.testing.assert_allclose(np.sort(within), np.sort(plain[True]), atol=1e-12)
    np.testing.assert_allclose(np.sort(between), np.sort(plain[False]), atol=1e-12)


@pytest.mark.parametrize("by", ["pca", "tsne"])
def test_embeddings_are_reduced_alike_each_time(data, by):
    first, again = (positions_of(draw_embeddings(data, by=by)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert np.isfinite(first).all()


def test_principal_components_are_those_of_scikit_learn(data):
    from sklearn.decomposition import PCA

    rows = torch.nn.functional.normalize(data.x.double()).numpy()
    fitted = PCA(2).fit(rows)
    ax = draw_embeddings(data)
    np.testing.assert_allclose(np.abs(positions_of(ax)), np.abs(fitted.transform(rows)), atol=1e-9)
    assert f"{100 * fitted.explained_variance_ratio_.sum():.0f} % of the variance" in ax.get_title(loc="left")


def test_umap_is_an_extra(data, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r'pip install "gloss-pyg\[viz\]"'):
        draw_embeddings(data, by="umap")


def test_graphs_without_edges_or_labels_are_drawn():
    bare = Data(x=torch.eye(4), edge_index=torch.zeros(2, 0, dtype=torch.long))
    draw_weights(bare)
    assert "4 connected components" in draw_spectrum(bare).get_title(loc="left")
    draw_embeddings(bare)


def test_what_cannot_be_drawn_is_said(data, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no run-time checks of annotations
    edges = torch.zeros(2, 0, dtype=torch.long)
    many = Data(edge_index=edges, num_nodes=3001)
    for draw in (draw_weights, draw_spectrum):
        with pytest.raises(DataError, match=r"3,001 documents: as a matrix"):
            draw(many)
    for call, error, message in (
        (lambda: draw_distances(Data(x=torch.eye(3), edge_index=edges)), DataError, "0 documents have a label"),
        (lambda: draw_distances(Data(edge_index=edges, num_nodes=3)), DataError, "has no x"),
        (lambda: draw_distances(data, sigma=0.0), ConfigError, "sigma=0.0"),
        (lambda: draw_embeddings(data, by="magic"), ConfigError, "by='magic'"),
        (lambda: draw_embeddings(Data(edge_index=edges, num_nodes=3)), DataError, "has no x"),
        (lambda: draw_embeddings(DenseGaussian(sigma=1.0)(Data(x=torch.eye(3))), by="tsne"), DataError, "3 documents"),
    ):
        with pytest.raises(error, match=message):
            call()
