"""Lightning: the loss is an attribute of the module, and a callback logs how propagation fares."""

import lightning
import torch
from torch.utils.data import DataLoader
from transformers import AutoModel, AutoTokenizer

from gloss_pyg import DenseGaussian, GLoss, HybridLoss, load_text_dataset
from gloss_pyg.encoder.offline import offline_folder
from gloss_pyg.integrations.lightning import LossReport

name = str(offline_folder())  # or "bert-base-uncased", ...
tokenizer = AutoTokenizer.from_pretrained(name)


class Classifier(lightning.LightningModule):
    """An encoder with a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(name).train()
        self.classifier = torch.nn.Linear(self.body.config.hidden_size, 5)
        self.loss = HybridLoss(GLoss(DenseGaussian(sigma=0.5)), weight=0.7)  # G-Loss
        self.seen: list[float] = []

    def training_step(self, batch: dict[str, torch.Tensor], _: int) -> torch.Tensor:
        """One step."""
        labels = batch.pop("labels")
        embeddings = self.body(**batch).last_hidden_state[:, 0]
        loss = self.loss(embeddings, self.classifier(embeddings), labels)  # G-Loss, in the place of cross_entropy
        self.seen.append(loss.item())
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW."""
        return torch.optim.AdamW(self.parameters(), lr=1e-4)


def collate(rows: list[dict]) -> dict[str, torch.Tensor]:
    """Tokens and labels of a batch."""
    texts = [row["text"] for row in rows]
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=32, return_tensors="pt")
    return {**tokens, "labels": torch.tensor([row["label"] for row in rows])}


train = load_text_dataset("bbc", labels_per_class=5)["train"]
lightning.seed_everything(0, verbose=False)
module = Classifier()
trainer = lightning.Trainer(
    max_epochs=10, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
    callbacks=[LossReport()],  # G-Loss
)  # fmt: skip
trainer.fit(module, DataLoader(list(train), batch_size=25, shuffle=True, collate_fn=collate))
print(f"loss {module.seen[0]:.3f} -> {module.seen[-1]:.3f}")
print({name: round(float(value), 3) for name, value in trainer.callback_metrics.items()})
