"""Few usable batches are warned about once, by the loss function alone; what was counted is there for a log."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import TrainerControl, TrainerState, TrainingArguments

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph import DenseGaussian
from gloss_pyg.losses import GLoss, HybridLoss
from gloss_pyg.training import LossReport, trainer_loss
from gloss_pyg.training.loss_function import LossFunction


class Model(torch.nn.Module):
    """Stands for a model that is not ours where only its configuration matters."""

    config = type("Config", (), {})()


EVERY_CLASS_ONCE, PAIRS = torch.arange(4), torch.tensor([0, 0, 1, 1])


def make() -> LossFunction:
    return trainer_loss(HybridLoss(GLoss(DenseGaussian(0.5)), weight=0.5), Model())


def feed(function: LossFunction, batches: int, labels: Any) -> list[str]:
    """Hand batches to a loss function; the warnings that came."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", NumericalWarning)
        for _ in range(batches):
            function({"embeddings": torch.randn(4, 2), "logits": torch.randn(4, 4)}, labels)
    return [str(one.message) for one in caught if one.category is NumericalWarning]


def test_few_usable_batches_are_warned_about_once_without_any_callback() -> None:
    function = make()
    assert feed(function, 19, EVERY_CLASS_ONCE) == []  # nothing can be inferred, but these are few
    (message,) = feed(function, 81, EVERY_CLASS_ONCE)
    assert "0% of 20 batches" in message
    assert "ClassBalancedSampler" in message


def test_most_batches_usable_is_no_reason_to_warn() -> None:
    assert feed(make(), 100, PAIRS) == []
    function = make()
    assert feed(function, 60, PAIRS) + feed(function, 40, EVERY_CLASS_ONCE) == []


def test_a_log_in_between_does_not_make_the_warning_forget() -> None:
    function = make()
    messages = []
    for _ in range(5):
        messages += feed(function, 7, EVERY_CLASS_ONCE)
        function.reset()
    assert [message.split(":")[0] for message in messages] == ["Only 0% of 20 batches could be used by the graph loss"]


def test_evaluation_is_not_counted() -> None:
    function = make()
    function.model.eval()
    assert feed(function, 100, EVERY_CLASS_ONCE) == []


@pytest.mark.parametrize(("labels", "uncounted"), [(EVERY_CLASS_ONCE, 1.0), (PAIRS, 0.0)])
def test_the_share_of_uncounted_documents_is_logged(labels: Any, uncounted: float, tmp_path: Path) -> None:
    function, logs = make(), {"loss": 1.0}
    feed(function, 3, labels)
    arguments = TrainingArguments(output_dir=str(tmp_path), report_to="none")
    LossReport(function).on_log(arguments, TrainerState(), TrainerControl(), logs=logs)
    assert logs["uncounted"] == uncounted
    assert logs["usable_batches"] == 1 - uncounted
