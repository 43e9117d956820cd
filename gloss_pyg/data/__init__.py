"""From names, files and Hub ids to checked splits, tokens and batches.

| what | does |
|---|---|
| `load_text_dataset` | any labelled texts as `train`, `validation`, `test` with the same classes; label budgets |
| `describe` | numbers of such splits (`DataReport`), and what was repaired on the way |
| `tokenize` | texts into token ids, truncated, not padded |
| `DataCollator` | tokenised documents into a padded batch; the label -1 ("none") becomes -100 |
| `ClassBalancedSampler` | batches of P classes with K documents each, the same after a resume |
| `DATASET_NAMES` | the data sets known by name |

The way from a name to splits, one file a step: `request` refuses what cannot be read; `bbc`, `named`, `files` (over
`rows`) and `hub` read tables; `labels` and `checks` refuse or repair; `split` and `load` make the splits that are
missing; `budget` draws the labelled part. All but `request` are imported when they are first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gloss_pyg.data.request import DATASET_NAMES

if TYPE_CHECKING:
    from gloss_pyg.data.collate import DataCollator
    from gloss_pyg.data.load import load_text_dataset
    from gloss_pyg.data.mixed_sampler import MixedSampler
    from gloss_pyg.data.report import DataReport, describe
    from gloss_pyg.data.sampler import ClassBalancedSampler
    from gloss_pyg.data.tokens import tokenize

_HOME_OF = {
    "ClassBalancedSampler": "sampler",
    "DataCollator": "collate",
    "DataReport": "report",
    "MixedSampler": "mixed_sampler",
    "describe": "report",
    "load_text_dataset": "load",
    "tokenize": "tokens",
}

__all__ = [
    "DATASET_NAMES",
    "ClassBalancedSampler",
    "DataCollator",
    "DataReport",
    "MixedSampler",
    "describe",
    "load_text_dataset",
    "tokenize",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gloss_pyg.data' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gloss_pyg.data.{_HOME_OF[name]}"), name)
