"""`FineTuning.estimate`: right in proportion, without loading the encoder."""

from pathlib import Path
from typing import Any

import pytest

from gloss_pyg import FineTuning, PropagationHead
from gloss_pyg.encoder import TextEncoder
from gloss_pyg.methods import forecast


@pytest.fixture(autouse=True)
def nothing_is_loaded_or_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast, "_operations_a_second", lambda: 1e9)
    monkeypatch.setattr(TextEncoder, "from_encoder", lambda *_, **__: pytest.fail("it was loaded"))


def seconds(model: Path, splits: Any, **settings: Any) -> float:
    return FineTuning(str(model), **settings).estimate(splits).seconds


def test_time_grows_with_what_is_encoded(tiny_texts: Any, tiny_bert: Path) -> None:
    once = {"max_epochs": 1, "batch_size": 20}
    base = seconds(tiny_bert, tiny_texts, **once)
    # One epoch trains on 60 documents, three passes each, and encodes 30 for validation and 30 for the test.
    unit = base / (3 * 60 + 30 + 30)
    assert seconds(tiny_bert, tiny_texts, **once | {"max_epochs": 4}) == pytest.approx(unit * (4 * (180 + 30) + 30))
    assert seconds(tiny_bert, tiny_texts, **once, max_steps=6) == pytest.approx(unit * (2 * (180 + 30) + 30))
    assert seconds(tiny_bert, tiny_texts, **once, evaluate_every=1) == pytest.approx(unit * (180 + 3 * 30 + 30))
    assert seconds(tiny_bert, tiny_texts, **once, prediction=PropagationHead()) == pytest.approx(unit * (240 + 60))


def test_long_texts_are_counted_as_far_as_they_are_read(tiny_texts: Any, tiny_bert: Path) -> None:
    longer = tiny_texts.map(lambda row: {"text": row["text"] * 50})
    short = seconds(tiny_bert, longer, max_length=8)
    assert short == pytest.approx(seconds(tiny_bert, longer, max_length=16) / 2)
    assert seconds(tiny_bert, tiny_texts, max_length=8) <= short


def test_memory_grows_with_the_batch(tiny_texts: Any, tiny_bert: Path) -> None:
    small, large = (FineTuning(str(tiny_bert), batch_size=size).estimate(tiny_texts).memory_bytes for size in (8, 4096))
    assert large > small > 700e6
