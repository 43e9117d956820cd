import pytest
import torch
from transformers import AutoTokenizer, Trainer, TrainingArguments

from gloss_pyg import DataCollator, DenseGaussian, GLoss, HybridLoss, TextEncoder, tokenize, trainer_loss
from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.viz import DrawEvery


def train(tiny_bert, tiny_texts, folder, callbacks, attached=(), report_to=()):
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    rows = tokenize(tiny_texts["train"], tokenizer, 16)
    torch.manual_seed(0)
    model = TextEncoder.from_encoder(tiny_bert, ["music", "sport", "trade"])
    loss = GLoss(DenseGaussian(sigma=0.5))
    arguments = TrainingArguments(
        str(folder), max_steps=4, per_device_train_batch_size=12, use_cpu=True, report_to=list(report_to),
        save_strategy="no", disable_tqdm=True, learning_rate=1e-3, seed=0,
    )  # fmt: skip
    trainer = Trainer(
        model,
        arguments,
        train_dataset=rows,
        data_collator=DataCollator(tokenizer),
        compute_loss_func=trainer_loss(HybridLoss(loss), model),
        callbacks=[make(rows, tokenizer, loss) for make in callbacks],
    )
    for make in attached:
        make(rows, tokenizer, loss).attach(trainer)
    trainer.train()
    return trainer


def test_one_batch_is_drawn_as_training_goes_on_and_training_does_not_notice(tiny_bert, tiny_texts, tmp_path):
    made = []

    def callback(rows, tokenizer, loss):
        made.append(DrawEvery(rows.select(range(15)), DataCollator(tokenizer), loss, tmp_path / "pictures", every=3))
        return made[0]

    with_pictures = train(tiny_bert, tiny_texts, tmp_path / "a", [callback])
    without = train(tiny_bert, tiny_texts, tmp_path / "b", [])
    names = sorted(path.name for path in (tmp_path / "pictures").iterdir())
    assert names == ["step-000000.png", "step-000003.png", "step-000004.png"]
    batches = [batch for _, batch in made[0].moments]
    assert all(torch.equal(batch.seen, batches[0].seen) for batch in batches)
    assert not torch.allclose(batches[0].graph.x, batches[-1].graph.x)
    for ours, theirs in zip(with_pictures.model.parameters(), without.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_what_cannot_be_drawn_is_said(tmp_path):
    rows, loss = [{"input_ids": [1], "labels": 0}] * 2, GLoss(DenseGaussian(sigma=0.5))
    with pytest.raises(ConfigError, match="every=0"):
        DrawEvery(rows, lambda batch: {}, loss, tmp_path, every=0)
    with pytest.raises(DataError, match="got 1 documents"):
        DrawEvery(rows[:1], lambda batch: {}, loss, tmp_path)


def test_tensorboard_gets_every_picture_also_the_first_and_the_last(tiny_bert, tiny_texts, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "board"))

    def callback(rows, tokenizer, loss):
        return DrawEvery(rows.select(range(15)), DataCollator(tokenizer), loss, tmp_path / "pictures", every=2)

    train(tiny_bert, tiny_texts, tmp_path / "a", [], [callback], ["tensorboard"])
    found = EventAccumulator(str(tmp_path / "board"), size_guidance={"images": 0}).Reload().Images("batch graph")
    assert [image.step for image in found] == [0, 2, 4]
    assert all(image.width > 500 for image in found)


class Wandb:
    """As much of wandb as the Trainer's callback and ours use."""

    def __init__(self):
        self.run, self.logged = None, []

    def Image(self, path):
        return path

    def log(self, values):
        self.logged.append(values)


def test_weights_and_biases_gets_them_once_it_runs(tmp_path):
    from PIL import Image
    from transformers import TrainerCallback

    from gloss_pyg.viz.trackers import send_picture

    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    callback = TrainerCallback()
    callback._wandb = Wandb()
    assert not send_picture([callback], "batch graph", tmp_path / "a.png", 7)
    callback._wandb.run = object()
    assert send_picture([TrainerCallback(), callback], "batch graph", tmp_path / "a.png", 7)
    assert callback._wandb.logged == [{"batch graph": str(tmp_path / "a.png"), "train/global_step": 7}]
