"""The stock Trainer in two processes: gradients of model and loss are the documented weighted mean of both batches'."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing
from datasets import Dataset
from transformers import Trainer, TrainerCallback

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.losses import TrainingLoss
from gloss_pyg.training import trainer_loss, training_arguments

TEXTS = ["team win goal", "bank shares", "album song concert tour", "player coach", "profit oil firm market", "band"]
LABELS = [0, -1, 2, 0, 1, -1]


class Pairs(TrainingLoss):
    """Without chance, of the batch as a whole (no sum over documents), and with a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.tensor(0.3))

    def parts(self, embeddings: Any, logits: Any, labels: Any) -> dict[str, Any]:
        agree = torch.tanh(embeddings @ embeddings.T * self.scale).mean()
        return {"pairs": agree + logits[labels >= 0].square().sum() / (labels >= 0).sum().clamp(min=1)}

    def total(self, parts: dict[str, Any]) -> Any:
        return parts["pairs"]


def make(tiny_bert: str) -> tuple[TextEncoder, Pairs]:
    torch.manual_seed(0)
    model = TextEncoder.from_encoder(tiny_bert, ["a", "b", "c"], pooling="mean")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model, Pairs()


def process(rank: int, port: int, tiny_bert: str, folder: str) -> None:
    """One of the two: keeps what its batch was, and the gradients as the optimiser gets them."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    os.environ |= {"MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    torch.set_num_threads(1)
    tokenizer = load_tokenizer(tiny_bert)
    model, loss = make(tiny_bert)
    collate, seen = DataCollator(tokenizer), {}

    def collate_and_keep(features: Any) -> Any:
        batch = collate(features)
        seen.update(batch)
        return batch

    class Keep(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
            torch.save({"gradients": gradients, "batch": seen}, f"{folder}/{rank}.pt")

    arguments = training_arguments(
        f"{folder}/{rank}",
        batch_size=3,
        max_steps=1,
        eval_strategy="no",
        max_grad_norm=0,
        use_cpu=True,
        ddp_backend="gloo",
    )
    Trainer(
        model,
        arguments,
        train_dataset=tokenize(Dataset.from_dict({"text": TEXTS, "label": LABELS}), tokenizer, 32),
        data_collator=collate_and_keep,
        compute_loss_func=trainer_loss(loss, model),
        callbacks=[Keep()],
    ).train()
    torch.distributed.destroy_process_group()


@pytest.mark.timeout(240)
def test_gradients_are_the_weighted_mean_of_both_processes(tiny_bert: Path, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(process, args=(port, str(tiny_bert), str(tmp_path)), nprocs=2)
    kept = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2)]
    model, loss = make(str(tiny_bert))
    model.add_module("gloss_loss", loss)
    model.train()
    labelled = [int((one["batch"]["labels"] >= 0).sum()) for one in kept]
    assert sum(labelled) == 4
    for one, count in zip(kept, labelled, strict=True):
        batch = dict(one["batch"])
        labels = batch.pop("labels")
        output = model(**batch)
        (count / 4 * loss(output.embeddings, output.logits, labels)).backward()
    expected = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    for one in kept:  # both processes take the same step
        assert one["gradients"].keys() == expected.keys()
        for name, gradient in expected.items():
            torch.testing.assert_close(one["gradients"][name], gradient, rtol=1e-4, atol=1e-6, msg=name)
    assert abs(float(expected["gloss_loss.scale"])) > 1e-4
