"""`GraphTrainer` and its arguments: learning-rate step, precision, bandwidths that stay with the model, scale."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, TrainerCallback

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import ClassificationLoss, GLoss, HybridLoss
from gloss_pyg.training import GraphTrainer, embed_documents, fit_bandwidth, trainer_loss, training_arguments

NAMES = ["sport", "trade", "music"]


class Foreign(torch.nn.Module):
    """Stands for a model that is not ours where only its configuration matters."""

    def __init__(self) -> None:
        super().__init__()
        self.config = BertConfig()


class Rates(TrainerCallback):
    """The learning rate of each step."""

    def __init__(self) -> None:
        self.rates: list[float] = []

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **_: Any) -> None:
        self.rates.append(optimizer.param_groups[0]["lr"])


@pytest.fixture
def make(tiny_texts: Any, tiny_bert: Path, tmp_path: Path) -> Any:
    tokenizer = load_tokenizer(tiny_bert)
    documents = tokenize(tiny_texts, tokenizer, 32)

    def build(loss: Any, decay_step: int | None = None, **arguments: Any) -> GraphTrainer:
        torch.manual_seed(0)
        return GraphTrainer(
            TextEncoder.from_encoder(tiny_bert, NAMES, pooling="mean"),
            training_arguments(tmp_path, **({"batch_size": 20, "max_steps": 4} | arguments)),
            loss,
            decay_step=decay_step,
            train_dataset=documents["train"],
            eval_dataset=documents["validation"],
            data_collator=DataCollator(tokenizer),
        )

    return build


def test_the_learning_rate_falls_to_a_tenth_at_the_step_asked_for(make: Any) -> None:
    trainer, seen = make(ClassificationLoss(), decay_step=2, learning_rate=1e-3), Rates()
    trainer.add_callback(seen)
    trainer.train()
    assert seen.rates == pytest.approx([1e-3, 1e-3, 1e-4, 1e-4])


def test_weight_decay_leaves_a_learned_sigma_alone(make: Any) -> None:
    trainer = make(HybridLoss(GLoss(DenseGaussian("learned"))), weight_decay=0.5)
    decayed = trainer.get_decay_parameter_names(trainer.model)
    assert "classifier.weight" in decayed
    assert not [name for name in decayed if "log_sigma" in name]


def test_without_a_step_the_learning_rate_is_constant(make: Any) -> None:
    trainer, seen = make(ClassificationLoss(), learning_rate=1e-3), Rates()
    trainer.add_callback(seen)
    trainer.train()
    assert seen.rates == pytest.approx([1e-3] * 4)


def test_bfloat16_trains_to_nearly_the_same_loss(make: Any) -> None:
    losses = []
    for precision in ("float32", "bf16"):
        trainer = make(
            HybridLoss(GLoss(DenseGaussian(sigma=0.5))), precision=precision, learning_rate=1e-3, use_cpu=True
        )
        for module in trainer.model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0
        losses.append(trainer.train().training_loss)
        assert next(trainer.model.parameters()).dtype == torch.float32
    assert losses[1] == pytest.approx(losses[0], rel=0.02)
    assert losses[1] != losses[0]  # else it was not in half precision


def test_nothing_is_written_where_no_checkpoint_was_asked_for(make: Any, tmp_path: Path) -> None:
    make(ClassificationLoss()).train()
    assert not list(tmp_path.rglob("*.safetensors"))
    assert not list(tmp_path.rglob("*.pt"))


def test_a_fitted_bandwidth_is_the_paper_s_and_is_saved_with_the_model(make: Any, tmp_path: Path) -> None:
    loss = HybridLoss(GLoss(DenseGaussian(sigma="sqrt")))
    trainer = make(loss, save_strategy="steps", save_steps=4)
    assert loss.graph_loss.needs_fit
    fit_bandwidth(loss, trainer.model, trainer.train_dataset, trainer.data_collator)
    assert not loss.graph_loss.needs_fit
    embeddings = embed_documents(trainer.model, trainer.train_dataset, trainer.data_collator).double()
    rows = torch.nn.functional.normalize(embeddings, dim=1)
    distances = torch.cdist(rows, rows)[torch.triu(torch.ones(60, 60), 1).bool()]
    expected = float((distances.median() / 3).sqrt())
    stored = {name: value for name, value in trainer.model.state_dict().items() if name.startswith("gloss_loss.")}
    assert any(value.numel() == 1 and float(value) == pytest.approx(expected, rel=0.02) for value in stored.values())
    trainer.train()
    fresh = HybridLoss(GLoss(DenseGaussian(sigma="sqrt")))
    again = make(fresh, save_strategy="steps", save_steps=4, max_steps=5)
    again.train(resume_from_checkpoint=True)
    assert not fresh.graph_loss.needs_fit
    for name, value in stored.items():
        torch.testing.assert_close(again.model.state_dict()[name], value)


def test_embeddings_of_documents_come_in_order_without_dropout(make: Any) -> None:
    trainer = make(ClassificationLoss())
    model = trainer.model.train()
    found = embed_documents(model, trainer.train_dataset, trainer.data_collator, batch_size=7)
    assert model.training
    model.eval()
    for row in (0, 13, 59):
        batch = trainer.data_collator([trainer.train_dataset[row]])
        batch.pop("labels")
        torch.testing.assert_close(found[row], model(**batch).embeddings[0].detach(), rtol=1e-4, atol=1e-5)


def test_evaluation_returns_logits_alone(make: Any) -> None:
    trainer = make(HybridLoss(GLoss(DenseGaussian(sigma=0.5))))
    predictions = trainer.predict(trainer.eval_dataset).predictions
    assert predictions.shape == (30, 3)


def test_the_loss_follows_the_model_into_evaluation(make: Any) -> None:
    loss = HybridLoss(GLoss(DenseGaussian(sigma=0.5)))  # nothing to learn: no submodule, it must be told
    trainer = make(loss, eval_strategy="no")
    first, second = trainer.evaluate()["eval_loss"], trainer.evaluate()["eval_loss"]
    assert not loss.graph_loss.training
    assert first == second  # the mask of an evaluation is drawn from a fixed seed
    trainer.train()
    assert loss.graph_loss.training


def test_labels_of_minus_one_are_no_labels_and_keep_the_scale() -> None:
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
    outputs = {"logits": logits, "embeddings": torch.eye(3)}
    function = trainer_loss(ClassificationLoss(), Foreign())
    expected = -torch.log_softmax(logits, 1)[[0, 1], [0, 1]].mean()
    # The Trainer counts what is not -100, so three items, of which all are here.
    torch.testing.assert_close(function(outputs, torch.tensor([0, 1, -1]), torch.tensor(3)), expected)
    torch.testing.assert_close(function(outputs, torch.tensor([0, 1, -100]), torch.tensor(2)), expected)


def test_a_batch_without_labels_says_what_to_do() -> None:
    function = trainer_loss(ClassificationLoss(), Foreign())
    with pytest.raises(ConfigError, match="label_names"):
        function({"logits": torch.zeros(1, 2), "embeddings": torch.zeros(1, 2)}, None)
