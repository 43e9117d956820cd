"""`python -m gloss_pyg.tune`: search the arguments of methods by their validation scores."""

import sys
from collections.abc import Sequence

from gloss_pyg.command import run_command
from gloss_pyg.errors import package_folder
from gloss_pyg.startup import many_imports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status (see `--help`)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if {"-h", "--help"} & set(given):
        from gloss_pyg.tune.help import HELP

        print(HELP, end="")
        return 0
    return run_command("tune", lambda: _tune(given), stopped="stopped; what was finished is kept.")


def _tune(given: Sequence[str]) -> int:
    package_folder("optuna", extra="tune", purpose="Tuning")
    print("tune: loading PyTorch and the methods ...", file=sys.stderr, flush=True)
    with many_imports():
        from gloss_pyg.tune.run import run
        from gloss_pyg.tune.settings import read_settings

    return run(*read_settings(given))


if __name__ == "__main__":
    sys.exit(main())
