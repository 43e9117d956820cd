"""How every command of the project ends."""

import sys
from collections.abc import Callable

from gloss_pyg.errors import UserError


def run_command(name: str, work: Callable[[], int | None], *, stopped: str = "stopped.") -> int:
    """The exit status of a command: what its work gives, 2 where something given cannot work, 130 after Ctrl-C.

    What cannot work is said in a line, without the traceback, which is of no use to somebody who mistyped a name.

    Args:
        name: The command's, before what is said.
        work: What it does; `None` for a status of 0.
        stopped: What is said after Ctrl-C: what was kept, what was not.
    """
    try:
        return work() or 0
    except UserError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"{name}: {stopped}\n")
        return 130
