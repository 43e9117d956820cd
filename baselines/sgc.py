"""SGC: logistic regression on what two propagations over the corpus graph make of its nodes."""

import logging
import math
import time
from typing import Any, final

import numpy as np
import torch
from datasets import DatasetDict
from torch import Tensor, nn
from torch.nn import functional

from baselines.attachment import Attachment
from baselines.corpus_graph import CorpusGraph
from baselines.graph_method import GraphMethod, estimate_graph
from baselines.graph_task import GraphTask
from gloss_pyg.errors import ConfigError
from gloss_pyg.methods import Estimate

progress = logging.getLogger("gloss_pyg.progress")

# From strong to weak, so that each fit starts near its end.
WEIGHT_DECAYS = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)


@final
class SGC(GraphMethod):
    r"""Simple graph convolution: TextGCN without its hidden layer, a convex problem without dropout or seeds.

    .. math:: Z = \sqrt{N}\, \hat A^2\, \Theta + \beta, \qquad
        \min_{\Theta, \beta} \mathrm{CE}(Z) + \tfrac{1}{2} \eta \lVert \Theta \rVert^2

    solved by L-BFGS for falling weight decays `eta`, until the validation loss rises. Prefer it to TextGCN where
    minutes count. The factor `sqrt(N)` brings the entries of the features near one, as single precision needs.

    The propagation is fixed before training. It is kept as its two factors: inputs are one-hot, so the features
    `A^2` of the documents fill nine tenths of a documents x nodes matrix (4.6 GB for 20NG), while two products with
    `A` at the width of the classes read a twentieth of that.

    Args:
        graph: How the graph is made, as for `TextGCN`; by default as published.
        weight_decay: `eta`; by default chosen by the validation loss.
        max_iterations: Iterations of L-BFGS for each weight decay.

    Raises:
        ConfigError: for a setting out of range.

    Source: Wu et al., ICML 2019 (arXiv 1902.07153), equation 8; section 5.2 on the text graphs of TextGCN. There
    features are scaled to [0, 1] one by one, which makes words that a single document reaches as large as any.

    Example:
        >>> SGC(weight_decay=1e-4).name
        'SGC'
    """

    def __init__(
        self, graph: CorpusGraph | None = None, weight_decay: float | None = None, max_iterations: int = 50
    ) -> None:
        if weight_decay is not None and not (math.isfinite(weight_decay) and weight_decay > 0):
            raise ConfigError(f"SGC: weight_decay={weight_decay}, expected a positive number such as 1e-4.")
        if max_iterations < 1:
            raise ConfigError(f"SGC: max_iterations={max_iterations}, expected at least 1.")
        super().__init__(graph or CorpusGraph())
        self.weight_decay = weight_decay
        self.max_iterations = max_iterations

    def settings(self) -> dict[str, Any]:
        """See `GraphMethod.settings`."""
        return {"weight_decay": self.weight_decay, "max_iterations": self.max_iterations}

    def train(self, task: GraphTask, report: dict[str, Any]) -> tuple[Attachment, np.ndarray]:
        """See `GraphMethod.train`."""
        device = task.training_labels.device
        scale = math.sqrt(task.num_nodes)
        theta = nn.Parameter(torch.zeros(task.num_nodes, task.num_classes, device=device))
        bias = nn.Parameter(torch.zeros(task.num_classes, device=device))
        history: list[dict[str, float]] = []
        steps, lowest, start = 0, math.inf, time.perf_counter()
        best: tuple[int, Tensor, Tensor] = (0, theta.detach().clone(), bias.detach().clone())
        for decay in WEIGHT_DECAYS if self.weight_decay is None else (self.weight_decay,):
            steps += self._minimise(task, theta, bias, decay, scale)
            loss, row = _validate(task, scale * theta, bias)
            history.append({"step": float(steps), "seconds": time.perf_counter() - start, **row})
            progress.info("weight decay %g: validation loss %.4f, accuracy %.4f", decay, loss, row["accuracy"])
            if loss >= lowest:
                break
            lowest = loss
            best = steps, theta.detach().clone(), bias.detach().clone()
        report |= {
            "seconds_per_epoch": (time.perf_counter() - start) / max(steps, 1),
            "epochs": float(steps),
            "steps": steps,
            "best_step": best[0],
            "best_score": next((row["macro_f1"] for row in history if row["step"] == best[0]), math.nan),
            "history": history,
        }
        return _results(task, scale * best[1], best[2])

    def _minimise(self, task: GraphTask, theta: Tensor, bias: Tensor, decay: float, scale: float) -> int:
        """Run L-BFGS; gives the times that it looked at all documents."""
        optimizer = torch.optim.LBFGS(
            [theta, bias], max_iter=self.max_iterations, history_size=10, line_search_fn="strong_wolfe"
        )
        looks = 0

        def closure() -> float:
            nonlocal looks
            looks += 1
            optimizer.zero_grad()
            scores = task.training(task.product(scale * theta)) + bias
            loss = functional.cross_entropy(scores, task.training_labels) + 0.5 * decay * theta.square().sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.item()

        optimizer.step(closure)
        return looks

    def estimate(self, splits: DatasetDict) -> Estimate:
        """See `Method.estimate`."""
        fits = len(WEIGHT_DECAYS) if self.weight_decay is None else 1
        classes = splits["train"].features["label"].num_classes
        return estimate_graph(splits, products=2 * fits * self.max_iterations * classes / 200)


@torch.no_grad()
def _validate(task: GraphTask, theta: Tensor, bias: Tensor) -> tuple[float, dict[str, float]]:
    scores = task.validation_scores(theta, task.product(theta), lambda state: state) + bias
    return task.evaluate(scores)


@torch.no_grad()
def _results(task: GraphTask, theta: Tensor, bias: Tensor) -> tuple[Attachment, np.ndarray]:
    """What new texts are scored with, and the probabilities of the graph's documents."""
    passed_on = task.product(theta).cpu()
    scores = torch.from_numpy(task.documents @ passed_on.numpy()) + bias.cpu()
    words = task.word_nodes
    attachment = Attachment(
        words=task.words,
        idf=task.idf,
        degree=task.word_degree,
        first=theta.cpu()[words],
        second=passed_on[words],
        mix=torch.eye(task.num_classes),
        bias=bias.cpu(),
        rectify=False,
        prior=task.prior,
    )
    return attachment, scores.softmax(dim=1).numpy()
