"""For scripts that use `SentenceTransformerTrainer` (extra `st`): a loss, balanced batches, an evaluator."""

from gloss_pyg.integrations.sentence_transformers.batches import ClassBalancedBatches
from gloss_pyg.integrations.sentence_transformers.evaluator import ProbeEvaluator
from gloss_pyg.integrations.sentence_transformers.loss import GraphLoss

__all__ = ["ClassBalancedBatches", "GraphLoss", "ProbeEvaluator"]
