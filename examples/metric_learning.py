"""pytorch-metric-learning: `GraphMetricLoss` in a memory of past batches, whose documents are labelled nodes."""

import torch
from transformers import AutoModel, AutoTokenizer

from gloss_pyg import load_text_dataset
from gloss_pyg.encoder.offline import offline_folder
from gloss_pyg.integrations.metric_learning import GraphMemory, GraphMetricLoss  # G-Loss

train = load_text_dataset("bbc", labels_per_class=10)["train"].shuffle(seed=0)
name = str(offline_folder())  # or "bert-base-uncased", ...
tokenizer, body = AutoTokenizer.from_pretrained(name), AutoModel.from_pretrained(name).train()

loss_function = GraphMemory(GraphMetricLoss(), embedding_size=384, memory_size=50)  # G-Loss

optimizer = torch.optim.AdamW(body.parameters(), lr=5e-5)
losses = []
for step in range(12):
    rows = train[(step % 2) * 25 : (step % 2) * 25 + 25]
    tokens = tokenizer(rows["text"], padding=True, truncation=True, max_length=32, return_tensors="pt")
    loss = loss_function(body(**tokens).last_hidden_state[:, 0], torch.tensor(rows["label"]))
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    losses.append(loss.item())
# The first step has no memory yet, so that its labels are hidden in the batch; from the second on all of them are.
print(f"loss {losses[1]:.3f} -> {losses[-1]:.3f}")
