"""Random batches, most of them hostile, and the losses they go through: one strategy for tests and benchmark.

Sizes 1 to 64, 1 to 20 classes, any labels (none among them), rows scattered, equal, nearly equal, opposite and zero, of
any length that the number format holds; sigma from 1e-6 to 1e6 and every rule for it, both graphs, three solvers, both
objectives, four number formats.
"""

import math
import warnings
from dataclasses import dataclass

import torch
from hypothesis import strategies as st
from torch import Tensor

from gloss_pyg.errors import NumericalWarning
from gloss_pyg.graph import DenseGaussian, KNNGaussian
from gloss_pyg.graph.bandwidth import SIGMA_RULES
from gloss_pyg.losses import GLoss, NegativeLogProbability, PublishedCode
from gloss_pyg.propagation import LabelPropagation

HALF = (torch.float16, torch.bfloat16)
# How long rows may be in each format, with room for the few standard deviations of a row's entries.
LENGTHS = {
    torch.float64: [1.0, 1e-300, 1e-20, 1e15, 1e300],
    torch.float32: [1.0, 1e-37, 1e-28, 1e-20, 1e-3, 1e3, 1e37],
    torch.bfloat16: [1.0, 1e-37, 1e-3, 1e3, 1e37],
    torch.float16: [1.0, 1e-3, 1e3],
}
SHAPES = ["scattered", "few", "near", "equal", "opposite", "zeros", "lengths"]
POWERS = st.floats(-6, 6).map(lambda power: 10.0**power)
SOLVERS = ["direct", "iterative", "conjugate_gradients"]


@dataclass
class Case:
    """One batch, what makes the loss that it goes through, and where they came from."""

    embeddings: Tensor
    labels: Tensor
    mask: Tensor | None
    seed: int
    shape: str
    k: int | None  # none: the dense graph
    sigma: float | str
    fitted: float  # where "sqrt" and "learned" stand
    solver: str
    published: bool

    def __repr__(self) -> str:
        graph = "dense" if self.k is None else f"{self.k} neighbours"
        return (
            f"seed {self.seed}, {self.shape} {tuple(self.embeddings.shape)} {self.embeddings.dtype} up to "
            f"{float(self.embeddings.detach().abs().max()):.3g}, {graph}, sigma={self.sigma} ({self.fitted:.3g}), "
            f"{self.solver}, {'the published code' if self.published else 'the equation'}, labels "
            f"{self.labels.tolist()}, mask {None if self.mask is None else self.mask.int().tolist()}"
        )

    def loss(self) -> GLoss:
        """A new loss; not made as the case is drawn, since what is drawn must hang on hypothesis's choices alone."""
        graph = DenseGaussian(self.sigma) if self.k is None else KNNGaussian(self.k, self.sigma)
        if self.sigma == "sqrt":  # fitted on other documents, near each other or far apart
            graph.fit_sigma(torch.ones(8, 8) + self.fitted * torch.eye(8))
        if self.sigma == "leave-one-out":
            graph.bandwidth.sigma.fill_(self.fitted)
        if self.sigma == "learned":  # where training may have brought it
            with torch.no_grad():
                graph.bandwidth.log_sigma.fill_(math.log(self.fitted))
        iterations = {} if self.solver == "direct" else {"max_iterations": 40}
        objective = PublishedCode() if self.published else NegativeLogProbability()
        return GLoss(graph, LabelPropagation(self.solver, **iterations), objective=objective)


@st.composite
def cases(draw: st.DrawFn, solvers: list[str] = SOLVERS) -> Case:
    """A case; `solvers` are those to choose from."""
    seed, n, classes, dim = draw(
        st.tuples(st.integers(0, 2**31), st.integers(1, 64), st.integers(1, 20), st.integers(1, 16))
    )
    generator = torch.Generator().manual_seed(seed)
    dtype = draw(st.sampled_from([torch.float32, torch.float32, torch.float64, *HALF]))
    shape = draw(st.sampled_from(SHAPES))
    x = draw_rows(shape, n, dim, generator) * draw(st.sampled_from(LENGTHS[dtype]))
    if dtype == torch.float16:
        x = x.clamp(-6e4, 6e4)
    labels = torch.randint(0, classes, (n,), generator=generator)
    labels[torch.rand(n, generator=generator) < draw(st.sampled_from([0.0, 0.0, 0.2, 0.2, 0.9, 1.0]))] = -100
    return Case(
        embeddings=x.to(dtype).requires_grad_(),
        labels=labels,
        mask=torch.rand(n, generator=generator) < 0.5 if draw(st.booleans()) else None,
        seed=seed,
        shape=shape,
        k=draw(st.none() | st.integers(1, 12)),
        sigma=draw(POWERS | st.sampled_from(SIGMA_RULES)),
        fitted=draw(POWERS),
        solver=draw(st.sampled_from(solvers)),
        published=draw(st.booleans()),
    )


def draw_rows(shape: str, n: int, dim: int, generator: torch.Generator) -> Tensor:
    """Rows `[n, dim]` in float64, of one of the `SHAPES`."""

    def rand(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, dtype=torch.float64)

    x = torch.randn(n, dim, generator=generator, dtype=torch.float64)
    few = x[torch.randint(0, max(n // 3, 1), (n,), generator=generator)]
    if shape == "few":  # rows that occur several times, and then almost
        return few + float(rand(1).round()) * 1e-6 * x
    if shape == "near":
        return x[:1] + 10.0 ** float(-12 * rand(1)) * x
    if shape == "equal":
        return x[:1].repeat(n, 1)
    if shape == "opposite":
        return few * (rand(n, 1) - 0.5).sign()
    if shape == "zeros":
        return x * (rand(n, 1) < 0.5)
    if shape == "lengths":
        return x * 10.0 ** (-6 * rand(n, 1))
    return x


def outcome(case: Case) -> str:
    """`"usable"`, `"zero"` or `"beyond half precision"` for a batch that went well, else what went wrong.

    A half-precision gradient may be infinite only just where the same numbers in float32 have one beyond its range;
    there infinity is right, since gradient scalers look for it, and such batches are counted apart.
    """
    loss = case.loss()
    value = _backward(loss, case, case.embeddings)
    gradient = case.embeddings.grad
    usable = bool(loss.statistics.summary()["usable_batches"])
    if not math.isfinite(value):
        return f"the loss is {value}"
    if value < -1e-5 or not (usable or value == 0):
        return f"the loss is {value} for a batch that is {'' if usable else 'not '}usable"
    if gradient is None:
        return "there is no gradient"
    if not usable and bool(gradient.any()):
        return "nothing counts, and the gradient is not zero"
    if not all(bool(part.grad.isfinite().all()) for part in loss.parameters() if part.grad is not None):
        return "a parameter's gradient is not finite"
    if bool(gradient.isfinite().all()):
        return "usable" if usable else "zero"
    if case.embeddings.dtype not in HALF:
        return "the gradient is not finite"
    wide = case.embeddings.detach().float().requires_grad_()
    _backward(case.loss(), case, wide)
    assert wide.grad is not None
    beyond = bool(wide.grad.isfinite().all()) and torch.equal(
        ~gradient.isfinite(), wide.grad.to(gradient.dtype).isinf()
    )
    return "beyond half precision" if beyond else "the gradient is not finite"


def _backward(loss: GLoss, case: Case, embeddings: Tensor) -> float:
    with warnings.catch_warnings():
        # An iteration that is cut short is not what is tried here.
        warnings.simplefilter("ignore", NumericalWarning)
        value = loss(embeddings, case.labels, case.mask, torch.Generator().manual_seed(case.seed))
        value.backward()
    return float(value.item())
