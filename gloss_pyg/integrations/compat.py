"""Names that other libraries have moved, or may move, found where the installed version has them.

`from gloss_pyg.integrations.compat import SentenceEvaluator` imports it at that moment, or says which extra is missing.
"""

import importlib
from typing import Any

from gloss_pyg.errors import MissingExtraError

# The extra of ours, and the places from the newest version that we admit to the oldest.
_PLACES = {
    "DefaultBatchSampler": ("st", ("sentence_transformers.base.sampler", "sentence_transformers.sampler")),
    "SentenceEvaluator": (
        "st",
        ("sentence_transformers.base.evaluation", "sentence_transformers.evaluation.SentenceEvaluator"),
    ),
    "SetFitTrainer": ("setfit", ("setfit.trainer:Trainer",)),
    "BaseMetricLossFunction": ("metric", ("pytorch_metric_learning.losses.base_metric_loss_function",)),
    "CrossBatchMemory": ("metric", ("pytorch_metric_learning.losses",)),
    "LightningCallback": ("lightning", ("lightning.pytorch:Callback", "pytorch_lightning:Callback")),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"{__name__} has no name '{name}'.")
    extra, places = _PLACES[name]
    errors = []
    for place in places:
        module, _, own_name = place.partition(":")
        try:
            return getattr(importlib.import_module(module), own_name or name)
        except (ImportError, AttributeError) as error:
            errors.append(str(error))
    raise MissingExtraError(
        f'{name} was not found ({errors[0]}). Run: pip install "gloss-pyg[{extra}]" (in a clone: pip install '
        f'".[{extra}]")'
    )
