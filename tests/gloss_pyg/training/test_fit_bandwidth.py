"""`fit_bandwidth` takes the documents that the Trainer takes: either name of the labels, and columns of one's own."""

from pathlib import Path
from typing import Any

import jaxtyping
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, DataCollatorWithPadding, PreTrainedModel

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.training import fit_bandwidth, trainer_loss

NAMES = ["sport", "trade", "music"]


def fitted(model: Any, documents: Any, collate: Any, sigma: str = "leave-one-out") -> float:
    loss = HybridLoss(GLoss(DenseGaussian(sigma=sigma)))
    trainer_loss(loss, model)
    fit_bandwidth(loss, model, documents, collate)
    assert not loss.graph_loss.needs_fit
    return float(loss.graph_loss.graph.bandwidth.sigma)


def test_labels_may_be_called_label(tiny_texts: Any, tiny_bert: Path) -> None:
    tokenizer = load_tokenizer(tiny_bert)
    model = TextEncoder.from_encoder(tiny_bert, NAMES, pooling="mean")
    documents = tokenize(tiny_texts["train"], tokenizer, 32)
    collate = DataCollator(tokenizer)
    expected = fitted(model, documents, collate)
    assert fitted(model, documents.rename_column("labels", "label"), collate) == expected


@pytest.mark.parametrize("ours", [True, False])
def test_columns_that_the_model_does_not_read_are_dropped_as_the_trainer_drops_them(
    tiny_texts: Any, tiny_bert: Path, ours: bool
) -> None:
    tokenizer = load_tokenizer(tiny_bert)
    model: Any = (
        TextEncoder.from_encoder(tiny_bert, NAMES)
        if ours
        else BertForSequenceClassification(BertConfig.from_pretrained(tiny_bert, num_labels=3))
    )
    documents = tiny_texts["train"].map(lambda rows: tokenizer(rows["text"]), batched=True)
    documents = documents.add_column("number", list(range(len(documents))))
    expected = fitted(model, documents.remove_columns(["text", "number"]), DataCollator(tokenizer))
    assert fitted(model, documents, DataCollatorWithPadding(tokenizer)) == expected


def test_a_model_in_a_wrapper_of_peft_is_asked_what_it_reads(
    tiny_texts: Any, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # the wrapper only behaves like a PreTrainedModel
    peft = pytest.importorskip("peft", reason="PEFT is not installed")
    tokenizer = load_tokenizer(tiny_bert)
    documents = tiny_texts["train"].map(lambda rows: tokenizer(rows["text"]), batched=True)
    model, same = (TextEncoder.from_encoder(tiny_bert, NAMES) for _ in range(2))
    expected = fitted(model, documents.remove_columns("text"), DataCollator(tokenizer))
    wrapped = peft.get_peft_model(same, peft.LoraConfig(target_modules=["query"], modules_to_save=["classifier"]))
    assert fitted(wrapped, documents, DataCollatorWithPadding(tokenizer)) == expected


def test_a_model_that_does_not_say_what_it_reads_gets_all_columns(tiny_texts: Any, tiny_bert: Path) -> None:
    class Reads(PreTrainedModel):
        def forward(self, **inputs: Any) -> dict[str, Any]:
            lengths = inputs["attention_mask"].sum(dim=1).float()
            return {"embeddings": torch.stack([lengths, torch.ones_like(lengths)], dim=1)}

    tokenizer = load_tokenizer(tiny_bert)
    documents = tokenize(tiny_texts["train"], tokenizer, 32)
    loss, model = GLoss(DenseGaussian(sigma="sqrt")), Reads(BertConfig())
    model.register_parameter("somewhere", torch.nn.Parameter(torch.zeros(1)))
    fit_bandwidth(loss, model, documents, DataCollator(tokenizer))
    assert not loss.needs_fit


def test_documents_without_labels_are_told_which_column_is_missing(tiny_texts: Any, tiny_bert: Path) -> None:
    tokenizer = load_tokenizer(tiny_bert)
    model = TextEncoder.from_encoder(tiny_bert, NAMES)
    documents = tokenize(tiny_texts["train"], tokenizer, 32).remove_columns("labels")
    with pytest.raises(ConfigError, match="give fit_bandwidth documents with a column 'label' or 'labels'"):
        fitted(model, documents, DataCollator(tokenizer))
    fitted(model, documents, DataCollator(tokenizer), sigma="sqrt")
