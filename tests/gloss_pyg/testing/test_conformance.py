"""The kit lets good layers pass and catches each kind of broken one, saying what is wrong."""

import copy

import pytest
import torch
from torch import nn

from gloss_pyg.errors import ConfigError, DataError
from gloss_pyg.propagation import LabelPropagation, Propagation
from gloss_pyg.testing import ContractError, check_propagation, promises
from gloss_pyg.testing.comparisons import on_device
from gloss_pyg.testing.examples import named_examples
from gloss_pyg.testing.subject import Subject


class Walk(Propagation):
    """Personalised PageRank by a dense solve: what the broken layers below are made of."""

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        steps = self.steps(edge_index, edge_weight, seeds.size(0))
        return torch.linalg.solve(torch.eye(seeds.size(0), dtype=steps.dtype) - 0.8 * steps, seeds)

    def steps(self, edge_index, edge_weight, n):
        weight = edge_weight.new_zeros(n, n).index_put((edge_index[1], edge_index[0]), edge_weight, accumulate=True)
        return weight / self.divisor(weight.sum(dim=1))[:, None]

    def divisor(self, degree):
        return torch.where(degree > 0, degree, 1)


class OneHop(Propagation):
    """The mean of the labels of labelled neighbours."""

    absorbing = True
    hops = 1

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        received = self.propagate(edge_index, x=seeds, edge_weight=edge_weight)
        return torch.where(mask[:, None], seeds, received)


class Attention(OneHop):
    """Neighbours weighed by a learned product of embeddings."""

    needs_x = True
    through_x = True

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.query = nn.Linear(8, 8)

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        source, target = edge_index
        x = x.to(self.query.weight.dtype)
        near = (self.query(x)[source] * x[target]).sum(dim=1).tanh().exp()
        return super().scores(seeds, edge_index, near.to(edge_weight.dtype) * edge_weight, mask)


class Signed(Walk):
    """Scores of both signs."""

    signed = True

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return scores - scores.mean(dim=1, keepdim=True)


class Based(Walk):
    """Mixes in a base prediction, and keeps it where no label arrives."""

    needs_base = True

    def scores(self, seeds, edge_index, edge_weight, mask, x=None, base=None):
        return super().scores(seeds, edge_index, edge_weight, mask) + base


class Learned(Walk):
    """Scores of each class, times a learned number of its own."""

    needs_num_classes = True

    def __init__(self, num_classes=None):
        super().__init__(num_classes)
        self.prior = nn.Parameter(torch.linspace(-0.5, 0.5, num_classes))

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return scores * self.prior.exp().to(scores.dtype)


class Unweighted(OneHop):
    """Weighs neighbours by embeddings alone."""

    needs_x = True
    through_x = True
    through_weights = False

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        source, target = edge_index
        near = (x[source] * x[target]).sum(dim=1).tanh().exp() * (edge_weight > 0)
        return super().scores(seeds, edge_index, near.to(seeds.dtype), mask)


class Regularized(Walk):
    """`(I + L)^-1 Y`: the scale of the weights matters, and the layer says so."""

    reads_scale = True

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        n, edge_weight = seeds.size(0), edge_weight / (1 + edge_weight)
        weight = edge_weight.new_zeros(n, n).index_put((edge_index[1], edge_index[0]), edge_weight, accumulate=True)
        return torch.linalg.solve(torch.eye(n, dtype=weight.dtype) + weight.sum(dim=1).diag() - weight, seeds)


class Symmetric(Walk):
    """Refuses a graph with one-way edges."""

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        if {(i, j) for i, j in edge_index.T.tolist()} != {(j, i) for i, j in edge_index.T.tolist()}:
            raise DataError("Edges go one way.")
        return super().scores(seeds, edge_index, edge_weight, mask)


GOOD = [
    Walk(),
    OneHop(),
    Attention(),
    Signed(),
    Based(),
    Learned(num_classes=4),
    Unweighted(),
    Regularized(),
    Symmetric(),
    LabelPropagation(num_classes=2),
]


@pytest.mark.parametrize("layer", GOOD, ids=lambda layer: type(layer).__name__)
def test_a_layer_that_keeps_the_contract_passes(layer):
    check_propagation(layer, num_graphs=40)


# Broken layers. Each spoils one thing of a good one.


class SeesEverything(Walk):
    def forward(self, y, edge_index, mask, edge_weight=None, x=None):
        return super().forward(y, edge_index, mask | (y.sum(dim=1) > 0 if y.dim() == 2 else y >= 0), edge_weight, x)


class SeesClassIds(Walk):
    """Reads hidden labels only where they come as class ids."""

    def forward(self, y, edge_index, mask, edge_weight=None, x=None):
        return super().forward(y, edge_index, mask if y.dim() == 2 else mask | (y == 0), edge_weight, x)


class RowsUnnormalised(Walk):
    scores_are_probabilities = True


class StopsAfterTwoSteps(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        steps = self.steps(edge_index, edge_weight, seeds.size(0))
        return seeds + 0.8 * steps @ seeds + 0.64 * steps @ (steps @ seeds)


class Prior(Walk):
    """Lets the classes that have a seed somewhere leak to every node."""

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return scores + 1e-3 * (seeds.sum(dim=0) > 0)


class Guesses(Walk):
    """Has an opinion on nodes that no label reaches."""

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return torch.where(scores.sum(dim=1, keepdim=True) > 0, scores, 1.0)


class MixesClasses(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return scores + 1e-3 * scores.sum(dim=1, keepdim=True)


class Overwrites(Walk):
    absorbing = True


class PassesNothing(OneHop):
    """Says that labels pass through labelled nodes, and any number of edges."""

    absorbing = False
    hops = None

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        free = ~mask[edge_index[1]]
        steps = self.steps(edge_index[:, free], edge_weight[free], seeds.size(0))
        return torch.linalg.solve(torch.eye(seeds.size(0), dtype=steps.dtype) - 0.999 * steps, seeds)

    steps, divisor = Walk.steps, Walk.divisor


class GlobalScale(Walk):
    def steps(self, edge_index, edge_weight, n):
        steps = super().steps(edge_index, edge_weight, n)
        if not bool((edge_weight > 0).any()):
            return steps
        return steps * (0.5 + 0.5 * edge_weight.mean() / edge_weight.max())


class ByPosition(Walk):
    def steps(self, edge_index, edge_weight, n):
        return super().steps(edge_index, edge_weight * (1 + edge_index[0] + edge_index[1]), n)


class FavoursTheFirst(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        factor = torch.ones(seeds.size(1), dtype=seeds.dtype)
        factor[0] = 1.01
        return super().scores(seeds, edge_index, edge_weight, mask) * factor


class FixedThreshold(Walk):
    def divisor(self, degree):
        return degree + 1e-6


class Detached(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return super().scores(seeds, edge_index, edge_weight.detach(), mask)


class DetachedLabels(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return super().scores(seeds.detach(), edge_index, edge_weight, mask)


class DetachedParameter(Learned):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return Walk.scores(self, seeds, edge_index, edge_weight, mask) * self.prior.detach().exp().to(seeds.dtype)


class ConstantDegree(Walk):
    def divisor(self, degree):
        return super().divisor(degree).detach()


class IgnoresWeights(OneHop):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return super().scores(seeds, edge_index, (edge_weight > 0).to(seeds.dtype) + 0 * edge_weight, mask)


class IgnoresEmbeddings(Walk):
    through_x = True


class Nowhere(Walk):
    through_weights = False


class Unguarded(Walk):
    def divisor(self, degree):
        return degree


class RootOfZero(Walk):
    def steps(self, edge_index, edge_weight, n):
        weight = edge_weight.new_zeros(n, n).index_put((edge_index[1], edge_index[0]), edge_weight, accumulate=True)
        root = weight.sum(dim=1).sqrt()
        inverse = torch.where(root > 0, 1 / root, 0)
        return inverse[:, None] * weight * inverse


class Negative(Walk):
    scores_are_probabilities = True

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        rows = scores / torch.where(scores > 0, scores, 0).sum(dim=1, keepdim=True).clamp(min=1e-30)
        return 2 * rows - rows.mean(dim=1, keepdim=True)


class WideFormat(Walk):
    def forward(self, y, edge_index, mask, edge_weight=None, x=None):
        return super().forward(y, edge_index, mask, edge_weight, x).double()


class NarrowInside(Walk):
    """Loses digits in float32 alone."""

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return scores if scores.dtype == torch.float64 else scores.bfloat16().float()


class WritesIntoWeights(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        edge_weight.mul_(0.5)
        return super().scores(seeds, edge_index, edge_weight, mask)


class WritesIntoLabels(Walk):
    def forward(self, y, edge_index, mask, edge_weight=None, x=None):
        y[~mask] = 0
        return super().forward(y, edge_index, mask, edge_weight, x)


class NeedsAnEdge(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return super().scores(seeds, edge_index, edge_weight / edge_weight.max(), mask)


class HiddenRowsOnly(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return super().scores(seeds, edge_index, edge_weight, mask)[~mask]


class AlwaysDrops(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        kept = 0.5 + torch.rand_like(edge_weight)
        return super().scores(seeds, edge_index, edge_weight * kept, mask)


class RemembersBySize(Walk):
    def __init__(self):
        super().__init__()
        self.seen = {}

    def steps(self, edge_index, edge_weight, n):
        kept = self.seen.setdefault((n, edge_weight.dtype), edge_weight.detach().clone())
        return super().steps(edge_index, edge_weight + 0 * kept if kept.shape == edge_weight.shape else edge_weight, n)

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        first = self.seen.get((seeds.size(0), edge_weight.dtype))
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        same = first is None or torch.equal(first, edge_weight.detach())
        self.seen[seeds.size(0), edge_weight.dtype] = edge_weight.detach().clone()
        return scores if same else scores + seeds


class StaleCoefficients(Learned):
    """Computes its coefficients once."""

    def __init__(self, num_classes=None):
        super().__init__(num_classes)
        self.kept = {}

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        factor = self.kept.setdefault("factor", self.prior.detach().exp()).to(seeds.dtype)
        scores = Walk.scores(self, seeds, edge_index, edge_weight, mask)
        return scores * (factor + self.prior.exp() - self.prior.detach().exp()).to(seeds.dtype)


class PlainTensor(Walk):
    def __init__(self):
        super().__init__()
        self.factor = torch.tensor(0.5)


class Backwards(Walk):
    """Takes edges to lead from row 1 to row 0."""

    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        return super().scores(seeds, edge_index.flip(0), edge_weight, mask)


BROKEN = [
    (SeesEverything(), promises.HIDDEN),
    (SeesClassIds(3), promises.HIDDEN),
    (RowsUnnormalised(), promises.ROWS),
    (StopsAfterTwoSteps(), promises.CLASSES),
    (Prior(), promises.BATCH),
    (Guesses(), promises.SILENT),
    (MixesClasses(), promises.CLASSES),
    (Overwrites(), promises.KEPT),
    (PassesNothing(), promises.CLASSES),
    (GlobalScale(), promises.BATCH),
    (ByPosition(), promises.NODES),
    (FavoursTheFirst(), promises.COLUMNS),
    (FixedThreshold(), promises.SCALE),
    (Detached(), promises.CONNECTED),
    (DetachedLabels(), promises.CONNECTED),
    (DetachedParameter(num_classes=3), promises.CONNECTED),
    (ConstantDegree(), promises.GRADIENT),
    (IgnoresWeights(), promises.CONNECTED),
    (IgnoresEmbeddings(), promises.CONNECTED),
    (Nowhere(), promises.CONNECTED),
    (Unguarded(), promises.FINITE),
    (RootOfZero(), promises.STEEP),
    (Negative(), promises.RANGE),
    (WideFormat(), promises.DTYPE),
    (NarrowInside(), promises.PRECISION),
    (WritesIntoWeights(), promises.UNTOUCHED),
    (WritesIntoLabels(), promises.UNTOUCHED),
    (NeedsAnEdge(), promises.RUNS),
    (HiddenRowsOnly(), promises.SHAPE),
    (AlwaysDrops(), promises.REPEATABLE),
    (RemembersBySize(), promises.REPEATABLE),
    (StaleCoefficients(num_classes=3), promises.STATE),
    (PlainTensor(), promises.STATE),
    (Backwards(), promises.ROWS),
]


@pytest.mark.parametrize(("layer", "promise"), BROKEN, ids=lambda part: type(part).__name__)
def test_a_broken_layer_is_caught_with_the_promise_that_it_broke(layer, promise, monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # where users try a layer there are no such checks
    with pytest.raises(ContractError) as caught:
        check_propagation(layer, num_graphs=5)
    assert caught.value.promise is promise, str(caught.value)
    assert str(caught.value).startswith(f"{type(layer).__name__} breaks its contract: {promise.sentence}")
    assert f"Usual cause: {promise.cause}" in str(caught.value)


def test_every_promise_has_a_layer_that_breaks_it():
    broken = {promise for _, promise in BROKEN}
    missing = [promise.sentence for promise in promises.PROMISES if promise not in broken]
    assert missing == [promises.IDS.sentence, promises.DEVICE.sentence]  # below; where there is an accelerator


def test_the_comparison_with_an_accelerator():
    class Far(Walk):
        """Stands for a layer that does something else on its second device."""

        def to(self, device):
            self.moved = True
            return super().to(device)

        moved = False

        def steps(self, edge_index, edge_weight, n):
            return super().steps(edge_index, edge_weight, n) * (0.5 if self.moved else 1)

    here = torch.device("cpu")
    example = next(named_examples(None, 8))
    on_device(Subject(Walk(), 1e-8), example, here)
    with pytest.raises(ContractError, match="on cpu") as caught:
        on_device(Subject(Far(), 1e-8), example, here)
    assert caught.value.promise is promises.DEVICE


def test_class_ids_that_mean_something_else_than_rows():
    class Shifted(Walk):
        """Counts classes from the end where they are ids."""

        def forward(self, y, edge_index, mask, edge_weight=None, x=None):
            ids = y.dim() == 1
            result = super().forward(y, edge_index, mask, edge_weight, x)
            return result.flip(1) if ids else result

    with pytest.raises(ContractError, match="with class ids") as caught:
        check_propagation(Shifted(), num_graphs=0)
    assert caught.value.promise is promises.IDS


class FailsOnSeventeen(Walk):
    def scores(self, seeds, edge_index, edge_weight, mask, x=None):
        scores = super().scores(seeds, edge_index, edge_weight, mask)
        return scores * float("nan") if seeds.size(0) == 17 else scores


def test_the_message_says_what_where_and_how_to_see_it_again():
    with pytest.raises(ContractError) as caught:
        check_propagation(FailsOnSeventeen(), num_graphs=200)
    first, graph, seen, expected, cause = str(caught.value).splitlines()
    assert first == "FailsOnSeventeen breaks its contract: No entry is NaN or infinite."
    assert "17 nodes" in graph
    assert seen.startswith("  Seen: row 0 is [nan")
    assert expected == "  Expected: finite numbers"
    assert "Divide only where the divisor is positive" in cause
    example = caught.value.example
    assert example is not None
    assert example.y.size(0) == 17
    again = graph.split("again by ")[1].removesuffix(".")
    with pytest.raises(ContractError) as repeated:
        eval(again, {"check_propagation": check_propagation, "layer": FailsOnSeventeen()})
    assert str(repeated.value) == str(caught.value)


def test_the_error_of_the_layer_is_kept():
    with pytest.raises(ContractError, match="RuntimeError: max") as caught:
        check_propagation(NeedsAnEdge(), num_graphs=0)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_layer_that_kept_a_result_with_its_history_cannot_be_copied():
    class Keeps(Walk):
        def scores(self, seeds, edge_index, edge_weight, mask, x=None):
            self.last = {"scores": super().scores(seeds, edge_index, edge_weight, mask)}
            return self.last["scores"]

    layer = Keeps()
    edges, weight = torch.tensor([[0, 1], [1, 0]]), torch.ones(2, requires_grad=True)
    layer(torch.eye(2), edges, torch.tensor([True, False]), weight)
    with pytest.raises(ContractError, match=r"copy\.deepcopy raised RuntimeError") as caught:
        check_propagation(layer)
    assert caught.value.promise is promises.STATE


def test_the_layer_itself_stays_as_it_was():
    layer = Learned(num_classes=3).train()
    before = copy.deepcopy(layer.state_dict())
    check_propagation(layer, num_graphs=3)
    assert layer.training
    assert layer.num_classes == 3
    assert layer.prior.dtype == torch.float32
    assert layer.prior.grad is None
    assert torch.equal(layer.prior.detach(), before["prior"])
    plain = Walk()
    check_propagation(plain, num_graphs=3)
    assert plain.num_classes is None


def test_randomness_of_training_is_no_fault():
    class Drops(Walk):
        def scores(self, seeds, edge_index, edge_weight, mask, x=None):
            kept = nn.functional.dropout(edge_weight, training=self.training)
            return super().scores(seeds, edge_index, kept, mask)

    check_propagation(Drops().train(), num_graphs=3)


def test_a_solver_that_stops_sooner_is_judged_by_its_tolerance():
    class Rounded(Walk):
        """A result that depends a little on the order of nodes, as an iteration that stops early."""

        def scores(self, seeds, edge_index, edge_weight, mask, x=None):
            scores = super().scores(seeds, edge_index, edge_weight, mask)
            return scores * (1 + 1e-7 * torch.arange(scores.numel()).view(scores.shape).sin())

    with pytest.raises(ContractError, match="within 1e-08"):
        check_propagation(Rounded(), num_graphs=0)
    check_propagation(Rounded(), num_graphs=0, tolerance=1e-5)


def test_classes_below_its_resolution_may_be_lost_in_float32_alone(monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # tested elsewhere, and slow here

    class CutOff(Walk):
        """Small probabilities are zero in float32, or in both formats."""

        def __init__(self, resolution, below, formats):
            super().__init__()
            self.resolution, self.below, self.formats = resolution, below, formats

        def scores(self, seeds, edge_index, edge_weight, mask, x=None):
            scores = super().scores(seeds, edge_index, edge_weight, mask)
            return scores * (scores > (self.below if scores.dtype in self.formats else 0))

    def check(*arguments):
        check_propagation(CutOff(*arguments), num_graphs=20)

    check(1e-3, 1e-5, {torch.float32})  # scores, which are divided by their sum
    for resolution, formats in (
        (0.0, {torch.float32}),
        (1e-9, {torch.float32}),
        (1e-3, {torch.float32, torch.float64}),
    ):
        with pytest.raises(ContractError):
            check(resolution, 1e-5, formats)


def test_only_layers_are_checked(monkeypatch):
    monkeypatch.setattr("jaxtyping.config.jaxtyping_disable", True)  # users have no such checks
    with pytest.raises(ConfigError, match="made with its arguments; got <class"):
        check_propagation(Walk)


def test_a_one_way_graph_may_be_refused_but_no_other():
    class Refuses(Walk):
        def scores(self, seeds, edge_index, edge_weight, mask, x=None):
            raise DataError("Not this one.")

    with pytest.raises(ContractError, match="DataError: Not this one") as caught:
        check_propagation(Refuses(), num_graphs=0)
    assert caught.value.promise is promises.RUNS


def test_warnings_of_a_layer_reach_its_user():
    class Warns(Walk):
        def scores(self, seeds, edge_index, edge_weight, mask, x=None):
            import warnings

            warnings.warn("weights are not used", UserWarning, stacklevel=1)
            return super().scores(seeds, edge_index, edge_weight, mask)

    with pytest.warns(UserWarning, match="weights are not used"):
        check_propagation(Warns(), num_graphs=0)


def test_nothing_of_a_test_framework_is_imported():
    import subprocess
    import sys

    code = "import sys, gloss_pyg.testing; sys.exit(bool({'pytest', 'hypothesis'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
