"""`python -m gloss_pyg.tune`: search the arguments of methods by their validation scores."""

import sys
from collections.abc import Sequence

from gloss_pyg.errors import UserError, package_folder
from gloss_pyg.startup import many_imports


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status (see `--help`)."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if {"-h", "--help"} & set(given):
        from gloss_pyg.tune.help import HELP

        print(HELP, end="")
        return 0
    try:
        package_folder("optuna", extra="tune", purpose="Tuning")
        print("tune: loading PyTorch and the methods ...", file=sys.stderr, flush=True)
        with many_imports():
            from gloss_pyg.tune.run import run
            from gloss_pyg.tune.settings import read_settings

        return run(*read_settings(given))
    except UserError as error:
        print(f"tune: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tune: stopped; what was finished is kept.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
