"""Training with `transformers.Trainer`.

| what | for |
|---|---|
| `trainer_loss` | your own script with the stock Trainer: its `compute_loss_func` |
| `LossReport` | both losses and the state of the graph loss in the Trainer's logs |
| `GraphTrainer` | the stock Trainer with the two above, a sampler and the learning-rate step |
| `training_arguments` | `TrainingArguments` with our defaults |
| `set_sizes` | widths of learned layers and rules that were left open, taken from the model |
| `fit_labels` | class shares for losses over unlabelled documents |
| `fit_bandwidth` | `sigma="sqrt"`, fitted once on the pretrained embeddings |
| `KeepBest` | early stopping with the best parameters in memory |
| `watch`, `tell_validation` | whoever looks on while a method trains, and may end it |
"""

from gloss_pyg.training.arguments import Precision, check_precision, training_arguments
from gloss_pyg.training.bandwidth import embed_documents, fit_bandwidth
from gloss_pyg.training.keep_best import KeepBest, is_whole_checkpoint
from gloss_pyg.training.labels import fit_labels
from gloss_pyg.training.loss_function import LossFunction, trainer_loss
from gloss_pyg.training.report import LossReport
from gloss_pyg.training.sizes import set_sizes
from gloss_pyg.training.trainer import GraphTrainer
from gloss_pyg.training.watching import tell_validation, watch

__all__ = [
    "GraphTrainer",
    "KeepBest",
    "LossFunction",
    "LossReport",
    "Precision",
    "check_precision",
    "embed_documents",
    "fit_bandwidth",
    "fit_labels",
    "is_whole_checkpoint",
    "set_sizes",
    "tell_validation",
    "trainer_loss",
    "training_arguments",
    "watch",
]
