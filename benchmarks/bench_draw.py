"""What `DrawEvery` costs: `python benchmarks/bench_draw.py`, about two minutes on two cores.

MiniLM on BBC News, 64 documents of at most 128 tokens a step, the same number drawn: seconds of a picture, encoding and
writing included, against those of 50 steps, the default distance between pictures. Bar: 1 %.
"""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bars import Bars
from transformers import Trainer, TrainerCallback, TrainingArguments

from gloss_pyg import DataCollator, DenseGaussian, GLoss, HybridLoss, TextEncoder, load_text_dataset, trainer_loss
from gloss_pyg.data import tokenize
from gloss_pyg.encoder import load_tokenizer
from gloss_pyg.viz import DrawEvery

STEPS, EVERY, BAR = 6, 50, 0.01


class Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds of each step, without what callbacks do between them."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Start."""
        self.start = time.perf_counter()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Stop."""
        self.seconds.append(time.perf_counter() - self.start)


class Timed(DrawEvery):  # type: ignore[misc]  # final for users: here its one method is timed
    """Draws, and keeps the seconds of each picture."""

    def _draw(self, *arguments: Any) -> None:
        before, start = len(self.moments), time.perf_counter()
        super()._draw(*arguments)
        if len(self.moments) > before:
            seconds.append(time.perf_counter() - start)


seconds: list[float] = []


def main() -> int:
    """Print the share."""
    splits = load_text_dataset("bbc")
    tokenizer = load_tokenizer("offline")
    model = TextEncoder.from_encoder("offline", splits["train"].features["label"].names)
    loss = GLoss(DenseGaussian(sigma=0.5))
    train, held = (tokenize(splits[name].select(range(400 if name == "train" else 64)), tokenizer, 128) for name in
                   ("train", "validation"))  # fmt: skip
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        draw = Timed(held, DataCollator(tokenizer), loss, Path(folder) / "pictures", every=2)
        arguments = TrainingArguments(
            folder, per_device_train_batch_size=64, max_steps=STEPS, save_strategy="no", report_to=[],
            disable_tqdm=True, label_names=["labels"],
        )  # fmt: skip
        Trainer(
            model, arguments, train_dataset=train, data_collator=DataCollator(tokenizer), callbacks=[clock, draw],
            compute_loss_func=trainer_loss(HybridLoss(loss), model),
        ).train()  # fmt: skip
    step, picture = statistics.median(clock.seconds), statistics.median(seconds[1:])
    print(f"a step {step:.2f} s, a picture {picture:.2f} s (medians of {len(clock.seconds)} and {len(seconds) - 1})")
    bars = Bars()
    bars.at_most(f"a picture every {EVERY} steps, share of the training", picture / (EVERY * step + picture), BAR, "")
    return bars.status()


if __name__ == "__main__":
    raise SystemExit(main())
