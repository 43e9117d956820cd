"""What was tried to improve `AgreementLoss`, beside what it does: `python benchmarks/try_agreement.py --output FOLDER`.

| variant | what it changes |
|---|---|
| `confidence` | a document counts as much as its target is sure (1 - entropy / log C, as in Iscen et al. 2019) |
| `tokens` | targets from the encoder without dropout; the classifier sees three quarters of a text's tokens |
| `teacher` | the same, with targets from a moving average of the encoder (decay 0.9 a step) |

BBC News, 5 labels a class, the settings of `few-labels-bbc.yaml`, 3 seeds, ended after 60 steps: there the agreement of
that configuration has its best score within 50. About an hour on two cores. It is no part of the package: what does not
pay by validation is not shipped.
"""

import argparse
import copy
import math
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
import yaml
from torch import Tensor

from gloss_pyg import GLoss, HybridLoss
from gloss_pyg.compare.__main__ import main as compare
from gloss_pyg.losses import AgreementLoss
from gloss_pyg.losses.targets import sharpen, to_shares
from gloss_pyg.methods import FineTuning

STEPS, DECAY, DROPPED = 60, 0.9, 0.25
VARIANTS: dict[str, dict[str, Any]] = {
    "agreement": {},
    "confidence": {"confidence": True},
    "tokens": {"dropped_tokens": DROPPED},
    "teacher": {"dropped_tokens": DROPPED, "teacher": DECAY},
}


class TriedAgreement(AgreementLoss):  # type: ignore[misc]  # final for users, not for what is tried here
    """Targets from another view of the batch, and weights by confidence."""

    confidence = False
    view: Tensor | None = None

    def forward(self, embeddings: Tensor, logits: Tensor, labels: Tensor) -> Tensor:  # type: ignore[misc]
        """As `UnlabelledLoss.forward`, with both changes."""
        if self.training:
            self.steps += 1
        with torch.no_grad():
            seen = self.view if self.training and self.view is not None else embeddings.detach()
            found = self.targets(seen, logits.detach(), labels)
            chosen = (labels < 0) & (found.sum(dim=1) > 0)
            wanted = found[chosen]
            shares = self._wanted_shares(wanted)
            if not wanted.numel():
                return logits.mul(0).sum()
            if shares is not None:
                wanted = to_shares(wanted, shares)
            rows = wanted / wanted.sum(dim=1, keepdim=True)
            sure = 1 + (rows * rows.clamp(min=1e-12).log()).sum(dim=1) / math.log(rows.size(1))
            wanted = sharpen(wanted, self.sharpness)
            if self.confidence:
                wanted = wanted * (sure / sure.mean())[:, None]
        return F.cross_entropy(logits[chosen], wanted)


class Tried(FineTuning):
    """`FineTuning` by `GLoss` and a variant of `AgreementLoss`.

    Args:
        settings: Arguments of `FineTuning`.
        confidence: See above.
        dropped_tokens: Share of the tokens of unlabelled documents that the classifier does not see.
        teacher: Decay of the moving average, 0 for the encoder itself.
    """

    def __init__(
        self, settings: dict[str, Any], confidence: bool = False, dropped_tokens: float = 0.0, teacher: float = 0.0
    ) -> None:
        agreement = TriedAgreement(class_shares="uniform")
        agreement.confidence = confidence
        super().__init__(loss=HybridLoss(graph_loss=GLoss(), unlabelled_loss=agreement), **settings)
        self.settings, self.confidence = settings, confidence
        self.dropped_tokens, self.teacher = dropped_tokens, teacher

    def _trainer(self, encoder: Any, loss: Any, *others: Any) -> Any:
        trainer = super()._trainer(encoder, loss, *others)
        if not self.dropped_tokens:
            return trainer
        teacher, compute_loss = copy.deepcopy(encoder).eval(), trainer.compute_loss
        generator = torch.Generator().manual_seed(int(others[-1]))  # `_trainer`'s seed

        def with_two_views(model: Any, inputs: dict[str, Tensor], *arguments: Any, **named: Any) -> Any:
            unlabelled = inputs["labels"] < 0
            if model.training and unlabelled.any():
                tokens = {name: inputs[name] for name in ("input_ids", "attention_mask")}
                with torch.no_grad():
                    for own, trained in zip(teacher.body.parameters(), encoder.body.parameters(), strict=True):
                        own.lerp_(trained, 1 - self.teacher)
                    loss.unlabelled_loss.view = teacher(**tokens).embeddings
                inputs = dict(inputs) | drop_tokens(tokens, unlabelled, self.dropped_tokens, generator)
            return compute_loss(model, inputs, *arguments, **named)

        trainer.compute_loss = with_two_views
        return trainer


def drop_tokens(tokens: dict[str, Tensor], rows: Tensor, share: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Take a share of the tokens out of some rows, never the first and the last one."""
    ids, mask = tokens["input_ids"], tokens["attention_mask"].bool()
    kept = (torch.rand(ids.shape, generator=generator) >= share) | ~rows[:, None]
    kept[:, 0] = True
    kept[torch.arange(len(ids)), mask.sum(dim=1) - 1] = True
    kept &= mask
    order = (~kept).long().argsort(dim=1, stable=True)
    new_mask = kept.gather(1, order)
    return {"input_ids": ids.gather(1, order) * new_mask, "attention_mask": new_mask.long()}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder of the results; run again, it goes on")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    settings: dict[str, Any] = {
        "model": "offline",
        "max_length": 64,
        "batch_size": 73,
        "labelled_per_batch": 25,
        "unlabelled": "keep",
        "learning_rate": 1e-4,
        "max_epochs": 1000,
        "max_steps": STEPS,
        "evaluate_every": 10,
        "patience": 4,
    }
    methods = {
        name: {"class_path": "try_agreement.Tried", "init_args": {"settings": settings, **changes}}
        for name, changes in VARIANTS.items()
    }
    data = {"bbc": {"labels_per_class": 5, "unlabelled": "keep", "test_size": 600}}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "agreement.yaml"
        config.write_text(yaml.safe_dump({"methods": methods, "data": data, "seeds": arguments.seeds}))
        return compare([f"--config={config}", f"--output={arguments.output}", "--workers=2"])


if __name__ == "__main__":
    sys.exit(main())
