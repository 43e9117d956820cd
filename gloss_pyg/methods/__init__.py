"""Methods: what `compare` can run.

| method | what it is |
|---|---|
| `FineTuning` | an encoder and a classifier, trained together with any of our losses |
| `Standalone` | an encoder trained with a loss over embeddings alone, then a linear classifier on it |

`FineTuning(prediction=PropagationHead(...))` predicts by propagation in place of the linear classifier, or by both.

A method of your own derives from `Method` and is named in YAML by its class path. What it can be tuned over
(`Method.search_space`) is said by `Interval` and `Choice`.
"""

from gloss_pyg.methods.base import Estimate, FitReport, Method
from gloss_pyg.methods.fine_tuning import FineTuning
from gloss_pyg.methods.linear_head import LinearHead
from gloss_pyg.methods.prediction import PropagationHead
from gloss_pyg.methods.search import Choice, Interval, Range
from gloss_pyg.methods.standalone import Standalone

__all__ = [
    "Choice",
    "Estimate",
    "FineTuning",
    "FitReport",
    "Interval",
    "LinearHead",
    "Method",
    "PropagationHead",
    "Range",
    "Standalone",
]
