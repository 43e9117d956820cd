"""`trainer_loss` in the stock Trainer: scale under accumulation, foreign models, logs, what is saved and resumed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from transformers import (
    AutoModelForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from gloss_pyg.data import DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.errors import ConfigError
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import ClassificationLoss, GLoss, HybridLoss, TrainingLoss
from gloss_pyg.training import GraphTrainer, LossReport, fit_bandwidth, trainer_loss, training_arguments

NAMES = ["sport", "trade", "music"]


class SquaredLogits(TrainingLoss):
    """A loss without chance: the mean square of the logits, over all documents of the batch."""

    def parts(self, embeddings: Any, logits: Any, labels: Any) -> dict[str, Any]:
        return {"squares": logits.square().mean()}

    def total(self, parts: dict[str, Any]) -> Any:
        return parts["squares"]


class Model(torch.nn.Module):
    """Stands for a model that is not ours where only its configuration matters."""

    config = type("Config", (), {})()


def hybrid(**graph: Any) -> HybridLoss:
    return HybridLoss(GLoss(DenseGaussian(**({"sigma": 0.5} | graph))), weight=0.5)


@pytest.fixture
def documents(tiny_texts: Any, tiny_bert: Path) -> Any:
    return tokenize(tiny_texts, load_tokenizer(str(tiny_bert)), 32)


def one_step(model: Any, loss: Any, documents: Any, tiny_bert: Path, folder: Path, **arguments: Any) -> Trainer:
    """Gradients of the first optimiser step, read before it is taken."""
    settings = training_arguments(folder, max_steps=1, seed=0, **({"batch_size": 16} | arguments), max_grad_norm=0)

    class Reading(Trainer):
        gradients: dict[str, Any]

    class Keep(TrainerCallback):
        def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            trainer.gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}

    trainer = Reading(
        model,
        settings,
        train_dataset=documents["train"],
        eval_dataset=documents["validation"],
        data_collator=DataCollator(load_tokenizer(str(tiny_bert))),
        compute_loss_func=trainer_loss(loss, model),
        callbacks=[Keep()],
    )
    trainer.train()
    return trainer


def make_encoder(tiny_bert: Path) -> TextEncoder:
    torch.manual_seed(0)
    model = TextEncoder.from_encoder(str(tiny_bert), NAMES, pooling="mean")
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    return model


def test_accumulated_steps_have_the_mean_gradient_of_their_batches(
    documents: Any, tiny_bert: Path, tmp_path: Path
) -> None:
    accumulated = one_step(
        make_encoder(tiny_bert),
        SquaredLogits(),
        documents,
        tiny_bert,
        tmp_path / "a",
        batch_size=4,
        gradient_accumulation_steps=4,
    )
    whole = one_step(make_encoder(tiny_bert), SquaredLogits(), documents, tiny_bert, tmp_path / "b", batch_size=16)
    assert accumulated.gradients
    assert any(gradient.abs().max() > 0 for gradient in whole.gradients.values())
    for name, gradient in whole.gradients.items():
        torch.testing.assert_close(accumulated.gradients[name], gradient, rtol=1e-4, atol=1e-7)


def test_the_share_of_labelled_documents_scales_a_batch() -> None:
    outputs = {"logits": torch.ones(4, 3, requires_grad=True), "embeddings": torch.ones(4, 2)}
    function = trainer_loss(SquaredLogits(), Model())
    assert float(function(outputs, torch.tensor([0, 1, -100, -100]))) == 1.0
    assert float(function(outputs, torch.tensor([0, 1, -100, -100]), torch.tensor(8))) == pytest.approx(2 / 8)


def test_a_step_of_unlabelled_documents_is_zero_with_a_gradient_path() -> None:
    logits = torch.ones(4, 3, requires_grad=True)
    embeddings = torch.randn(4, 2, requires_grad=True)
    function = trainer_loss(hybrid(), Model())
    value = function({"logits": logits, "embeddings": embeddings}, torch.full((4,), -100), torch.tensor(0))
    value.backward()
    assert float(value) == 0
    assert logits.grad is not None
    assert not logits.grad.any()
    assert embeddings.grad is not None


def test_three_lines_train_a_foreign_model_and_log_both_losses(documents: Any, tiny_bert: Path, tmp_path: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert, num_labels=3)
    before = {name: value.clone() for name, value in model.named_parameters()}
    loss_function = trainer_loss(hybrid(), model)
    arguments = TrainingArguments(
        output_dir=str(tmp_path),
        max_steps=4,
        logging_steps=2,
        per_device_train_batch_size=16,
        report_to="none",
        save_strategy="no",
        remove_unused_columns=False,
        label_names=["labels"],
    )
    trainer = Trainer(
        model,
        arguments,
        train_dataset=documents["train"],
        eval_dataset=documents["validation"],
        data_collator=DataCollator(load_tokenizer(str(tiny_bert))),
        compute_loss_func=loss_function,
    )
    LossReport.attach(trainer, loss_function)
    trainer.train()
    first = trainer.state.log_history[0]
    assert {"loss", "graph_loss", "classification_loss", "hidden_accuracy", "chance"} <= set(first)
    assert {"usable_batches", "uncounted"} <= set(first)
    assert first["usable_batches"] == 1.0
    assert any(not torch.equal(before[name], value) for name, value in model.named_parameters())
    predictions = trainer.predict(documents["test"]).predictions
    assert predictions.shape == (30, 3)  # logits alone: the hidden states of no layer were gathered


def test_a_loss_with_a_parameter_is_trained_and_saved_with_the_model(
    documents: Any, tiny_bert: Path, tmp_path: Path
) -> None:
    model = make_encoder(tiny_bert)
    loss = hybrid(sigma="learned")
    start = float(loss.graph_loss.graph.bandwidth.log_sigma)
    trainer = one_step(model, loss, documents, tiny_bert, tmp_path, learning_rate=1e-2)
    learned = loss.graph_loss.graph.bandwidth.log_sigma
    assert float(learned) != start
    trainer.save_model(str(tmp_path / "saved"))
    files = (tmp_path / "saved").rglob("*.safetensors")
    saved = {name: value for file in files for name, value in load_file(file).items()}
    torch.testing.assert_close(saved["gloss_loss.graph_loss.graph.bandwidth.log_sigma"], learned.detach())


@pytest.mark.parametrize("sigma", [0.5, "learned", "sqrt"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(
    documents: Any, tiny_bert: Path, tmp_path: Path, sigma: Any
) -> None:
    def run(folder: Path, stop_at: int | None, resume: bool) -> dict[str, Any]:
        torch.manual_seed(0)
        model = TextEncoder.from_encoder(str(tiny_bert), NAMES, pooling="mean")
        arguments = training_arguments(
            folder, batch_size=16, max_steps=6, evaluate_every=3, seed=0, save_strategy="steps", save_steps=3
        )
        loss = hybrid(sigma=sigma)
        if not resume:  # else what was fitted comes with the checkpoint
            fit_bandwidth(loss, model, documents["train"], DataCollator(load_tokenizer(str(tiny_bert))))
        trainer = GraphTrainer(
            model,
            arguments,
            loss,
            train_dataset=documents["train"],
            eval_dataset=documents["validation"],
            data_collator=DataCollator(load_tokenizer(str(tiny_bert))),
        )
        if stop_at is not None:

            class Stop(TrainerCallback):
                def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
                    control.should_training_stop = state.global_step >= stop_at

            trainer.add_callback(Stop())
        trainer.train(resume_from_checkpoint=resume)
        return {name: value.detach().clone() for name, value in model.state_dict().items()}

    whole = run(tmp_path / "whole", None, resume=False)
    run(tmp_path / "parts", 3, resume=False)
    resumed = run(tmp_path / "parts", None, resume=True)
    assert whole.keys() == resumed.keys()
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-5, atol=1e-7, msg=name)


def test_wrong_losses_and_poolings_are_refused(tiny_bert: Path) -> None:
    model = AutoModelForSequenceClassification.from_pretrained(tiny_bert, num_labels=3)
    with pytest.raises(ConfigError, match="HybridLoss"):
        trainer_loss(GLoss(), model)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="from_encoder"):
        trainer_loss(ClassificationLoss(), model, pooling="mean")


def test_a_trainer_that_makes_models_of_its_own_is_refused(documents: Any, tiny_bert: Path, tmp_path: Path) -> None:
    def make() -> TextEncoder:
        return TextEncoder.from_encoder(str(tiny_bert), NAMES)

    trainer = Trainer(
        model_init=make,
        args=training_arguments(tmp_path, max_steps=1, batch_size=8, eval_strategy="no"),
        train_dataset=documents["train"],
        data_collator=DataCollator(load_tokenizer(str(tiny_bert))),
        compute_loss_func=trainer_loss(hybrid(), make()),
    )
    with pytest.raises(ConfigError, match="outputs of another model than trainer_loss was given"):
        trainer.train()
