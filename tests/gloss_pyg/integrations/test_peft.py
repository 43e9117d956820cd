import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

peft = pytest.importorskip("peft", reason="PEFT is not installed")

from gloss_pyg import (
    DataCollator,
    DenseGaussian,
    GLoss,
    HybridLoss,
    TextEncoder,
    load_tokenizer,
    tokenize,
    trainer_loss,
)
from gloss_pyg.training.loss_function import embeddings_of


def lora(model, **more):
    config = peft.LoraConfig(r=2, target_modules=["query", "value"], init_lora_weights=False, **more)
    return peft.get_peft_model(model, config)


def train(model, tiny_bert, tiny_texts, tmp_path):
    loss_function = trainer_loss(HybridLoss(GLoss(DenseGaussian(sigma="learned"))), model)
    tokenizer = load_tokenizer(str(tiny_bert))
    arguments = TrainingArguments(
        str(tmp_path), per_device_train_batch_size=12, max_steps=2, save_strategy="no", use_cpu=True,
        label_names=["labels"], learning_rate=0.01, remove_unused_columns=False,
    )  # fmt: skip
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    rows = tokenize(tiny_texts["train"], tokenizer, 16)
    Trainer(
        model, arguments, train_dataset=rows, data_collator=DataCollator(tokenizer), compute_loss_func=loss_function
    ).train()
    return {name for name, value in model.named_parameters() if not torch.equal(value, before[name])}


def test_lora_trains_its_own_weights_the_classifier_and_sigma(tiny_bert, tiny_texts, tmp_path):
    model = lora(
        BertForSequenceClassification(BertConfig.from_pretrained(tiny_bert, num_labels=3)), task_type="SEQ_CLS"
    )
    moved = train(model, tiny_bert, tiny_texts, tmp_path)
    assert any("lora_A" in name for name in moved)
    assert any("modules_to_save" in name and "classifier" in name for name in moved)
    assert any("gloss_loss" in name for name in moved)
    assert not any("base_layer" in name for name in moved)


@pytest.mark.parametrize("more", [{"modules_to_save": ["classifier"]}, {"task_type": "SEQ_CLS"}])
def test_our_encoder_keeps_its_own_embeddings_in_lora(tiny_bert, tiny_texts, tmp_path, more):
    encoder = TextEncoder.from_encoder(str(tiny_bert), ["a", "b", "c"], pooling="mean")
    model = lora(encoder, **more)
    moved = train(model, tiny_bert, tiny_texts, tmp_path)
    assert any("lora_A" in name for name in moved)
    assert any("classifier" in name for name in moved)
    model.eval()
    outputs = model(input_ids=torch.tensor([[2, 5, 6, 3]]), attention_mask=torch.ones(1, 4, dtype=torch.long))
    assert embeddings_of(outputs) is outputs["embeddings"]
    model.save_pretrained(tmp_path / "adapter")
    fresh = TextEncoder.from_encoder(str(tiny_bert), ["a", "b", "c"], pooling="mean")
    again = peft.PeftModel.from_pretrained(fresh, tmp_path / "adapter").eval()
    ids = torch.tensor([[2, 5, 6, 3]])
    torch.testing.assert_close(again(input_ids=ids).logits, model(input_ids=ids).logits)


def test_a_wrapped_model_takes_over_from_the_bare_one(tiny_bert, tiny_texts, tmp_path):
    encoder = TextEncoder.from_encoder(str(tiny_bert), ["a", "b", "c"])
    trainer_loss(HybridLoss(GLoss(DenseGaussian(sigma="learned"))), encoder)
    moved = train(lora(encoder, task_type="SEQ_CLS"), tiny_bert, tiny_texts, tmp_path)
    assert [name.split(".")[0] for name in moved if "gloss_loss" in name] == ["gloss_loss"]
