"""Training in two processes: gradients are the documented weighted mean of both batches', and an epoch is resumed."""

import faulthandler
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing
from datasets import Dataset
from transformers import AutoModelForSequenceClassification, Trainer, TrainerCallback

from gloss_pyg.data import ClassBalancedSampler, DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss, TrainingLoss
from gloss_pyg.training import GraphTrainer, trainer_loss, training_arguments

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


def start(rank: int, port: int) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    os.environ |= {"MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    torch.set_num_threads(1)
    faulthandler.dump_traceback_later(180, exit=True)  # a hang ends with the stacks of both processes


def leave() -> None:
    """End a process that has written what it was for, without destructors.

    One that destroys its group waits, about once in four times, for a thread of Gloo that wants the interpreter which
    it holds: the stacks of such a hang show the end of the function and nothing of the project (torch 2.13.0).
    """
    torch.distributed.barrier()  # nobody leaves while the other still asks for something
    os._exit(0)


def spawn(work: Callable[..., None], *arguments: str) -> None:
    """Run `work(rank, port, *arguments)` in two processes."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    torch.multiprocessing.spawn(work, args=(port, *arguments), nprocs=2)


def process(rank: int, port: int, tiny_bert: str, folder: str) -> None:
    """One of the two: keeps what its batch was, and the gradients as the optimiser gets them."""
    start(rank, port)
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
    leave()


@pytest.mark.timeout(240)
def test_gradients_are_the_weighted_mean_of_both_processes(tiny_bert: Path, tmp_path: Path) -> None:
    spawn(process, str(tiny_bert), str(tmp_path))
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


def resumed(rank: int, port: int, tiny_bert: str, folder: str) -> None:
    """A foreign model with balanced batches, three steps an epoch: six steps, and the last two of them once more."""
    start(rank, port)
    tokenizer = load_tokenizer(tiny_bert)
    texts = [f"{word} match {index}" for index, word in enumerate(TEXTS * 4)]
    documents = tokenize(Dataset.from_dict({"text": texts, "label": [0, 1] * 12}), tokenizer, 16)
    batches: list[list[list[int]]] = [[], []]

    def run(seen: list[list[int]], resume: bool) -> GraphTrainer:
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_pretrained(tiny_bert, num_labels=2)
        collate = DataCollator(tokenizer)

        def collate_and_keep(features: Any) -> Any:
            batch = collate(features)
            seen.append(batch["input_ids"].tolist())
            return batch

        trainer = GraphTrainer(
            model,
            training_arguments(
                f"{folder}/run",
                batch_size=4,
                max_steps=6,
                eval_strategy="no",
                save_strategy="steps",
                save_steps=4,
                use_cpu=True,
                ddp_backend="gloo",
            ),
            HybridLoss(GLoss(DenseGaussian("learned"))),
            train_sampler=ClassBalancedSampler([0, 1] * 12, classes_per_batch=2, documents_per_class=2),
            train_dataset=documents,
            data_collator=collate_and_keep,
        )
        trainer.train(resume_from_checkpoint=f"{folder}/run/checkpoint-4" if resume else None)
        return trainer

    whole = run(batches[0], resume=False)
    again = run(batches[1], resume=True)
    states = [{name: value.clone() for name, value in one.model.state_dict().items()} for one in (whole, again)]
    predicted = again.predict(documents)
    kept = {"batches": batches, "states": states, "predictions": predicted.predictions, "metrics": predicted.metrics}
    torch.save(kept, f"{folder}/{rank}.pt")
    leave()


@pytest.mark.timeout(240)
def test_a_resumed_epoch_goes_on_with_its_own_batches(tiny_bert: Path, tmp_path: Path) -> None:
    spawn(resumed, str(tiny_bert), str(tmp_path))
    kept = [torch.load(tmp_path / f"{rank}.pt", weights_only=False) for rank in range(2)]
    for one in kept:
        whole, again = one["batches"]
        assert len(whole) == 6
        assert whole[3:] != whole[:3]  # else any epoch would do
        assert again[:2] == whole[4:]  # after them come those of the prediction
        for name, value in one["states"][0].items():
            torch.testing.assert_close(one["states"][1][name], value, rtol=1e-5, atol=1e-7, msg=name)
        assert one["predictions"].shape == (24, 2)
        assert one["metrics"]["test_loss"] > 0
    assert kept[0]["batches"][0][0] != kept[1]["batches"][0][0]
