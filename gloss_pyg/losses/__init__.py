"""Losses over a batch.

| loss | called with | what it is |
|---|---|---|
| `GLoss` | `(embeddings, labels)` | hidden labels inferred over the batch's graph |
| `SupervisedContrastive` | `(embeddings, labels)` | a document's class against the batch, by softmax of cosines |
| `BatchAllTriplet` | `(embeddings, labels)` | a margin between distances within and between classes |
| `PairwiseCosine` | `(embeddings, labels)` | cosines of 1 within and 0 between classes, by least squares |
| `MetricLearning` | `(embeddings, labels)` | any loss of pytorch-metric-learning |
| `SentenceTransformersLoss` | `(embeddings, labels)` | the losses of sentence-transformers that classes suffice for |
| `ClassificationLoss` | `(embeddings, logits, labels)` | cross-entropy over the labelled documents |
| `FocalLoss` | `(embeddings, logits, labels)` | cross-entropy that looks away from what is right already |
| `HybridLoss` | `(embeddings, logits, labels)` | `weight * graph_loss + (1 - weight) * classification_loss` |
| `StandaloneLoss` | `(embeddings, logits, labels)` | one of the first six alone |
| `AgreementLoss` | `(embeddings, logits, labels)` | unlabelled documents: the classifier agrees with propagation |
| `SelfTraining` | `(embeddings, logits, labels)` | unlabelled documents: the classifier agrees with itself |

The first six are the `graph_loss` of `HybridLoss` and `StandaloneLoss`, the last two its `unlabelled_loss`. The four
between are `TrainingLoss`es, what `gloss_pyg.training` trains with; `parts(...)` gives their terms by name.
"""

from gloss_pyg.losses.agreement import AgreementLoss
from gloss_pyg.losses.base import TrainingLoss
from gloss_pyg.losses.batch_all_triplet import BatchAllTriplet
from gloss_pyg.losses.classification import ClassificationLoss
from gloss_pyg.losses.embedding import EmbeddingLoss
from gloss_pyg.losses.focal import FocalLoss
from gloss_pyg.losses.gloss import GLoss, Propagated
from gloss_pyg.losses.hybrid import HybridLoss
from gloss_pyg.losses.mask import stratified_mask
from gloss_pyg.losses.metric_learning import MetricLearning
from gloss_pyg.losses.objectives import NegativeLogProbability, Objective, PublishedCode
from gloss_pyg.losses.pairwise_cosine import PairwiseCosine
from gloss_pyg.losses.self_training import SelfTraining
from gloss_pyg.losses.sentence_transformers_loss import SentenceTransformersLoss
from gloss_pyg.losses.standalone import StandaloneLoss
from gloss_pyg.losses.statistics import BatchStatistics
from gloss_pyg.losses.supervised_contrastive import SupervisedContrastive
from gloss_pyg.losses.unlabelled import UnlabelledLoss

__all__ = [
    "AgreementLoss",
    "BatchAllTriplet",
    "BatchStatistics",
    "ClassificationLoss",
    "EmbeddingLoss",
    "FocalLoss",
    "GLoss",
    "HybridLoss",
    "MetricLearning",
    "NegativeLogProbability",
    "Objective",
    "PairwiseCosine",
    "Propagated",
    "PublishedCode",
    "SelfTraining",
    "SentenceTransformersLoss",
    "StandaloneLoss",
    "SupervisedContrastive",
    "TrainingLoss",
    "UnlabelledLoss",
    "stratified_mask",
]
