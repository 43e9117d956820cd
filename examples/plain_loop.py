"""A training loop of one's own: the loss is a module of embeddings, logits and labels."""

import torch
from transformers import AutoModel, AutoTokenizer

from gloss_pyg import DenseGaussian, GLoss, HybridLoss, load_text_dataset
from gloss_pyg.encoder.offline import offline_folder

train = load_text_dataset("bbc", labels_per_class=5)["train"]
name = str(offline_folder())  # or "bert-base-uncased", ...
tokenizer, body = AutoTokenizer.from_pretrained(name), AutoModel.from_pretrained(name).train()
torch.manual_seed(0)
classifier = torch.nn.Linear(body.config.hidden_size, 5)
tokens = tokenizer(list(train["text"]), padding=True, truncation=True, max_length=32, return_tensors="pt")
labels = torch.tensor(train["label"][:])

loss_function = HybridLoss(GLoss(DenseGaussian(sigma=0.5)), weight=0.7)  # G-Loss

optimizer = torch.optim.AdamW([*body.parameters(), *classifier.parameters()], lr=1e-4)
losses = []
for _ in range(10):
    embeddings = body(**tokens).last_hidden_state[:, 0]
    loss = loss_function(embeddings, classifier(embeddings), labels)  # G-Loss, in the place of cross_entropy
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
print(f"loss {losses[0]:.3f} -> {losses[-1]:.3f}")
