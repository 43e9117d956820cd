"""Thin adapters for libraries whose training scripts people already have; each has an example in `examples/`.

| host | module here | what it brings |
|---|---|---|
| sentence-transformers | `sentence_transformers` | `GraphLoss`, `ClassBalancedBatches`, `ProbeEvaluator` |
| SetFit | `setfit` | `Trainer`, which hands texts and labels to `GraphLoss` |
| pytorch-metric-learning | `metric_learning` | `GraphMetricLoss`, with references as labelled nodes; `GraphMemory` |
| Lightning | `lightning` | `LossReport`, a callback that logs how propagation fares |

`transformers.Trainer`, with PEFT or without, needs `gloss_pyg.trainer_loss` alone.

Nothing here is imported by the rest of the package, and each module needs its library alone.
"""
