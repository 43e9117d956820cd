"""Losses over a batch.

| loss | called with | what it is |
|---|---|---|
| `GLoss` | `(embeddings, labels)` | hidden labels inferred over the batch's graph |
| `ClassificationLoss` | `(embeddings, logits, labels)` | cross-entropy over the labelled documents |
| `HybridLoss` | `(embeddings, logits, labels)` | `weight * graph_loss + (1 - weight) * classification_loss` |

The last two are `TrainingLoss`es, what `gloss_pyg.training` trains with; `parts(...)` gives their terms by name.
"""

from gloss_pyg.losses.agreement import AgreementLoss
from gloss_pyg.losses.base import TrainingLoss
from gloss_pyg.losses.classification import ClassificationLoss
from gloss_pyg.losses.gloss import GLoss, Propagated
from gloss_pyg.losses.hybrid import HybridLoss
from gloss_pyg.losses.mask import stratified_mask
from gloss_pyg.losses.objectives import NegativeLogProbability, Objective, PublishedCode
from gloss_pyg.losses.self_training import SelfTraining
from gloss_pyg.losses.statistics import BatchStatistics
from gloss_pyg.losses.unlabelled import UnlabelledLoss

__all__ = [
    "AgreementLoss",
    "BatchStatistics",
    "ClassificationLoss",
    "GLoss",
    "HybridLoss",
    "NegativeLogProbability",
    "Objective",
    "Propagated",
    "PublishedCode",
    "SelfTraining",
    "TrainingLoss",
    "UnlabelledLoss",
    "stratified_mask",
]
