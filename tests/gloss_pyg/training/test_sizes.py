"""Learned parts of a loss whose width is left open take it from the model, from the seed, before the optimiser."""

import numpy as np
import pytest
import torch
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value
from torch import nn
from torch_geometric.nn import GCNConv
from transformers import BertConfig, BertForSequenceClassification

from gloss_pyg import ClassificationLoss, FineTuning, GLoss, HybridLoss, TextEncoder, trainer_loss
from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian, MultiHeadEdges
from gloss_pyg.propagation import AttentionPropagation, ConvPropagation, LabelPropagation, LinearBeliefPropagation
from gloss_pyg.training import set_sizes

NAMES = ["good", "bad", "neither"]


def encoder():
    return TextEncoder.from_encoder("random-tiny", NAMES)  # 64 columns


def documents():
    features = Features({"text": Value("string"), "label": ClassLabel(names=NAMES)})
    texts = [f"{word} film number {number}" for number in range(8) for word in ("fine", "dull", "plain")]
    rows = Dataset.from_dict({"text": texts, "label": [0, 1, 2] * 8}, features=features)
    return DatasetDict(train=rows, validation=rows, test=rows)


def test_open_widths_come_from_the_encoder():
    loss = HybridLoss(GLoss(MultiHeadEdges(num_heads=2), AttentionPropagation(num_heads=4)))
    assert not list(loss.graph_loss.propagation.parameters())
    set_sizes(loss, encoder())
    heads = loss.graph_loss.graph.heads
    assert [tuple(head.weight.shape) for head in heads] == [(32, 64), (32, 64)]
    assert loss.graph_loss.propagation.query.weight.shape == (64, 64)


def test_a_learned_coupling_takes_the_number_of_classes_and_starts_as_if_it_had_been_given():
    open_one, given = LinearBeliefPropagation(0.4, learned=True), LinearBeliefPropagation(0.4, True, num_classes=3)
    set_sizes(GLoss(propagation=open_one), encoder())
    assert open_one.num_classes == 3
    assert torch.equal(open_one.coupling(), given.coupling())
    assert [name for name, _ in open_one.named_parameters()] == [name for name, _ in given.named_parameters()]


def test_telling_twice_draws_once():
    layer = AttentionPropagation()
    loss = GLoss(propagation=layer)
    set_sizes(loss, encoder())
    before = layer.query.weight.clone()
    set_sizes(loss, encoder())
    assert torch.equal(layer.query.weight, before)


@pytest.mark.parametrize(
    ("loss", "what"),
    [
        (GLoss(propagation=AttentionPropagation(dim=8)), "AttentionPropagation was made with dim=8, but .* 64 columns"),
        (GLoss(MultiHeadEdges(dim=8)), "MultiHeadEdges was made with dim=8, but .* 64 columns"),
        (GLoss(propagation=ConvPropagation(GCNConv(11, 3), dim=8)), "ConvPropagation was made with dim=8"),
        (GLoss(propagation=ConvPropagation(GCNConv(2, 2))), "made with num_classes=2, but there are 3 classes"),
        (GLoss(propagation=LabelPropagation(num_classes=4)), "made with num_classes=4, but there are 3 classes"),
        (GLoss(num_classes=5), "GLoss was made with num_classes=5, but there are 3 classes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_parts_made_for_other_sizes_are_refused_before_any_training(loss, what):
    with pytest.raises(ConfigError, match=what):
        set_sizes(loss, encoder())
    method = FineTuning("random-tiny", HybridLoss(loss), max_steps=1)
    with pytest.raises(ConfigError, match=what):
        method.estimate(documents())


def test_a_part_used_before_it_was_told_says_what_to_do():
    x, labels = torch.randn(6, 4), torch.tensor([0, 1, 2, 0, 1, 2])
    for loss in (
        GLoss(DenseGaussian(1.0), AttentionPropagation()),
        GLoss(MultiHeadEdges(rule=DenseGaussian(1.0)), LabelPropagation()),
        GLoss(DenseGaussian(1.0), LinearBeliefPropagation(learned=True)),
    ):
        with pytest.raises(ConfigError, match=r"must know how wide it is: give (dim|num_classes), or call"):
            loss(x, labels)
    with pytest.raises(ConfigError, match="MultiHeadEdges must know how wide"):
        MultiHeadEdges().fit_sigma(x)


def test_a_foreign_model_says_its_sizes_too_and_the_optimiser_gets_the_parameters():
    model = BertForSequenceClassification(
        BertConfig(vocab_size=8, hidden_size=12, num_hidden_layers=1, num_attention_heads=1, num_labels=3)
    )
    loss = HybridLoss(GLoss(propagation=AttentionPropagation()))
    trainer_loss(loss, model)
    assert "gloss_loss.graph_loss.propagation.query.weight" in dict(model.named_parameters())
    assert loss.graph_loss.propagation.dim == 12


def test_a_model_that_does_not_say_its_width_is_a_matter_only_for_parts_that_need_it():
    set_sizes(ClassificationLoss(), nn.Linear(2, 2))
    set_sizes(GLoss(), nn.Linear(2, 2))
    with pytest.raises(ConfigError, match="AttentionPropagation must know how wide it is: give dim"):
        set_sizes(GLoss(propagation=AttentionPropagation()), nn.Linear(2, 2))


def test_what_is_drawn_depends_on_the_seed_alone():
    splits = documents()

    def probabilities(seed, disturb):
        torch.rand(disturb)  # whatever ran before in this process
        loss = HybridLoss(GLoss(DenseGaussian(0.7), AttentionPropagation()))
        method = FineTuning("random-tiny", loss, max_steps=2, batch_size=12)
        method.fit(splits["train"], splits["validation"], seed=seed)
        return method.predict_proba(splits["test"]["text"])

    assert np.array_equal(probabilities(0, 1), probabilities(0, 100))
    assert not np.array_equal(probabilities(0, 1), probabilities(1, 1))
