"""LoRA through PEFT: a few thousand parameters of the encoder are trained, by the same three lines."""

import tempfile

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Trainer, TrainingArguments

from gloss_pyg import DenseGaussian, GLoss, HybridLoss, load_text_dataset, trainer_loss
from gloss_pyg.encoder.offline import offline_folder

train = load_text_dataset("bbc", labels_per_class=5)["train"]
name = str(offline_folder())  # or "bert-base-uncased", ...
tokenizer = AutoTokenizer.from_pretrained(name)
model = AutoModelForSequenceClassification.from_pretrained(name, num_labels=5)
model = get_peft_model(model, LoraConfig(task_type="SEQ_CLS", r=8, target_modules=["query", "value"]))
train = train.map(lambda rows: tokenizer(rows["text"], truncation=True, max_length=32), batched=True)
train = train.remove_columns("text")

loss_function = trainer_loss(HybridLoss(GLoss(DenseGaussian(sigma=0.5)), weight=0.7), model)  # G-Loss

with tempfile.TemporaryDirectory() as folder:
    arguments = TrainingArguments(
        folder, per_device_train_batch_size=25, learning_rate=2e-3, max_steps=10, logging_steps=2, save_strategy="no",
        label_names=["labels"],
    )  # fmt: skip
    trainer = Trainer(
        model, arguments, train_dataset=train, processing_class=tokenizer,
        compute_loss_func=loss_function,  # G-Loss
    )  # fmt: skip
    trainer.train()

losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
model.print_trainable_parameters()
