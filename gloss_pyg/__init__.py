"""G-Loss: fine-tune a text encoder with label propagation over the graph of each mini-batch.

The public names below are imported when they are first used, so that `import gloss_pyg` takes no time.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gloss_pyg._registration import register_when_asked_for

if TYPE_CHECKING:
    from gloss_pyg.classifier import PropagationClassifier
    from gloss_pyg.data import ClassBalancedSampler, DataCollator, MixedSampler, load_text_dataset, tokenize
    from gloss_pyg.encoder import TextEncoder, load_tokenizer
    from gloss_pyg.graph import (
        Compose,
        DenseCosine,
        DenseGaussian,
        DenseStudentT,
        EpsilonGaussian,
        KNNGaussian,
        MultiHeadEdges,
        MutualKNNGaussian,
        TopK,
    )
    from gloss_pyg.losses import (
        AgreementLoss,
        BatchAllTriplet,
        ClassificationLoss,
        FocalLoss,
        GLoss,
        HybridLoss,
        MetricLearning,
        PairwiseCosine,
        PublishedCode,
        SelfTraining,
        SentenceTransformersLoss,
        StandaloneLoss,
        SupervisedContrastive,
    )
    from gloss_pyg.methods import FineTuning, Method, PropagationHead, Standalone
    from gloss_pyg.propagation import (
        AbsorbingWalk,
        AttentionPropagation,
        ConvPropagation,
        CorrectAndSmooth,
        HarmonicFunction,
        HeatKernel,
        LabelPropagation,
        LabelSpreading,
        LaplacianRegularization,
        LinearBeliefPropagation,
        ModifiedAdsorption,
        NearestLabelled,
        PersonalizedPageRank,
        PoissonLearning,
        Propagation,
        SinkhornPropagation,
    )
    from gloss_pyg.training import GraphTrainer, LossReport, fit_bandwidth, fit_labels, trainer_loss

__version__ = "0.1.0"

_HOMES = {
    "classifier": ("PropagationClassifier",),
    "data": ("ClassBalancedSampler", "DataCollator", "MixedSampler", "load_text_dataset", "tokenize"),
    "encoder": ("TextEncoder", "load_tokenizer"),
    "graph": (
        "Compose",
        "DenseCosine",
        "DenseGaussian",
        "DenseStudentT",
        "EpsilonGaussian",
        "KNNGaussian",
        "MultiHeadEdges",
        "MutualKNNGaussian",
        "TopK",
    ),
    "losses": (
        "AgreementLoss",
        "BatchAllTriplet",
        "ClassificationLoss",
        "FocalLoss",
        "GLoss",
        "HybridLoss",
        "MetricLearning",
        "PairwiseCosine",
        "PublishedCode",
        "SelfTraining",
        "SentenceTransformersLoss",
        "StandaloneLoss",
        "SupervisedContrastive",
    ),
    "methods": ("FineTuning", "Method", "PropagationHead", "Standalone"),
    "propagation": (
        "AbsorbingWalk",
        "AttentionPropagation",
        "ConvPropagation",
        "CorrectAndSmooth",
        "HarmonicFunction",
        "HeatKernel",
        "LabelPropagation",
        "LabelSpreading",
        "LaplacianRegularization",
        "LinearBeliefPropagation",
        "ModifiedAdsorption",
        "NearestLabelled",
        "PersonalizedPageRank",
        "PoissonLearning",
        "Propagation",
        "SinkhornPropagation",
    ),
    "training": ("GraphTrainer", "LossReport", "fit_bandwidth", "fit_labels", "trainer_loss"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AbsorbingWalk",
    "AgreementLoss",
    "AttentionPropagation",
    "BatchAllTriplet",
    "ClassBalancedSampler",
    "ClassificationLoss",
    "Compose",
    "ConvPropagation",
    "CorrectAndSmooth",
    "DataCollator",
    "DenseCosine",
    "DenseGaussian",
    "DenseStudentT",
    "EpsilonGaussian",
    "FineTuning",
    "FocalLoss",
    "GLoss",
    "GraphTrainer",
    "HarmonicFunction",
    "HeatKernel",
    "HybridLoss",
    "KNNGaussian",
    "LabelPropagation",
    "LabelSpreading",
    "LaplacianRegularization",
    "LinearBeliefPropagation",
    "LossReport",
    "Method",
    "MetricLearning",
    "MixedSampler",
    "ModifiedAdsorption",
    "MultiHeadEdges",
    "MutualKNNGaussian",
    "NearestLabelled",
    "PairwiseCosine",
    "PersonalizedPageRank",
    "PoissonLearning",
    "Propagation",
    "PropagationClassifier",
    "PropagationHead",
    "PublishedCode",
    "SelfTraining",
    "SentenceTransformersLoss",
    "SinkhornPropagation",
    "Standalone",
    "StandaloneLoss",
    "SupervisedContrastive",
    "TextEncoder",
    "TopK",
    "fit_bandwidth",
    "fit_labels",
    "load_text_dataset",
    "load_tokenizer",
    "tokenize",
    "trainer_loss",
]

register_when_asked_for()


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'gloss_pyg' has no attribute {name!r}")
    return getattr(importlib.import_module(f"gloss_pyg.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
