"""The shipped configurations are fair: within each, training stops by the same rule and has the same room."""

from inspect import signature

import pytest

from gloss_pyg.compare.configuration import FIELDS, find_config, read_config, shipped_names
from gloss_pyg.methods import FineTuning, Standalone
from gloss_pyg.tune.settings import OPTIONS

KINDS = {kind.__name__: signature(kind).parameters for kind in (FineTuning, Standalone)}
LIMITS = ("max_epochs", "max_steps", "evaluate_every", "patience", "batch_size", "learning_rate")


@pytest.mark.parametrize("name", shipped_names())
def test_all_training_of_a_shipped_configuration_has_the_same_limits(name: str) -> None:
    methods = read_config(find_config(name), (*FIELDS, *OPTIONS))["methods"]
    found = {
        method: {limit: spec.get("init_args", {}).get(limit, KINDS[kind][limit].default) for limit in LIMITS}
        for method, spec in methods.items()
        if (kind := spec["class_path"].rpartition(".")[2]) in KINDS
    }
    for method, limits in found.items():  # unlabelled documents beside them are no unfair advantage
        limits["batch_size"] = methods[method].get("init_args", {}).get("labelled_per_batch") or limits["batch_size"]
    assert all(limits == next(iter(found.values())) for limits in found.values()), found
