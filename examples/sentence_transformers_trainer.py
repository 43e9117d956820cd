"""sentence-transformers: `GraphLoss` beside a linear classifier, balanced batches, and the probe as evaluator."""

import tempfile

from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments

from gloss_pyg import load_text_dataset
from gloss_pyg.encoder.offline import offline_folder
from gloss_pyg.integrations.sentence_transformers import ClassBalancedBatches, GraphLoss, ProbeEvaluator

splits = load_text_dataset("bbc", labels_per_class=5)
train, test = splits["train"], splits["test"].select(range(60))
model = SentenceTransformer(str(offline_folder()))  # or "sentence-transformers/all-mpnet-base-v2", ...
model.max_seq_length = 32

loss = GraphLoss(model, num_labels=5)  # G-Loss; without num_labels it stands alone

evaluator = ProbeEvaluator(train["text"], train["label"], test["text"], test["label"], name="test")
with tempfile.TemporaryDirectory() as folder:
    arguments = SentenceTransformerTrainingArguments(
        folder, per_device_train_batch_size=20, learning_rate=1e-4, max_steps=10, logging_steps=2, save_strategy="no",
        batch_sampler=ClassBalancedBatches,  # G-Loss
    )  # fmt: skip
    trainer = SentenceTransformerTrainer(model, arguments, train, loss=loss)
    trainer.train()
    scores = evaluator(model)

losses = [row["loss"] for row in trainer.state.log_history if "loss" in row]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
print(", ".join(f"{name} {value:.3f}" for name, value in scores.items()))
