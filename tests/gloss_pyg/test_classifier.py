import pickle

import jaxtyping
import numpy as np
import pandas as pd
import plain_reference as plain
import pytest
import torch
from sklearn import semi_supervised
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator
from torch_geometric.nn import GATv2Conv
from torch_geometric.transforms import AddSelfLoops

from gloss_pyg import PropagationClassifier
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.graph import Compose, DenseGaussian, KNNGaussian
from gloss_pyg.propagation import (
    ConvPropagation,
    CorrectAndSmooth,
    HarmonicFunction,
    LabelPropagation,
    LabelSpreading,
)


@pytest.fixture
def unchecked(monkeypatch):
    """What is handed in is checked by the estimator, as for users, and not by the tests' own checks of types."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def clusters(n=60, classes=3, dim=8, seed=0, dtype=np.float64):
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, classes, n)
    centres = 2 * np.eye(classes, dim)
    return (centres[labels] + 0.5 * generator.normal(size=(n, dim))).astype(dtype), labels


def some_labels(labels, share=0.3, unlabelled=-100, seed=0):
    hidden = np.random.default_rng(seed).random(len(labels)) > share
    hidden[[int(np.flatnonzero(labels == label)[0]) for label in np.unique(labels)]] = False
    return np.where(hidden, unlabelled, labels), ~hidden


def plain_mean(x, new, k, precision, own, values):
    """The weighted mean over the `k` nearest, by loops."""
    rows, result = plain.unit(x), []
    for row, of_row in zip(plain.unit(new), own, strict=True):
        squares = [sum((row - other) ** 2) for other in rows]
        nearest = sorted(range(len(rows)), key=lambda j: (np.float32(squares[j]), j))[:k]
        weights = np.array([np.exp(-squares[j] * precision[j] * of_row) for j in nearest])
        result.append((weights[:, None] * values[nearest]).sum(axis=0) / weights.sum())
    return np.array(result)


def test_it_is_an_estimator_to_scikit_learn(unchecked):
    found = check_estimator(PropagationClassifier(), on_fail=None, on_skip=None)
    assert [(check["check_name"], check["exception"]) for check in found if check["status"] == "failed"] == []
    assert sum(check["status"] == "passed" for check in found) > 40


@pytest.mark.parametrize("k", [3, 8, 200])
def test_values_are_those_of_the_plain_formulas(k):
    x, labels = clusters()
    new, _ = clusters(20, seed=1)
    y, seen = some_labels(labels)
    graph = KNNGaussian(k, sigma=0.4) if k < len(x) else DenseGaussian(sigma=0.4)
    classifier = PropagationClassifier(graph, LabelPropagation()).fit(x, y)
    weights = plain.keep_nearest(plain.gaussian(x, 0.4), plain.distances(x), k)
    expected = plain.propagate(weights, plain.one_hot(y, 3), seen)
    np.testing.assert_allclose(classifier.label_distributions_, expected, atol=1e-9)
    mean = plain_mean(x, new, k, np.full(len(x), 1 / (2 * 0.4**2)), np.ones(len(new)), expected)
    np.testing.assert_allclose(classifier.predict_proba(new), mean, atol=1e-9)
    assert classifier.predict(new).tolist() == mean.argmax(axis=1).tolist()


@pytest.mark.parametrize("rule", [lambda sigma: KNNGaussian(3, sigma), DenseGaussian])
def test_local_bandwidths_of_new_documents_are_their_own(rule):
    x, labels = clusters()
    new, _ = clusters(20, seed=1)
    y, _ = some_labels(labels)
    classifier = PropagationClassifier(rule("local"), LabelPropagation()).fit(x, y)
    own = 1 / np.sort(plain.distances(x), axis=1)[:, 7]
    of_new = 1 / np.sort(np.linalg.norm(plain.unit(new)[:, None] - plain.unit(x), axis=2), axis=1)[:, 6]
    k = classifier.attachment_.k
    expected = plain_mean(x, new, k, own, of_new, classifier.label_distributions_)
    np.testing.assert_allclose(classifier.predict_proba(new), expected, atol=1e-9)


@pytest.mark.parametrize("alpha", [0.2, 0.99])
def test_label_spreading_on_a_dense_graph_is_that_of_scikit_learn(alpha):
    x, labels = clusters(80)
    new, _ = clusters(30, seed=1)
    y, _ = some_labels(labels, unlabelled=-1)
    unit, sigma = plain.unit(x), 0.4
    theirs = semi_supervised.LabelSpreading(
        kernel="rbf", gamma=1 / (2 * sigma**2), alpha=alpha, max_iter=50_000, tol=1e-12
    ).fit(unit, y)
    ours = PropagationClassifier(DenseGaussian(sigma), LabelSpreading(alpha), unlabelled=-1).fit(x, y)
    np.testing.assert_allclose(ours.label_distributions_, theirs.label_distributions_, atol=1e-8)
    np.testing.assert_allclose(ours.predict_proba(new), theirs.predict_proba(plain.unit(new)), atol=1e-8)
    assert ours.transduction_.tolist() == theirs.transduction_.tolist()
    assert ours.predict(new).tolist() == theirs.predict(plain.unit(new)).tolist()


def test_the_harmonic_function_on_our_graph_is_scikit_learns_label_propagation():
    x, labels = clusters(80)
    y, _ = some_labels(labels, unlabelled=-1)
    graph = KNNGaussian(6, 0.4)
    weights = plain.keep_nearest(plain.gaussian(x, 0.4), plain.distances(x), 6)
    theirs = semi_supervised.LabelPropagation(kernel=lambda *_: weights.copy(), max_iter=50_000, tol=1e-12).fit(x, y)
    ours = PropagationClassifier(graph, HarmonicFunction(), unlabelled=-1).fit(x, y)
    np.testing.assert_allclose(ours.label_distributions_, theirs.label_distributions_, atol=1e-8)
    assert ours.transduction_.tolist() == theirs.transduction_.tolist()


def test_most_of_the_unlabelled_are_found():
    x, labels = clusters(400)
    new, of_new = clusters(200, seed=1)
    y, _ = some_labels(labels, share=0.03)
    classifier = PropagationClassifier().fit(x, y)
    assert np.mean(classifier.transduction_ == labels) > 0.9
    assert np.mean(classifier.predict(new) == of_new) > 0.9
    wrong = PropagationClassifier(KNNGaussian(1, 0.5)).fit(x[y >= 0], (y[y >= 0] + 1) % 3)
    assert np.mean(wrong.predict(new) == of_new) < 0.1


def test_new_documents_do_not_see_each_other(monkeypatch):
    x, labels = clusters()
    new, _ = clusters(30, seed=1)
    classifier = PropagationClassifier().fit(x, some_labels(labels)[0])
    whole = classifier.predict_proba(new)
    single = np.concatenate([classifier.predict_proba(row[None]) for row in new])
    np.testing.assert_allclose(single, whole, atol=1e-12)
    monkeypatch.setattr("gloss_pyg.graph.attachment.NUMBERS_AT_ONCE", 1)
    np.testing.assert_allclose(classifier.predict_proba(new), whole, atol=1e-12)
    dense = PropagationClassifier(DenseGaussian(0.5)).fit(x, some_labels(labels)[0])
    np.testing.assert_allclose(dense.predict_proba(new[:1]), dense.predict_proba(new)[:1], atol=1e-12)


@pytest.mark.parametrize("sigma", [1e-9, 1e-3, 1e9, "sqrt", "median", "local", "learned"])
@pytest.mark.parametrize("rule", [lambda sigma: KNNGaussian(4, sigma), DenseGaussian])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_probabilities_at_any_bandwidth(sigma, rule, dtype):
    x, labels = clusters(dtype=dtype)
    graph = rule(sigma)
    classifier = PropagationClassifier(graph, LabelPropagation()).fit(x, some_labels(labels)[0])
    found = classifier.predict_proba(np.concatenate([x, -x, 0 * x]))
    assert np.isfinite(found).all()
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-12)
    if sigma in ("sqrt", "learned"):
        assert graph.needs_fit  # the rule that was handed in is not touched
        assert not classifier.graph_.needs_fit


def test_marks_of_unlabelled_documents():
    x, labels = clusters()
    y, seen = some_labels(labels)
    expected = PropagationClassifier().fit(x, y)
    names = np.array(["art", "law", "sea"])
    strings = [str(names[label]) if known else None for label, known in zip(labels, seen, strict=True)]
    for given, mark in (
        (np.where(seen, labels, -1), -1),
        (np.where(seen, names[labels], ""), ""),
        (strings, None),
        (np.array(strings, dtype=object), None),
        (pd.Series(strings), None),
        (pd.Series(strings, dtype="string"), None),
        (np.where(seen, labels, np.nan), None),
        (pd.Series(np.where(seen, labels, -100), dtype="Int64"), -100),
    ):
        found = PropagationClassifier(unlabelled=mark).fit(x, given)
        np.testing.assert_array_equal(found.label_distributions_, expected.label_distributions_)
        assert len(found.classes_) == 3
        assert found.predict(x[:3]).tolist() == found.classes_[expected.predict(x[:3])].tolist()
    assert PropagationClassifier(unlabelled=None).fit(x, strings).predict(x[:1])[0] in names


def test_a_mark_of_others_is_no_class_without_a_word():
    x, labels = clusters()
    y, seen = some_labels(labels)
    for mark in (None, -1, 7):
        with pytest.raises(DataError, match=rf"-100 for {sum(~seen)} of 60 .*unlabelled={mark}.*Give unlabelled=-100"):
            PropagationClassifier(unlabelled=mark).fit(x, y)
    with pytest.raises(DataError, match="-100 for"):
        PropagationClassifier(unlabelled=None).fit(x, y.astype(float))
    with pytest.raises(DataError, match="-100 for 59 of 60"):  # and -1, whatever that means
        PropagationClassifier(unlabelled=None).fit(x, [-1] + [-100] * 59)
    for mark in (None, -100):
        with pytest.warns(UserWarning, match=rf"-1 for {sum(~seen)} of 60 .*unlabelled={mark} makes it a class"):
            found = PropagationClassifier(unlabelled=mark).fit(x, np.where(seen, labels, -1))
        assert found.classes_.tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize(
    "classes", [[-1, 1], [-1, 0], [-2, -1, 0, 1], [-200, -100, 0], ["-1", "-100", "0", "1"], [0, 1, 2]]
)
def test_classes_that_can_be_meant_are_taken_without_a_warning(classes, recwarn):
    x, labels = clusters(classes=len(classes))
    assert PropagationClassifier(unlabelled=None).fit(x, np.array(classes)[labels]).classes_.tolist() == classes
    assert not recwarn.list


def test_minus_one_beside_documents_that_are_marked_is_a_class(recwarn):
    x, labels = clusters()
    _, seen = some_labels(labels)
    assert PropagationClassifier().fit(x, np.where(seen, labels - 1, -100)).classes_.tolist() == [-1, 0, 1]
    assert not recwarn.list


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_tensors_of_any_precision_with_a_gradient(dtype):
    x, labels = clusters()
    y, _ = some_labels(labels)
    rows = torch.from_numpy(x).to(dtype).requires_grad_()
    found = PropagationClassifier().fit(rows, torch.from_numpy(y))
    numbers = rows.detach().to(torch.float64 if dtype == torch.float64 else torch.float32).numpy()
    expected = PropagationClassifier().fit(numbers, y)
    np.testing.assert_array_equal(found.label_distributions_, expected.label_distributions_)
    np.testing.assert_array_equal(found.predict_proba(rows[:5]), expected.predict_proba(numbers[:5]))
    assert found.predict(rows[:5]).tolist() == expected.predict(numbers[:5]).tolist()
    assert rows.requires_grad


def test_everything_labelled_keeps_its_labels():
    x, labels = clusters()
    classifier = PropagationClassifier(None, LabelPropagation()).fit(x, labels)
    assert classifier.transduction_.tolist() == labels.tolist()
    np.testing.assert_array_equal(classifier.label_distributions_, np.eye(3)[labels])


def test_one_class_and_one_document():
    x, _ = clusters(12)
    one = PropagationClassifier().fit(x, [4] + [-100] * 11)
    np.testing.assert_array_equal(one.predict_proba(x), np.ones((12, 1)))
    assert one.predict(x).tolist() == [4] * 12
    alone = PropagationClassifier().fit(x[:1], ["b"])
    assert alone.predict(x).tolist() == ["b"] * 12


def test_documents_that_no_label_reaches_get_the_shares_of_the_classes():
    x = np.array([[1.0, 0.0], [1.0, 0.01], [1.0, 0.02], [0.0, 1.0], [0.01, 1.0]])
    classifier = PropagationClassifier(KNNGaussian(1, 0.3), LabelPropagation()).fit(x, [1, 1, 0, -100, -100])
    np.testing.assert_array_equal(classifier.label_distributions_[3:], 0)
    assert classifier.transduction_.tolist() == [1, 1, 0, 1, 1]
    np.testing.assert_allclose(classifier.predict_proba([[0.0, 2.0]]), [[1 / 3, 2 / 3]])


def test_equal_embeddings():
    classifier = PropagationClassifier(KNNGaussian(3, "local")).fit(np.ones((20, 4)), [0, 1] + [-100] * 18)
    found = classifier.predict_proba(np.ones((2, 4)))
    assert np.isfinite(classifier.label_distributions_).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)


def test_what_cannot_work_is_refused(unchecked):
    x, labels = clusters(12)
    with pytest.raises(DataError, match=r"None of the 12 documents is labelled: .*unlabelled=-1"):
        PropagationClassifier(unlabelled=-1).fit(x, [-1] * 12)
    with pytest.raises(DataError, match="unlabelled=None"):
        PropagationClassifier(unlabelled=None).fit(x, [None] * 12)
    with pytest.raises(ValueError, match="contains NaN"):
        PropagationClassifier().fit(np.where(x > 2, np.nan, x), labels)
    with pytest.raises(ValueError, match="inconsistent numbers"):
        PropagationClassifier().fit(x, labels[:5])
    with pytest.raises(ValueError, match="y contains NaN"):
        PropagationClassifier().fit(x, np.where(labels == 1, np.nan, labels))
    with pytest.raises(ValueError, match="Unknown label type"):
        PropagationClassifier().fit(x, x[:, 0])
    with pytest.raises(ConfigError, match="graph is a str; expected a graph rule"):
        PropagationClassifier("knn").fit(x, labels)
    with pytest.raises(ConfigError, match=r"graph is the class KNNGaussian; expected an object of it"):
        PropagationClassifier(KNNGaussian).fit(x, labels)
    with pytest.raises(ConfigError, match=r"propagation is the class LabelSpreading; .*: LabelSpreading\(...\)"):
        PropagationClassifier(None, LabelSpreading).fit(x, labels)
    with pytest.raises(ConfigError, match="propagation is a KNNGaussian; expected a Propagation"):
        PropagationClassifier(None, KNNGaussian()).fit(x, labels)
    with pytest.raises(ConfigError, match=r"CorrectAndSmooth corrects another model's probabilities"):
        PropagationClassifier(None, CorrectAndSmooth()).fit(x, labels)


def test_a_layer_in_training_mode_predicts_without_dropout_and_stays_in_it():
    x, labels = clusters()
    y, _ = some_labels(labels)
    layer = ConvPropagation(GATv2Conv(3, 3, edge_dim=1, dropout=0.9), num_classes=3)
    once, again = (PropagationClassifier(KNNGaussian(5, 0.5), layer).fit(x, y) for _ in range(2))
    np.testing.assert_array_equal(once.label_distributions_, again.label_distributions_)
    assert layer.training


def test_a_rule_that_cannot_attach_still_predicts_what_was_there():
    x, labels = clusters()
    y, _ = some_labels(labels)
    composed = Compose([KNNGaussian(5, 0.5), AddSelfLoops("edge_weight")])
    classifier = PropagationClassifier(composed).fit(x, y)
    assert np.mean(classifier.transduction_ == labels) > 0.8
    with pytest.raises(ConfigError, match=r"Compose has no way to attach new documents.*transduction_"):
        classifier.predict(x)


def test_clones_and_pickles():
    x, labels = clusters(dtype=np.float32)
    classifier = PropagationClassifier(KNNGaussian(5, "local"), unlabelled=-1)
    classifier.fit(x, some_labels(labels, unlabelled=-1)[0])
    again = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(again.predict_proba(x), classifier.predict_proba(x))
    fresh = clone(classifier)
    assert fresh.get_params()["unlabelled"] == -1
    assert fresh.graph is not classifier.graph
    assert fresh.graph.k == 5
    assert not hasattr(fresh, "classes_")
    assert fresh.set_params(unlabelled=-100).unlabelled == -100


def test_memory_of_others_is_left_alone():
    x, labels = clusters()
    y, _ = some_labels(labels)
    before = x.copy(), y.copy()
    x.setflags(write=False)
    PropagationClassifier().fit(x, y).predict(x)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert torch.is_grad_enabled()
