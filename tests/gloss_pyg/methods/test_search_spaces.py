"""What methods declare for a search: every end of every range can be used."""

import pytest

from gloss_pyg.compare.cell import make_method
from gloss_pyg.compare.command_line import read_arguments
from gloss_pyg.tune.space import bounds, put, spell_out

METHODS = {
    "cross-entropy": {"class_path": "FineTuning"},
    "g-loss": {
        "class_path": "FineTuning",
        "init_args": {
            "loss": {
                "class_path": "HybridLoss",
                "init_args": {"graph_loss": {"class_path": "GLoss", "init_args": {"graph": "DenseGaussian"}}},
            }
        },
    },
    "default-graph": {
        "class_path": "FineTuning",
        "init_args": {"loss": {"class_path": "HybridLoss", "init_args": {"graph_loss": "GLoss"}}},
    },
    "self-training": {
        "class_path": "FineTuning",
        "init_args": {"loss": {"class_path": "HybridLoss", "init_args": {"unlabelled_loss": "SelfTraining"}}},
    },
    "alone": {
        "class_path": "Standalone",
        "init_args": {"loss": {"class_path": "GLoss", "init_args": {"graph": "KNNGaussian"}}},
    },
    "textgcn": {"class_path": "baselines.textgcn.TextGCN"},
    "bertgcn": {"class_path": "baselines.bertgcn.BertGCN"},
    "svm": {"class_path": "baselines.tfidf.TfidfLinear"},
}
PATHS = {
    "cross-entropy": {"learning_rate"},
    "g-loss": {
        *("learning_rate", "loss.weight", "loss.graph_loss.labelled_fraction"),
        "loss.graph_loss.graph.sigma",
    },
    "default-graph": {
        *("learning_rate", "loss.weight", "loss.graph_loss.labelled_fraction"),
        "loss.graph_loss.graph.sigma",
    },
    "self-training": {"learning_rate", "loss.unlabelled_loss.weight", "loss.unlabelled_loss.sharpness"},
    "alone": {"learning_rate", "loss.labelled_fraction", "loss.graph.sigma"},
    "textgcn": {"learning_rate", "dropout", "hidden"},
    "bertgcn": {"mix", "learning_rate", "graph_learning_rate"},
    "svm": set(),
}


@pytest.fixture(scope="module")
def arguments(tmp_path_factory):
    import yaml

    path = tmp_path_factory.mktemp("search") / "methods.yaml"
    path.write_text(yaml.safe_dump({"methods": METHODS, "data": "bbc"}))
    return read_arguments([f"--config={path}"]).check().methods


@pytest.mark.parametrize("name", METHODS)
def test_every_end_of_a_declared_space_can_be_used(arguments, name):
    method = make_method(arguments[name])
    space = method.search_space()
    assert set(space) == PATHS[name]
    spelled = spell_out(arguments[name], method, space)
    for point in bounds(space) if space else ():
        made = make_method(put(spelled, point, name))
        for path, value in point.items():
            found = made
            for part in path.split("."):
                found = getattr(found, part) if part != "sigma" else found.bandwidth.rule
            assert found == value
