"""The one error of the kit: which promise was broken, on which graph, what was seen, and what usually causes it."""

from gloss_pyg.testing.example import Example
from gloss_pyg.testing.promises import Promise


class ContractError(AssertionError):
    """A layer broke a promise.

    Attributes:
        promise: The promise that was broken.
        example: The graph with labels, mask and embeddings on which it was, to try a repair on; `None` where no graph
            was needed.
    """

    def __init__(self, layer: str, promise: Promise, example: Example | None, seen: str, expected: str) -> None:
        where = "" if example is None else f"\n  Graph: {example.describe()}"
        super().__init__(
            f"{layer} breaks its contract: {promise.sentence}{where}\n  Seen: {seen}\n  Expected: {expected}\n"
            f"  Usual cause: {promise.cause}"
        )
        self.promise = promise
        self.example = example
