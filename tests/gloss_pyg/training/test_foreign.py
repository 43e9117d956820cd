"""Models that are not ours: which are refused, and what the others keep of themselves."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.utils._pytree as pytree
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    Trainer,
    TrainingArguments,
    XLNetConfig,
    XLNetForSequenceClassification,
)

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import ClassificationLoss, GLoss, HybridLoss
from gloss_pyg.training import trainer_loss
from gloss_pyg.training.loss_function import embeddings_of

SMALL_BERT = {
    "vocab_size": 20,
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "max_position_embeddings": 16,
}


def hybrid() -> HybridLoss:
    return HybridLoss(GLoss(DenseGaussian(0.5)), weight=0.5)


def test_models_that_read_from_left_to_right_are_refused() -> None:
    gpt2 = GPT2ForSequenceClassification(GPT2Config(vocab_size=20, n_positions=16, n_embd=16, n_layer=1, n_head=2))
    with pytest.raises(ConfigError, match=r"GPT2ForSequenceClassification reads from left to right.*BERT"):
        trainer_loss(hybrid(), gpt2)
    decoder = BertForSequenceClassification(BertConfig(**SMALL_BERT, is_decoder=True))
    with pytest.raises(ConfigError, match="left to right"):
        trainer_loss(hybrid(), decoder)


def test_xlnet_is_refused_for_where_its_token_stands_not_for_the_direction_it_reads_in() -> None:
    xlnet = XLNetForSequenceClassification(XLNetConfig(vocab_size=20, d_model=16, n_layer=1, n_head=2, d_inner=16))
    with pytest.raises(ConfigError, match=r"has the token that stands for the text at the end.*BERT") as caught:
        trainer_loss(hybrid(), xlnet)
    assert "left to right" not in str(caught.value)


def test_encoder_decoders_are_refused() -> None:
    sizes = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 16}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    bart = BartForSequenceClassification(BartConfig(vocab_size=20, **sizes, **layers))
    with pytest.raises(ConfigError, match=r"BartForSequenceClassification is an encoder-decoder.*first token"):
        trainer_loss(hybrid(), bart)


def test_the_configuration_and_the_saved_model_are_as_if_we_had_not_been_there(tmp_path: Path) -> None:
    model = BertForSequenceClassification(BertConfig(**SMALL_BERT)).eval()
    before, ids = model.config.to_dict(), torch.tensor([[2, 3, 4]])
    function = trainer_loss(hybrid(), model)
    assert model.config.to_dict() == before
    expected = model.bert(ids).last_hidden_state[:, 0]
    torch.testing.assert_close(embeddings_of(model(ids)), expected)
    assert float(function(model(ids), torch.tensor([0]))) >= 0
    model.save_pretrained(tmp_path)
    config = tmp_path / "config.json"
    saved = BertForSequenceClassification.from_pretrained(tmp_path)
    assert not {"output_hidden_states", "keys_to_ignore_at_inference"} & set(json.loads(config.read_text()))
    assert saved(ids).hidden_states is None


def test_who_asks_for_hidden_states_gets_them() -> None:
    model = BertForSequenceClassification(BertConfig(**SMALL_BERT)).eval()
    trainer_loss(hybrid(), model)
    outputs = model(torch.tensor([[2, 3, 4]]), output_hidden_states=True)
    assert len(outputs.hidden_states) == 2
    assert list(outputs) == ["logits"]  # what the Trainer gathers


def test_the_outputs_of_replicas_keep_the_states_through_dataparallel() -> None:
    model = BertForSequenceClassification(BertConfig(**SMALL_BERT)).eval()
    trainer_loss(hybrid(), model)
    replica = model._replicate_for_data_parallel()  # shares the modules below, which is enough for a forward
    assert list(replica(torch.tensor([[2, 3, 4]]))) == ["logits", "hidden_states"]


class Pooled(torch.nn.Module):
    """A classifier whose forward takes nothing but ids, and returns embeddings itself."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.classifier = torch.nn.Embedding(20, 4), torch.nn.Linear(4, 2)

    def forward(self, input_ids: torch.Tensor) -> dict[str, torch.Tensor]:
        embeddings = self.table(input_ids).mean(dim=1)
        return {"logits": self.classifier(embeddings), "embeddings": embeddings}


def test_a_model_that_gives_embeddings_itself_is_asked_for_nothing() -> None:
    model = Pooled()
    function = trainer_loss(hybrid(), model)
    outputs = model(torch.tensor([[2, 3], [4, 5], [2, 4], [4, 6]]))
    assert float(function(outputs, torch.tensor([0, 1, 0, 1])).detach()) > 0


def test_a_second_loss_leaves_nothing_of_the_first() -> None:
    model = BertForSequenceClassification(BertConfig(**SMALL_BERT))
    names = set(dict(model.named_parameters()))
    trainer_loss(HybridLoss(GLoss(DenseGaussian("learned"))), model)
    assert set(dict(model.named_parameters())) - names == {"gloss_loss.graph_loss.graph.bandwidth.log_sigma"}
    hooks = len(model._forward_hooks), len(model._forward_pre_hooks)
    second = HybridLoss(GLoss(DenseGaussian("learned")))
    trainer_loss(second, model)
    assert (len(model._forward_hooks), len(model._forward_pre_hooks)) == hooks
    assert model.get_submodule("gloss_loss") is second
    trainer_loss(ClassificationLoss(), model)
    assert set(dict(model.named_parameters())) == names
    assert len(model._forward_hooks) == hooks[0] - 1
    model.train()(torch.tensor([[2, 3, 4]]))


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("layers", [1, 4])
def test_evaluation_gathers_the_logits_alone_whatever_the_layers(layers: int, labelled: bool, tmp_path: Path) -> None:
    model = BertForSequenceClassification(BertConfig(**SMALL_BERT | {"num_hidden_layers": layers}, num_labels=3))
    arguments = TrainingArguments(output_dir=str(tmp_path), per_device_eval_batch_size=4, report_to="none")
    documents = [{"input_ids": [2, 3 + row % 5, 4]} | ({"labels": row % 3} if labelled else {}) for row in range(8)]
    trainer = Trainer(model, arguments, compute_loss_func=trainer_loss(hybrid(), model))
    gathered: list[tuple[int, ...]] = []
    gather = trainer.gather_function

    def watch(values: Any, **options: Any) -> Any:
        pytree.tree_map_only(torch.Tensor, lambda tensor: gathered.append(tuple(tensor.shape)), values)
        return gather(values, **options)

    trainer.gather_function = watch
    predicted = trainer.predict(documents)
    assert gathered.count((4, 3)) == 2
    assert {shape for shape in gathered if len(shape) > 1} == {(4, 3)}
    assert predicted.predictions.shape == (8, 3)
    assert ("test_loss" in predicted.metrics) is labelled
