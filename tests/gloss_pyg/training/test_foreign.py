"""Models that are not ours: which are refused, and what the others keep of themselves."""

import pytest
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
)

from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.training import trainer_loss

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


def test_encoder_decoders_are_refused() -> None:
    sizes = {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "max_position_embeddings": 16}
    layers = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    bart = BartForSequenceClassification(BartConfig(vocab_size=20, **sizes, **layers))
    with pytest.raises(ConfigError, match=r"BartForSequenceClassification is an encoder-decoder.*first token"):
        trainer_loss(hybrid(), bart)
