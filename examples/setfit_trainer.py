"""SetFit: the embeddings by `GraphLoss` over whole batches in place of pairs, then its head as ever."""

from setfit import SetFitModel, TrainingArguments

from gloss_pyg import load_text_dataset
from gloss_pyg.encoder.offline import offline_folder
from gloss_pyg.integrations.sentence_transformers import GraphLoss  # G-Loss
from gloss_pyg.integrations.setfit import Trainer  # G-Loss, in the place of setfit's

train = load_text_dataset("bbc", labels_per_class=5)["train"]
model = SetFitModel.from_pretrained(str(offline_folder()))  # or "sentence-transformers/all-mpnet-base-v2", ...
model.model_body.max_seq_length = 32

arguments = TrainingArguments(
    batch_size=20, max_steps=10, body_learning_rate=1e-4, logging_steps=2, save_strategy="no", report_to="none",
    loss=GraphLoss,  # G-Loss
)  # fmt: skip
trainer = Trainer(model, arguments, train_dataset=train)
trainer.train()

losses = [row["embedding_loss"] for row in trainer.st_trainer.state.log_history if "embedding_loss" in row]
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
print(model.predict(["The striker scored twice before half time."]))
