"""The conformance kit: whether a propagation layer, ours or yours, keeps the contract.

    from gloss_pyg.testing import check_propagation

    check_propagation(MyLayer())          # silent within a second or two, or one ContractError that says what is wrong

What is promised, and what usually breaks it, is in `gloss_pyg.testing.promises`; the guide `docs/write-a-layer.md`
shows the kit at work. Nothing here needs a test framework.
"""

from gloss_pyg.testing.conformance import check_propagation
from gloss_pyg.testing.failure import ContractError

__all__ = ["ContractError", "check_propagation"]
