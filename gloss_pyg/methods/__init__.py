"""Methods: what `compare` can run.

| method | what it is |
|---|---|
| `FineTuning` | an encoder and a classifier, trained with any of our losses |

`FineTuning(prediction=PropagationHead(...))` predicts by propagation in place of the linear classifier, or by both.

A method of your own derives from `Method` and is named in YAML by its class path.
"""

from gloss_pyg.methods.base import Estimate, FitReport, Method
from gloss_pyg.methods.fine_tuning import FineTuning
from gloss_pyg.methods.prediction import PropagationHead

__all__ = ["Estimate", "FineTuning", "FitReport", "Method", "PropagationHead"]
