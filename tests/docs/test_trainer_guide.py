"""What the guide to Trainer and loops shows runs, after what a user's script has before it."""

import re
from pathlib import Path

import pytest
import torch
from datasets import Dataset
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

import gloss_pyg

GUIDE = (Path(__file__).parents[2] / "docs" / "how-to" / "trainer.md").read_text("utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCK.findall(GUIDE) if language == "python"]


@pytest.fixture
def script(tiny_bert, tiny_texts, tmp_path, monkeypatch):
    """What a user's script has before the three lines: everything stock, nothing set but where to write."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # readers who type it in have no such checks
    tokenizer = AutoTokenizer.from_pretrained(tiny_bert)
    texts = tiny_texts["train"]
    tokens = tokenizer(list(texts["text"]), padding=True)
    config = BertConfig.from_pretrained(tiny_bert, num_labels=3)
    return {
        "Trainer": Trainer,
        "arguments": TrainingArguments(str(tmp_path / "out"), num_train_epochs=1, use_cpu=True, logging_steps=2),
        "model": BertForSequenceClassification(config),
        "tokenizer": tokenizer,
        "train": Dataset.from_dict({**tokens, "label": list(texts["label"])}),
    }


def run(part, script, **replaced):
    (block,) = (text for text in PYTHON if part in text)
    for old, new in replaced.items():
        assert old in block
        block = block.replace(old, new)
    exec(compile(block, "trainer.md", "exec"), script)


def test_the_three_lines_train_a_stock_model(script):
    block = PYTHON[0]
    assert len([line for line in block.splitlines() if line]) == 3
    before = {name: value.detach().clone() for name, value in script["model"].named_parameters()}
    exec(compile(block, "trainer.md", "exec"), script)
    script["trainer"].train()
    moved = {name for name, value in script["model"].named_parameters() if not torch.equal(value, before[name])}
    assert "classifier.weight" in moved
    assert "bert.encoder.layer.0.attention.self.query.weight" in moved
    assert script["loss_function"].loss.graph_loss.statistics.summary()["usable_batches"] == 1


def test_the_line_for_logs_brings_both_losses(script):
    exec(compile(PYTHON[0], "trainer.md", "exec"), script)
    run("LossReport", script)
    script["trainer"].train()
    logged = {name for row in script["trainer"].state.log_history for name in row}
    assert {"graph_loss", "classification_loss", "hidden_accuracy", "chance"} <= logged


def test_the_bandwidth_is_fitted_on_any_model(script):
    exec(compile(PYTHON[0], "trainer.md", "exec"), script)
    run("fit_bandwidth", script)
    assert not script["loss"].graph_loss.needs_fit


def test_batches_of_balanced_classes_come_from_the_sampler(script):
    exec("from gloss_pyg import DenseGaussian, GLoss, HybridLoss", script)
    script["loss"] = script["HybridLoss"](script["GLoss"](script["DenseGaussian"](sigma=0.5)))
    run("ClassBalancedSampler", script)
    for batch in script["trainer"].get_train_dataloader():
        counts = torch.bincount(batch["labels"])
        assert sorted(counts[counts > 0].tolist()) == [4, 4]
        break
    script["trainer"].train()


def test_our_encoder_takes_the_place_of_the_model(script, tiny_bert):
    run("TextEncoder", script, **{"bert-base-uncased": str(tiny_bert), '"negative", "positive"': '"a", "b", "c"'})
    script["arguments"].label_names = ["labels"]
    exec(compile(PYTHON[0], "trainer.md", "exec"), script)
    script["trainer"].train()


def test_the_loss_in_a_loop_gives_a_gradient(script):
    exec("from gloss_pyg import DenseGaussian, GLoss, HybridLoss", script)
    run("loss(embeddings", script)
    assert bool(script["embeddings"].grad.any())


def test_the_classifier_predicts_what_comes_later(script):
    exec("from gloss_pyg import DenseGaussian, GLoss, HybridLoss", script)
    run("loss(embeddings", script)  # in the order of the page, whose names must not be mixed up
    run("PropagationClassifier", script)
    assert script["classifier"].transduction_.tolist() == [0, 1] * 15
    assert script["classifier"].predict_proba(script["embeddings"][30:]).argmax(axis=1).tolist() == [0, 1] * 5


def test_every_block_is_run_by_a_test():
    parts = ["trainer_loss(Hybrid", "LossReport", "fit_bandwidth", "ClassBalancedSampler", "TextEncoder"]
    parts += ["loss(embeddings", "PropagationClass"]
    assert [sum(part in block for part in parts) for block in PYTHON] == [1] * len(PYTHON)


def test_every_public_name_in_the_guide_is_there():
    used = set(re.findall(r"from gloss_pyg import (.+)", GUIDE))
    names = {name.strip() for line in used for name in line.split(",")}
    assert names <= set(gloss_pyg.__all__)
