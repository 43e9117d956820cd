"""`KeepBest`: the best parameters come back, patience counts from them, and a resumed run knows what was before."""

from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from gloss_pyg.data import ClassBalancedSampler, DataCollator, tokenize
from gloss_pyg.encoder import TextEncoder, load_tokenizer
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.metrics import compute_metrics
from gloss_pyg.training import GraphTrainer, KeepBest, fit_bandwidth, training_arguments

NAMES = ["sport", "trade", "music"]


def play(keep: KeepBest, scores: list[float], arguments: TrainingArguments) -> tuple[torch.nn.Linear, int]:
    """Validations with these scores; at the i-th the weight is i. Returns the model and the step where it stopped."""
    model = torch.nn.Linear(1, 1, bias=False)
    state, control = TrainerState(max_steps=99), TrainerControl()
    keep.on_train_begin(arguments, state, control, model=model)
    for index, score in enumerate(scores):
        state.global_step = index + 1
        torch.nn.init.constant_(model.weight, index)
        keep.on_evaluate(arguments, state, control, metrics={"eval_macro_f1": score, "eval_accuracy": 0.5}, model=model)
        if control.should_training_stop:
            break
    keep.on_train_end(arguments, state, control, model=model)
    return model, state.global_step


@pytest.mark.parametrize(
    ("scores", "best", "stopped"),
    [
        ([0.1, 0.5, 0.4, 0.3, 0.9], 1, 4),
        ([0.1, 0.5, 0.4, 0.6, 0.2], 3, 5),
        ([0.5, 0.5, 0.5, 0.5], 0, 3),  # an equal score is no rise
        ([0.3], 0, 1),
        ([float("nan"), 0.2, 0.1], 1, 3),
        ([0.2, float("nan"), float("nan"), 0.9], 0, 3),
    ],
)
def test_best_parameters_come_back_and_patience_counts_from_them(
    scores: list[float], best: int, stopped: int, tmp_path: Path
) -> None:
    keep = KeepBest(patience=2)
    model, step = play(keep, scores, training_arguments(tmp_path))
    assert float(model.weight.detach()) == best
    assert keep.best_step == best + 1
    assert keep.best_score == scores[best]
    assert step == stopped
    assert [row["step"] for row in keep.history] == list(range(1, stopped + 1))


@pytest.mark.parametrize(
    ("scores", "best", "stopped"),
    [
        ([0.10, 0.12, 0.14, 0.15], 3, 3),  # rises, each too small, and in sum too
        ([0.10, 0.16, 0.20, 0.22, 0.24], 4, 5),  # small ones add up
        ([0.10, 0.08, 0.16, 0.10, 0.10], 2, 5),
    ],
)
def test_small_rises_are_kept_and_do_not_start_patience_anew(
    scores: list[float], best: int, stopped: int, tmp_path: Path
) -> None:
    keep = KeepBest(patience=2, min_delta=0.05)
    model, step = play(keep, scores, training_arguments(tmp_path))
    assert (float(model.weight.detach()), step) == (min(best, stopped - 1), stopped)
    assert keep.best_score == max(scores[:stopped])


def test_any_score_may_be_followed(tmp_path: Path) -> None:
    keep = KeepBest(patience=9, metric="macro_silhouette")
    state, control, model = TrainerState(max_steps=9), TrainerControl(), torch.nn.Linear(1, 1)
    keep.on_train_begin(training_arguments(tmp_path), state, control, model=model)
    keep.on_evaluate(training_arguments(tmp_path), state, control, metrics={"eval_macro_silhouette": 0.3}, model=model)
    assert (keep.best_score, [row.keys() for row in keep.history]) == (0.3, [{"step", "seconds", "macro_silhouette"}])


def test_a_second_training_starts_afresh(tmp_path: Path) -> None:
    keep = KeepBest(patience=9)
    play(keep, [0.9, 0.1], training_arguments(tmp_path))
    model, _ = play(keep, [0.1, 0.3], training_arguments(tmp_path))
    assert float(model.weight.detach()) == 1
    assert keep.best_score == 0.3


class Scripted:
    """`compute_metrics` with scores given beforehand, so that the best step is known."""

    def __init__(self, scores: list[float]) -> None:
        self.scores = scores

    def __call__(self, evaluation: Any) -> dict[str, float]:
        return compute_metrics(evaluation) | {"macro_f1": self.scores.pop(0)}


class Stop(TrainerCallback):
    def __init__(self, step: int) -> None:
        self.step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_training_stop |= state.global_step >= self.step


@pytest.mark.parametrize("balanced", [False, True])
@pytest.mark.parametrize("scores", [[0.6, 0.4, 0.5, 0.3], [0.2, 0.4, 0.1, 0.3]])
def test_a_resumed_run_keeps_the_same_best_parameters(
    tiny_texts: Any, tiny_bert: Path, tmp_path: Path, scores: list[float], balanced: bool
) -> None:
    tokenizer = load_tokenizer(tiny_bert)
    documents = tokenize(tiny_texts, tokenizer, 32)

    def run(folder: Path, scores: list[float], stop_at: int | None = None, resume: bool = False) -> tuple[Any, Any]:
        torch.manual_seed(0)
        model = TextEncoder.from_encoder(tiny_bert, NAMES)
        loss = HybridLoss(GLoss(DenseGaussian(sigma="learned")))
        fit_bandwidth(loss, model, documents["train"], DataCollator(tokenizer))
        keep = KeepBest(patience=9)
        sampler = None
        if balanced:
            sampler = ClassBalancedSampler(documents["train"]["labels"], classes_per_batch=3, documents_per_class=4)
        trainer = GraphTrainer(
            model,
            training_arguments(
                folder,
                batch_size=12,
                max_steps=8,
                evaluate_every=2,
                learning_rate=1e-3,
                save_strategy="steps",
                save_steps=2,
            ),
            loss,
            train_sampler=sampler,
            train_dataset=documents["train"],
            eval_dataset=documents["validation"],
            data_collator=DataCollator(tokenizer),
            compute_metrics=Scripted(list(scores)),
            callbacks=[keep] + ([Stop(stop_at)] if stop_at else []),
        )
        trainer.train(resume_from_checkpoint=resume)
        return {name: value.clone() for name, value in model.state_dict().items()}, keep

    whole, kept = run(tmp_path / "whole", scores)
    run(tmp_path / "parts", scores[:2], stop_at=4)
    resumed, kept_again = run(tmp_path / "parts", scores[2:], resume=True)
    assert kept_again.best_step == kept.best_step == 2 * (1 + scores.index(max(scores)))
    assert kept_again.best_score == max(scores)
    assert [row["step"] for row in kept_again.history] == [2, 4, 6, 8]
    assert [row["macro_f1"] for row in kept_again.history] == scores
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=1e-5, atol=1e-7, msg=name)
    assert "gloss_loss.graph_loss.graph.bandwidth.log_sigma" in whole
